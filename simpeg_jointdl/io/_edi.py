"""EDI files: one, several or a folder, in one call."""

from __future__ import annotations

import contextlib
import os
import pathlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..data import MTStations
from ..kernels import apparent_resistivity, is_wrong_quadrant, rotate_impedance
from ._edi_file import EdiStation, read_station

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from numpy.typing import ArrayLike

_SAME_FREQUENCY = 1e-3
_PLAUSIBLE = (1e-3, 1e7)


def read_edi(
    source: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    names: Sequence[str] | None = None,
    units: str | None = None,
    rotation: float = 0.0,
    locations: ArrayLike | None = None,
    crs: Any = None,
) -> MTStations:
    """Impedances of EDI files, through mt_metadata.

    Parameters
    ----------
    source : str, pathlib.Path, or sequence of them
        One file, a folder (its ``*.edi``, in either case, sorted by name), or files.
    names : sequence of str, optional
        One per file; the files' names without ``.edi`` if not given (``DATAID`` is not always there, nor distinct).
    units : {None, "mV/km/nT", "ohm"}
        Of the impedances in the files. None: what the header says under ``UNITS``; where that is no unit of an
        impedance, mV/km/nT, as EDI practice has it, unless the median apparent resistivity of the file would then be
        below 0.1 ohm m: those numbers are ohm. (Ground of more than 60 000 ohm m in ohm would be mistaken: pass
        `units`.) mV/km/nT times 4π·10⁻⁴ is ohm.
    rotation : float
        Azimuth of the x axis wanted, in degrees clockwise from north. Impedances that an EDI holds in other axes
        (``ZROT``, or ``ROTSPEC`` of spectra) are turned, frequency by frequency; a tensor that lacks an element
        cannot be.
    locations : (n, 3) array_like, optional
        Easting, northing and elevation of the files in m, in place of what they say.
    crs : optional
        Projection of the locations, anything that pyproj takes; the UTM zone (WGS84) of their middle if not given.

    Returns
    -------
    MTStations
        Frequencies are those of all files together, ascending, whatever the order in the files; two within 0.1 % are
        one. Elements that are zero, empty or no number are missing (nan); a ``.VAR`` that is zero, negative or
        not there is an unknown error (nan).

    Raises
    ------
    ImportError
        Without mt_metadata: ``pip install "simpeg_jointdl[mt]"``.
    FileNotFoundError
        If a file is not there, or a folder holds none.
    ValueError
        For a file that is no EDI, has no impedances or no coordinates (latitude and longitude zero), whose tensors
        would have to be turned and all lack an element, or whose frequencies are not positive or come twice; the
        message names it.

    Notes
    -----
    SimPEG's logger says what was counted as missing, what was turned, which units were guessed, and warns where
    apparent resistivities come out beyond 10⁻³ to 10⁷ ohm m, as they do in the wrong units, and where most phases
    are in the wrong quadrant.

    Impedances are those of exp(+iωt), as EDI practice has it. Spectra are turned into impedances by mt_metadata.
    """
    if units not in (None, "mV/km/nT", "ohm"):
        msg = f"read_edi, units: got {units!r}, wanted None, 'mV/km/nT' or 'ohm'. Use one of those."
        raise ValueError(msg)
    stations, read = read_files(_paths(source), names, units, rotation, locations, crs)
    _report(read, rotation)
    return stations


def read_files(
    paths: Sequence[Path],
    names: Sequence[str] | None,
    units: str | None,
    rotation: float,
    locations: ArrayLike | None,
    crs: Any,
) -> tuple[MTStations, list[EdiStation]]:
    """What `read_edi` returns, and what was read of each file."""
    names = [path.stem for path in paths] if names is None else names
    with _quiet_library() as library:
        stations = [read_station(library, path, units) for path in paths]
    frequencies = _merged([station.frequencies for station in stations])
    shape = (len(stations), len(frequencies), 2, 2)
    impedance, error = np.full(shape, np.nan, dtype=np.complex128), np.full(shape, np.nan)
    for i, station in enumerate(stations):
        where = _indices(frequencies, station)
        impedance[i, where], error[i, where] = _turned(station, rotation)
    degrees = None
    if locations is None:
        degrees = np.array([_coordinates(station) for station in stations])
        easting, northing, crs = _project(degrees, crs)
        locations = np.column_stack([easting, northing, [station.elevation for station in stations]])
    return MTStations(names, locations, frequencies, impedance, error, rotation, degrees, str(crs or "")), stations


def _turned(station: EdiStation, rotation: float) -> tuple[np.ndarray, np.ndarray]:
    """Impedance and error in the axes wanted; as they are where they are in them, gaps and all."""
    impedance, error = rotate_impedance(station.impedance, station.error, rotation - station.rotation)
    there = (station.rotation == rotation)[:, None, None]
    impedance = np.where(there, station.impedance, impedance)
    if np.isnan(impedance[:, [0, 1], [1, 0]]).all():
        msg = (
            f"read_edi: {station.path}: every tensor lacks an element, so none can be turned from an azimuth of "
            f"{station.rotation[0]:g} to {rotation:g} degrees. Read it alone, with rotation={station.rotation[0]:g}."
        )
        raise ValueError(msg)
    return impedance, np.where(there, station.error, error)


