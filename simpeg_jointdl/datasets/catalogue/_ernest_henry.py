"""Field gravity and magnetics around the Ernest Henry deposit, north-west Queensland."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ... import data
from ..._core import validation as check
from ...data import GravityData, GravityMagneticDataset, MagneticData
from ._sources import fetch

if TYPE_CHECKING:
    import pathlib

#: West, east, south and north edge of the window in MGA94 zone 54, in m.
WINDOW = (451_000.0, 487_000.0, 7_721_500.0, 7_757_500.0)
#: IGRF 2010 at 140.5 E, 20.5 S: amplitude in nT, inclination and declination in degrees.
INDUCING_FIELD = (50_560.0, -50.75, 6.28)

_GRAVITY_ELEVATION = 0.0  # m; the files have no heights, so the stations are put on a flat surface
_MAGNETIC_ELEVATION = 80.0  # m; the usual reference clearance of the national compilation
_MGAL_PER_MICROMETRE = 0.1  # 1 um/s^2
_MAGNETIC_UNCERTAINTY = 100.0  # nT, as published
_SMALLEST_MAGNETIC_UNCERTAINTY = 25.0  # nT, for any height of the continuation

_DESCRIPTION = (
    "Bouguer gravity and total-field magnetics, Mt Isa Eastern Succession, 36 x 36 km around the Ernest "
    "Henry Cu-Au deposit, about 870 x 925 m, MGA94 zone 54. Geoscience Australia's national grids, by way of "
    "ANU/NCI and esys-escript. Heights are a flat-earth convention."
)


def load_ernest_henry(
    *,
    remove_trend: bool = True,
    trend_order: int = 1,
    upward_continuation: float = 0.0,
    every: int = 1,
    gravity_uncertainty: float = 1.0,
) -> GravityMagneticDataset:
    r"""Return gravity and magnetic data of 36 x 36 km around the Ernest Henry deposit.

    Parameters
    ----------
    remove_trend : bool
        Whether to remove a robust trend from both data sets, fitted in the window; gravity decreases towards the basin
        cover in the east. See `remove_trend`.
    trend_order : {0, 1, 2}
        Order of the trend. After removing a plane, gravity has a saddle of 20 mGal in the corners of the window, which
        a second order removes.
    upward_continuation : float
        Height in m of an upward continuation of both data sets, on the whole 1 x 1 degree grids before the window is
        cut. 1000 to 2000 m is recommended for the magnetics, see Notes.
    every : int
        Step between the rows and columns that are kept. Continue upward by about the remaining spacing, or the thinned
        magnetics are aliased again.
    gravity_uncertainty : float
        Uncertainty of gravity in mGal; the interpolation between stations has errors of 0.5 to 1 mGal.

    Returns
    -------
    GravityMagneticDataset
        Data set without mesh and true models. gz is positive upward as in SimPEG, which is minus the Bouguer anomaly.

    Notes
    -----
    The magnetic grid consists of every tenth node of a 90 m grid, flown at 80 m, without an anti-alias filter.
    Wavelengths below twice 870 m are therefore aliased. Its published uncertainty is 100 nT. Continuation by :math:`h`
    reduces white noise on the grid by the root mean square of :math:`e^{-|k| h}` (0.18 at 1 km), which gives the
    uncertainty after continuation. It is never below 25 nT, since not all aliased wavelengths are short, and the
    remaining noise is correlated between neighbours.

    Gravity stations are several km apart and the grid is interpolated. Continuation hardly changes errors of that
    wavelength, so that gravity keeps its uncertainty.
    """
    height = check.number("ernest_henry.upward_continuation", upward_continuation, least=0.0)
    every = check.whole("ernest_henry.every", every, least=1)
    gravity, gravity_terms = _grid("qld_west_gravity", "onshore_and_offshore_gravity_anomaly_geodetic")
    magnetics, magnetic_terms = _grid("qld_west_magnetics", "magmap_V5_2010")
    gravity[..., 2] *= -_MGAL_PER_MICROMETRE
    gz_locations, gz = _window(gravity, _GRAVITY_ELEVATION, height, every)
    tmi_locations, tmi = _window(magnetics, _MAGNETIC_ELEVATION, height, every)
    if remove_trend:
        gz, _ = data.remove_trend(gz_locations, gz, trend_order)
        tmi, _ = data.remove_trend(tmi_locations, tmi, trend_order)
    return GravityMagneticDataset(
        name="ernest_henry",
        gravity=GravityData(gz_locations, gz, gravity_uncertainty),
        magnetics=MagneticData(tmi_locations, tmi, _magnetic_uncertainty(magnetics, height), INDUCING_FIELD),
        description=_DESCRIPTION,
        license=" ".join(dict.fromkeys((gravity_terms, magnetic_terms))),
    )


def _grid(name: str, variable: str) -> tuple[np.ndarray, str]:
    """Return easting, northing in m and value, (n_rows, n_columns, 3), from south to north, and the terms of use."""
    longitude, latitude, values, terms = _read(fetch(name), variable)
    easting, northing = _project(*np.meshgrid(longitude, latitude))
    return np.stack([easting, northing, values], axis=-1), terms


def _read(path: pathlib.Path, variable: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    from scipy.io import netcdf_file

    with netcdf_file(path, mmap=False) as file:
        arrays = [np.array(file.variables[key][:], dtype=np.float64) for key in ("longitude", "latitude", variable)]
        terms = " ".join(file.license.decode().split())
    return *arrays, terms


def _project(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project GDA94 longitude and latitude to MGA94 zone 54."""
    try:
        from pyproj import Transformer
    except ImportError as error:
        msg = (
            "datasets.load('ernest_henry') needs pyproj, which is not installed, to project longitude and "
            'latitude. Install it with: pip install "simpeg_jointdl[data]"'
        )
        raise ImportError(msg) from error
    return Transformer.from_crs(4283, 28354, always_xy=True).transform(longitude, latitude)


def _window(grid: np.ndarray, elevation: float, height: float, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Return stations and values inside the window, rows from south to north, each from west to east."""
    locations = np.concatenate([grid[..., :2], np.full((*grid.shape[:2], 1), elevation)], axis=-1)
    values = grid[..., 2]
    if height > 0.0:
        flat = data.upward_continue(locations.reshape(-1, 3), values.ravel(), height)
        locations, values = flat[0].reshape(locations.shape), flat[1].reshape(values.shape)
    west, east, south, north = WINDOW
    inside = (
        (locations[..., 0] >= west)
        & (locations[..., 0] <= east)
        & (locations[..., 1] >= south)
        & (locations[..., 1] <= north)
    )
    kept = np.ix_(np.flatnonzero(inside.any(axis=1))[::every], np.flatnonzero(inside.any(axis=0))[::every])
    return locations[kept].reshape(-1, 3), values[kept].ravel()


def _magnetic_uncertainty(grid: np.ndarray, height: float) -> float:
    """Return the standard deviation in nT after a continuation; see the notes of `load_ernest_henry`."""
    spacing = tuple(np.linalg.norm(np.diff(grid[..., :2], axis=axis), axis=-1).mean() for axis in (0, 1))
    factor = data.white_noise_factor(grid.shape[:2], spacing, height)
    return max(_SMALLEST_MAGNETIC_UNCERTAINTY, _MAGNETIC_UNCERTAINTY * factor)
