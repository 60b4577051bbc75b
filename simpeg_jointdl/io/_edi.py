"""Reading of EDI files: one file, several, or a folder."""

from __future__ import annotations

import contextlib
import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._core import validation as check
from ..data import MTStations
from ..kernels import apparent_resistivity, is_wrong_quadrant, rotate_impedance
from ._edi_file import EdiStation, read_station

_SAME_FREQUENCY = 1e-3
_PLAUSIBLE = (1e-3, 1e7)


def read_edi(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    names: Sequence[str] | None = None,
    units: Literal["mV/km/nT", "ohm"] | None = None,
    rotation: float = 0.0,
    locations: ArrayLike | None = None,
    crs: Any = None,
    report: bool = True,
) -> MTStations:
    """Read the impedances of EDI files with mt_metadata.

    Parameters
    ----------
    source : str, path, or sequence of them
        One file, a folder (all its ``*.edi`` files, in upper or lower case, sorted by name), or several files.
    names : sequence of str, optional
        Names of the stations, one per file; by default the file names without ``.edi``, since ``DATAID`` may be
        missing or the same in several files.
    units : {None, "mV/km/nT", "ohm"}
        Unit of the impedances in the files. By default the unit in the header under ``UNITS``. If that is not a unit of
        an impedance, mV/km/nT is assumed, as is usual for EDI files, unless the median apparent resistivity of the file
        would then be below 0.1 ohm m; the numbers are then taken as ohm. (A file in ohm from rock of more than 60 000
        ohm m would be taken as mV/km/nT; give `units` there.) 1 mV/km/nT is 4π·10⁻⁴ ohm.
    rotation : float
        Wanted azimuth of the x axis in degrees clockwise from north. Impedances in other axes (``ZROT``, or ``ROTSPEC``
        of spectra) are rotated for each frequency; a tensor that lacks an element cannot be rotated.
    locations : (n, 3) array_like, optional
        Easting, northing and elevation of the stations in m, instead of the coordinates in the files.
    crs : optional
        Coordinate reference system of the locations, as pyproj accepts it; by default the UTM zone (WGS84) at the mean
        position.
    report : bool
        Whether to report missing values, rotations, guessed units and suspicious values through SimPEG's logger.

    Returns
    -------
    MTStations
        Stations at the frequencies of all files, ascending; frequencies within 0.1 % count as one. Elements that are
        zero, empty or not a number are missing (nan). A ``.VAR`` that is zero, negative or absent gives an unknown
        error (nan).

    Raises
    ------
    ImportError
        If mt_metadata is not installed: ``pip install "simpeg_jointdl[mt]"``.
    FileNotFoundError
        If a file does not exist, or a folder contains no EDI file.
    ValueError
        If a file is not an EDI, has no impedances or no coordinates (latitude and longitude zero), cannot be rotated
        because every tensor lacks an element, or has frequencies that are not positive or occur twice. The message
        names the file.

    Notes
    -----
    SimPEG's logger reports missing elements, rotated files and guessed units. It warns about apparent resistivities
    outside of 10⁻³ to 10⁷ ohm m, which indicate wrong units, and about phases that are mostly in the wrong quadrant.

    Impedances have the time factor exp(+iωt), as is usual for EDI files. mt_metadata converts spectra to impedances.
    """
    if units is not None:
        check.one_of("read_edi.units", units, ("mV/km/nT", "ohm"))
    stations, read = _read_files(_paths(source), names, units, rotation, locations, crs)
    if report:
        _report(read, rotation)
    return stations


def _read_files(paths, names, units, rotation, locations, crs) -> tuple[MTStations, list[EdiStation]]:
    """Return the stations, and what was read from each file."""
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
    """Return impedance and error in the wanted axes; frequencies already in these axes stay unchanged."""
    impedance, error = rotate_impedance(station.impedance, station.error, rotation - station.rotation)
    there = (station.rotation == rotation)[:, None, None]
    impedance = np.where(there, station.impedance, impedance)
    if np.isnan(impedance[:, [0, 1], [1, 0]]).all():
        msg = (
            f"read_edi: {station.path}: every tensor lacks an element, so that none can be rotated from an azimuth of "
            f"{station.rotation[0]:g} to {rotation:g} degrees. Read it alone, with rotation={station.rotation[0]:g}."
        )
        raise ValueError(msg)
    return impedance, np.where(there, station.error, error)