def _coordinates(station: EdiStation) -> tuple[float, float]:
    if station.longitude_latitude is None:
        msg = (
            f"read_edi: {station.path}: got no coordinates, wanted LAT and LONG in >HEAD. Write them there, or pass "
            "locations=."
        )
        raise ValueError(msg)
    return station.longitude_latitude


def _paths(source) -> list[pathlib.Path]:
    single = isinstance(source, str | os.PathLike)
    paths = [pathlib.Path(path).expanduser() for path in ([source] if single else source)]
    if single and paths[0].is_dir():
        paths = sorted(path for path in paths[0].iterdir() if path.suffix.lower() == ".edi")
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        msg = f"read_edi: got {source!r:.200}, and there is no file {', '.join(missing) or '*.edi'}. Check the path."
        raise FileNotFoundError(msg)
    return paths


@contextlib.contextmanager
def _quiet_library():
    """mt_metadata's EDI class; what it logs (to stdout, through loguru) and warns of stays unsaid meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from loguru import logger
            from mt_metadata.transfer_functions.io.edi import EDI
        except ImportError as error:
            msg = (
                'read_edi needs mt_metadata, which is not installed. Install it with: pip install "simpeg_jointdl[mt]"'
            )
            raise ImportError(msg) from error
        logger.disable("mt_metadata")
        try:
            yield EDI
        finally:
            logger.enable("mt_metadata")


def _merged(lists) -> np.ndarray:
    """Ascending frequencies of all files, those within `_SAME_FREQUENCY` of the one below being the same."""
    values = np.unique(np.concatenate(lists))
    return values[np.diff(values, prepend=0.0) > _SAME_FREQUENCY * values]


def _indices(frequencies, station: EdiStation) -> np.ndarray:
    """Where a station's frequencies stand among all."""
    where = np.argmin(np.abs(np.log(station.frequencies[:, None] / frequencies)), axis=1)
    if len(np.unique(where)) < len(where):
        msg = f"read_edi: {station.path}: a frequency comes twice (or two are within 0.1 %). Keep one of them."
        raise ValueError(msg)
    return where


def _project(degrees, crs) -> tuple[np.ndarray, np.ndarray, str]:
    try:
        from pyproj import CRS, Transformer
    except ImportError as error:
        msg = (
            "read_edi needs pyproj, which is not installed, to project longitude and latitude. "
            'Install it with: pip install "simpeg_jointdl[mt]"'
        )
        raise ImportError(msg) from error
    if crs is None:
        longitude, latitude = degrees.mean(axis=0)
        crs = (32600 if latitude >= 0 else 32700) + int((longitude + 180.0) // 6.0) % 60 + 1
    crs = CRS.from_user_input(crs)
    easting, northing = Transformer.from_crs(4326, crs, always_xy=True).transform(*degrees.T)
    return easting, northing, crs.to_string()


def _report(stations: list[EdiStation], rotation: float) -> None:
    """What a reader of the data should know, through SimPEG's logger."""
    from simpeg.utils import get_logger

    n_all = sum(station.impedance.size for station in stations)
    n_missing = sum(int(np.isnan(station.impedance).sum()) for station in stations)
    there = [~np.isnan(station.impedance) for station in stations]
    n_unknown = sum(int(np.isnan(s.error[found]).sum()) for s, found in zip(stations, there, strict=True))
    turned = [station.path.name for station in stations if (station.rotation != rotation).any()]
    in_ohm = [station.path.name for station in stations if station.guessed == "ohm"]
    for count, text in (
        (n_missing, f"{n_missing} of {n_all} elements are zero or empty: missing"),
        (n_unknown, f"{n_unknown} of {n_all - n_missing} elements come without an error: unknown"),
        (len(turned), f"turned to an azimuth of {rotation:g} degrees: {_some(turned)}"),
        (len(in_ohm), f"read as ohm, which mV/km/nT cannot be: {_some(in_ohm)}"),
    ):
        if count:
            get_logger().info(f"read_edi: {text}.")
    turned = [station.path.name for station in stations if _is_elsewhere(station)]
    if turned:
        get_logger().warning(
            f"read_edi: phases of Zxy or -Zyx beyond 0 to 90 degrees at most frequencies in {_some(turned)}: swapped "
            "channels, or exp(-iωt)?"
        )
    odd = [station.path.name for station in stations if not _is_plausible(station)]
    if odd:
        get_logger().warning(
            f"read_edi: apparent resistivities beyond 1e-3 to 1e7 ohm m in {_some(odd)}: wrong units? Pass units=."
        )


def _is_elsewhere(station: EdiStation) -> bool:
    """Over half of Zxy, or of Zyx, in the wrong quadrant."""
    wrong, there = is_wrong_quadrant(station.impedance), ~np.isnan(station.impedance)
    return any(2 * wrong[:, i, j].sum() > there[:, i, j].sum() for i, j in ((0, 1), (1, 0)))


def _is_plausible(station: EdiStation) -> bool:
    """Of the median over each of Zxy and Zyx: a wild point alone is no sign of wrong units."""
    rho = apparent_resistivity(station.impedance, station.frequencies[:, None, None])[:, [0, 1], [1, 0]]
    medians = [np.median(column[~np.isnan(column)]) for column in rho.T if not np.isnan(column).all()]
    return all(_PLAUSIBLE[0] <= value <= _PLAUSIBLE[1] for value in medians)


def _some(files: list[str]) -> str:
    return ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
