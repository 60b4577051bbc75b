"""Where field data come from: the one list of public files, and the one way to have them."""

from __future__ import annotations

import hashlib
import os
import pathlib
from dataclasses import dataclass

#: Environment variable that names a local folder of data; nothing is downloaded when it is set.
DATA_VARIABLE = "SIMPEG_JOINTDL_DATA"

_ESCRIPT = (
    "https://raw.githubusercontent.com/esys-escript/esys-escript.github.io/"
    "90b4e597bf41f345217d3971400cf5a8d871a22d/doc/examples/inversion/data/"
)


@dataclass(frozen=True)
class PublicFile:
    """One file: its path inside the data folder, its public address and its sha256."""

    path: str
    url: str
    sha256: str


REGISTRY = {
    "qld_west_gravity": PublicFile(
        path="qld_west_gravmag/original/QLDWestGravity.nc",
        url=_ESCRIPT + "QLDWestGravity.nc",
        sha256="e16b530e4caf2d62cba6c4bade64638e164a470862401a5dc0529634c59a03c3",
    ),
    "qld_west_magnetics": PublicFile(
        path="qld_west_gravmag/original/QLDWestMagnetic.nc",
        url=_ESCRIPT + "QLDWestMagnetic.nc",
        sha256="314c25f5550606fa9a5a0093d38ccd0d967d1ef8bd550c756de00b7511763f87",
    ),
}


def fetch(name: str) -> pathlib.Path:
    """Path of a public file on this machine, its sha256 checked.

    Read from the folder in ``SIMPEG_JOINTDL_DATA`` where that is set; otherwise downloaded once into the
    user's cache folder.

    Parameters
    ----------
    name : str
        A key of the registry.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If the folder does not hold the file, or the download fails. The message names both ways.
    ValueError
        For an unknown name, or a file whose sha256 is not the published one.
    """
    if name not in REGISTRY:
        msg = f"fetch: got name={name!r}, wanted one of {sorted(REGISTRY)}. Use one of those."
        raise ValueError(msg)
    folder = os.environ.get(DATA_VARIABLE)
    return _from_folder(folder, REGISTRY[name]) if folder else _from_network(REGISTRY[name])


def _from_folder(folder: str, file: PublicFile) -> pathlib.Path:
    path = pathlib.Path(folder).expanduser() / file.path
    if not path.is_file():
        msg = (
            f"fetch: {DATA_VARIABLE}={folder!r} is set, but there is no file {path}. "
            f"Put the file of {file.url} there, or unset {DATA_VARIABLE} to have it downloaded."
        )
        raise FileNotFoundError(msg)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 != file.sha256:
        msg = (
            f"fetch: wrong checksum: {path} has sha256 {sha256}, wanted {file.sha256}. "
            f"Replace it by the file of {file.url}, or unset {DATA_VARIABLE} to have it downloaded."
        )
        raise ValueError(msg)
    return path


def _from_network(file: PublicFile) -> pathlib.Path:
    import pooch

    try:
        path = pooch.retrieve(
            url=file.url,
            known_hash=f"sha256:{file.sha256}",
            fname=pathlib.PurePosixPath(file.path).name,
            path=pooch.os_cache("simpeg_jointdl"),
        )
    except OSError as error:  # requests' own errors are OSErrors too
        msg = (
            f"fetch: the download of {file.url} failed ({type(error).__name__}: {error}). Get online and try "
            f"again, or save that file as {file.path} in a folder and set {DATA_VARIABLE} to that folder."
        )
        raise FileNotFoundError(msg) from error
    except ValueError as error:  # pooch's word for a checksum that does not match
        msg = (
            f"fetch: wrong checksum: what came from {file.url} is not the file wanted, of sha256 "
            f"{file.sha256} ({error}). Try again from another network, or save the right file as {file.path} "
            f"in a folder and set {DATA_VARIABLE} to that folder."
        )
        raise ValueError(msg) from error
    return pathlib.Path(path)