def _coordinates(station: EdiStation) -> tuple[float, float]:
    if station.longitude_latitude is None:
        msg = (
            f"read_edi: {station.path}: got no coordinates, wanted LAT and LONG in >HEAD. Add them there, or pass "
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
    """Yield mt_metadata's EDI class with its log messages (loguru, on stdout) and warnings switched off."""
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
    """Return the frequencies of all files, ascending; those within `_SAME_FREQUENCY` count as one."""
    values = np.unique(np.concatenate(lists))
    return values[np.diff(values, prepend=0.0) > _SAME_FREQUENCY * values]


def _indices(frequencies, station: EdiStation) -> np.ndarray:
    """Return the indices of a station's frequencies among all frequencies."""
    where = np.argmin(np.abs(np.log(station.frequencies[:, None] / frequencies)), axis=1)
    if len(np.unique(where)) < len(where):
        msg = f"read_edi: {station.path}: a frequency occurs twice (or two are within 0.1 %). Keep one of them."
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
    """Report missing values, rotations, guessed units and suspicious values through SimPEG's logger."""
    from simpeg.utils import get_logger

    n_all = sum(station.impedance.size for station in stations)
    n_missing = sum(int(np.isnan(station.impedance).sum()) for station in stations)
    there = [~np.isnan(station.impedance) for station in stations]
    n_unknown = sum(int(np.isnan(s.error[found]).sum()) for s, found in zip(stations, there, strict=True))
    turned = [station.path.name for station in stations if (station.rotation != rotation).any()]
    in_ohm = [station.path.name for station in stations if station.guessed == "ohm"]
    for count, text in (
        (n_missing, f"{n_missing} of {n_all} elements are zero or empty and count as missing"),
        (n_unknown, f"{n_unknown} of {n_all - n_missing} elements have no error, which counts as unknown"),
        (len(turned), f"rotated to an azimuth of {rotation:g} degrees: {_some(turned)}"),
        (len(in_ohm), f"taken as ohm, since mV/km/nT would give too small resistivities: {_some(in_ohm)}"),
    ):
        if count:
            get_logger().info(f"read_edi: {text}.")
    turned = [station.path.name for station in stations if _is_elsewhere(station)]
    if turned:
        get_logger().warning(
            f"read_edi: phases of Zxy or -Zyx outside 0 to 90 degrees at most frequencies in {_some(turned)}. Are "
            "channels swapped, or is the time factor exp(-iωt)?"
        )
    odd = [station.path.name for station in stations if not _is_plausible(station)]
    if odd:
        get_logger().warning(
            f"read_edi: apparent resistivities outside 1e-3 to 1e7 ohm m in {_some(odd)}. Wrong units? Pass units=."
        )


def _is_elsewhere(station: EdiStation) -> bool:
    """Return whether more than half of Zxy, or of Zyx, is in the wrong quadrant."""
    wrong, there = is_wrong_quadrant(station.impedance), ~np.isnan(station.impedance)
    return any(2 * wrong[:, i, j].sum() > there[:, i, j].sum() for i, j in ((0, 1), (1, 0)))


def _is_plausible(station: EdiStation) -> bool:
    """Return whether the medians of Zxy and Zyx are plausible; a single outlier does not indicate wrong units."""
    rho = apparent_resistivity(station.impedance, station.frequencies[:, None, None])[:, [0, 1], [1, 0]]
    medians = [np.median(column[~np.isnan(column)]) for column in rho.T if not np.isnan(column).all()]
    return all(_PLAUSIBLE[0] <= value <= _PLAUSIBLE[1] for value in medians)


def _some(files: list[str]) -> str:
    return ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
