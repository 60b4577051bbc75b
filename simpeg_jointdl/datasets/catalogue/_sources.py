"""Public files of field data and benchmarks: their addresses and checksums, and how to get them."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import pathlib
import zlib
from dataclasses import dataclass

from ._ynp_files import EDI_SHA256

#: Environment variable with a local folder of data; nothing is downloaded when it is set.
DATA_VARIABLE = "SIMPEG_JOINTDL_DATA"

_ESCRIPT = (
    "https://raw.githubusercontent.com/esys-escript/esys-escript.github.io/"
    "90b4e597bf41f345217d3971400cf5a8d871a22d/doc/examples/inversion/data/"
)
_FAST_TIMES = (
    "https://raw.githubusercontent.com/simpeg-research/Fast-Times-2021-Carbon-Mineralization/"
    "0706e8faf2ce736daaaa50ed37fe487d0a24bdee/3_blocks_model/Assets/"
)
_GRAM = "https://raw.githubusercontent.com/abdrg/Gram_Joint_Inversion/7f5777f0f0853407f85ce72cf492f7da63421737/"
_TRANSFORM = (
    "https://raw.githubusercontent.com/simpeg/transform-2021-simpeg/"
    "b16c10094ee3b656bba5a631738bba28bc7d5a03/data/Raglan_1997/"
)
_YELLOWSTONE = (
    "https://raw.githubusercontent.com/simpeg-research/earthscope-mt-course/"
    "0da8584150bf8f43086b4d6d820228c7b93541c8/data/transfer_functions/broadband/"
)


@dataclass(frozen=True)
class PublicFile:
    """A public file: its path inside the data folder, its address and its sha256.

    The folder may contain it compressed, with ``.gz`` after its name; the sha256 is that of the content.
    """

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
    "camp_gravity": PublicFile(
        path="camp_blocks/original/3_blocks_model/grav_data.obs",
        url=_FAST_TIMES + "grav_data.obs",
        sha256="604d36a6c87bef5363ddd3598430acfcd611b549322561f2edfb311e8085a182",
    ),
    "camp_magnetics": PublicFile(
        path="camp_blocks/original/3_blocks_model/magnetic_data.obs",
        url=_FAST_TIMES + "magnetic_data.obs",
        sha256="0b7f3fa145dc08c05688978e2ae01facd1f969a6dcd4ba938ef990b53b78b94f",
    ),
    "camp_mesh": PublicFile(
        path="camp_blocks/original/3_blocks_model/mesh_CaMP.ubc",
        url=_FAST_TIMES + "mesh_CaMP.ubc",
        sha256="d61203a6f7b7f28fbbcc505af2a0eb8e202a8c74633ce3a4939a42e1c1b28727",
    ),
    "camp_density": PublicFile(
        path="camp_blocks/original/3_blocks_model/CaMP_grav_synthetic_model.ubc",
        url=_FAST_TIMES + "CaMP_grav_synthetic_model.ubc",
        sha256="28fd1791852ced9e19241837d64d03ee994e2bb1cc7b824545f7469045bb55ba",
    ),
    "camp_susceptibility": PublicFile(
        path="camp_blocks/original/3_blocks_model/CaMP_magnetic_synthetic_model.ubc",
        url=_FAST_TIMES + "CaMP_magnetic_synthetic_model.ubc",
        sha256="ca90b0093c1d38ae26beb1b20aeb46fe452377f63036e6c4a9a62f629bf27862",
    ),
    "two_bodies_gravity": PublicFile(
        path="two_bodies/original/input_d_gv_cuerpos_noised.csv",
        url=_GRAM + "input_d_gv_cuerpos_noised.csv",
        sha256="3a9b387473cf6859091f58333c5944c304f89b301c19d6840e87bb64932a5189",
    ),
    "two_bodies_magnetics": PublicFile(
        path="two_bodies/original/input_d_mg_cuerpos_noised.csv",
        url=_GRAM + "input_d_mg_cuerpos_noised.csv",
        sha256="75c7210be1c8e91d83008026c63f2853b69af62710464cf1ea9da070da2045b0",
    ),
    "two_bodies_density": PublicFile(
        path="two_bodies/original/input_m_gv_cuerpos.csv",
        url=_GRAM + "input_m_gv_cuerpos.csv",
        sha256="e9aff7600c834b76116997a27e23aa87dc462806c5a5f33f85b10a890f1e5604",
    ),
    "two_bodies_magnetization": PublicFile(
        path="two_bodies/original/input_m_mg_cuerpos.csv",
        url=_GRAM + "input_m_mg_cuerpos.csv",
        sha256="0d49ef013b26f48a90b851a5e36cc6777061d8fec1c3fabb7232df32d4acd25d",
    ),
    "raglan_magnetics": PublicFile(
        path="raglan_mag/original/obs.mag",
        url=_TRANSFORM + "obs.mag",
        sha256="5c5404b31c3a82209f769194632ecd6da7687503f25ab9527f91196034be3706",
    ),
    "raglan_mesh": PublicFile(
        path="raglan_mag/original/mesh.msh",
        url=_TRANSFORM + "mesh.msh",
        sha256="de4b4230b5e262cc254c11be99c4a8e7c938b1c0f08d75ecad53512e9842540f",
    ),
    "raglan_susceptibility": PublicFile(
        path="raglan_mag/original/maginv3d.sus",
        url=_TRANSFORM + "maginv3d.sus",
        sha256="a67a3b3b645bb7830bb7a84e30c92719116d463aa98e665e155aa9d722c148ff",
    ),
    **{
        f"ynp_mt/{name}": PublicFile(
            path=f"ynp_mt/original/edi/{name}.edi", url=f"{_YELLOWSTONE}{name}.edi", sha256=sha256
        )
        for name, sha256 in EDI_SHA256.items()
    },
}


def fetch(name: str) -> pathlib.Path:
    """Return the path of a public file on this machine, after checking its sha256.

    The file is read from the folder in ``SIMPEG_JOINTDL_DATA`` if that is set, and otherwise downloaded once into the
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
        If the folder does not contain the file, or the download fails.
    ValueError
        If the name is unknown, or the sha256 of the file is not the published one.
    """
    if name not in REGISTRY:
        msg = f"fetch: got name={name!r}, wanted one of {sorted(REGISTRY)}. Use one of those."
        raise ValueError(msg)
    folder = os.environ.get(DATA_VARIABLE)
    return _from_folder(folder, REGISTRY[name]) if folder else _from_network(REGISTRY[name])


def find_in_folder(path: str) -> pathlib.Path | None:
    """Return the path of a file without public address in ``SIMPEG_JOINTDL_DATA``, or None."""
    folder = os.environ.get(DATA_VARIABLE)
    found = pathlib.Path(folder).expanduser() / path if folder else None
    return found if found is not None and found.is_file() else None


def _from_folder(folder: str, file: PublicFile) -> pathlib.Path:
    path = pathlib.Path(folder).expanduser() / file.path
    compressed = path.with_name(path.name + ".gz")
    if not path.is_file() and compressed.is_file():
        path = compressed
    if not path.is_file():
        msg = (
            f"fetch: {DATA_VARIABLE}={folder!r} is set, but there is no file {path}. "
            f"Put the file of {file.url} there, or unset {DATA_VARIABLE} to download it."
        )
        raise FileNotFoundError(msg)
    sha256 = _sha256(path)
    if sha256 != file.sha256:
        msg = (
            f"fetch: wrong checksum: {path} has sha256 {sha256}, wanted {file.sha256}. "
            f"Replace it by the file of {file.url}, or unset {DATA_VARIABLE} to download it."
        )
        raise ValueError(msg)
    return path


def _sha256(path: pathlib.Path) -> str:
    """Return the sha256 of a file, or of the content of a ``.gz`` file."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        with contextlib.suppress(OSError, EOFError, zlib.error):  # a damaged file has a wrong checksum, too
            content = gzip.decompress(content)
    return hashlib.sha256(content).hexdigest()


def _from_network(file: PublicFile) -> pathlib.Path:
    import pooch

    try:
        path = pooch.retrieve(
            url=file.url,
            known_hash=f"sha256:{file.sha256}",
            fname=pathlib.PurePosixPath(file.path).name,
            path=pooch.os_cache("simpeg_jointdl"),
        )
    except OSError as error:  # errors of requests are OSErrors
        msg = (
            f"fetch: the download of {file.url} failed ({type(error).__name__}: {error}). Get online and try "
            f"again, or save that file as {file.path} in a folder and set {DATA_VARIABLE} to that folder."
        )
        raise FileNotFoundError(msg) from error
    except ValueError as error:  # pooch raises it for a wrong checksum
        msg = (
            f"fetch: wrong checksum: the download of {file.url} is not the wanted file with sha256 "
            f"{file.sha256} ({error}). Try again from another network, or save the right file as {file.path} "
            f"in a folder and set {DATA_VARIABLE} to that folder."
        )
        raise ValueError(msg) from error
    return pathlib.Path(path)
