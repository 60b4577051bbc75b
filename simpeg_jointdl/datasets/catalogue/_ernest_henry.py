"""Real co-located gravity and magnetics around the Ernest Henry deposit, north-west Queensland."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ... import data
from ..._core.checks import real_number, whole_number
from ...data import GravityData, GravityMagneticDataset, MagneticData
from ._sources import fetch

if TYPE_CHECKING:
    import pathlib

#: West, east, south and north edge of the window in MGA94 zone 54, in m.
WINDOW = (451_000.0, 487_000.0, 7_721_500.0, 7_757_500.0)
#: IGRF 2010 at 140.5 E, 20.5 S: amplitude in nT, inclination and declination in degrees.
INDUCING_FIELD = (50_560.0, -50.75, 6.28)

_GRAVITY_ELEVATION = 0.0  # m; the files hold no heights: flat-earth convention, on the ground
_MAGNETIC_ELEVATION = 80.0  # m; the usual reference clearance of the national compilation
_MGAL_PER_MICROMETRE = 0.1  # 1 um/s^2
_MAGNETIC_UNCERTAINTY = 100.0  # nT, as published
_SMALLEST_MAGNETIC_UNCERTAINTY = 25.0  # nT, however high the data are continued

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
    r"""Gravity and magnetics of 36 x 36 km around the Ernest Henry deposit.

    Parameters
    ----------
    remove_trend : bool
        Take a robust trend out of each of the two, fitted in the window: gravity falls towards the basin
        cover in the east. See `remove_trend`.
    trend_order : {0, 1, 2}
        Order of that trend. A plane leaves gravity with a saddle of 20 mGal in the corners of the window,
        which a second order takes out.
    upward_continuation : float
        Height in m by which both are continued upwards, over the whole 1 x 1 degree grids, before the window
        is cut. 1000 to 2000 m is recommended for the magnetics, see Notes.
    every : int
        Keep every n-th row and column, for small runs; continue upwards by about the spacing that is left, or
        the thinned magnetics are aliased once more.
    gravity_uncertainty : float
        In mGal; 0.5 to 1 is what the interpolation between stations leaves uncertain.

    Returns
    -------
    GravityMagneticDataset
        No mesh, no truth. gz is SimPEG's, positive up: the Bouguer anomaly with its sign turned.

    Notes
    -----
    The magnetic grid is every tenth node of a 90 m grid flown at 80 m without an anti-alias filter, so what
    is shorter than twice 870 m is folded into what is longer. Its uncertainty is 100 nT as published. Taken
    as white noise on the grid, continuation by :math:`h` leaves the root mean square of :math:`e^{-|k| h}`
    of it (0.18 at 1 km): that is the uncertainty after continuation, though never less than 25 nT, since
    aliases are not all short, and what remains is correlated between neighbours.

    Gravity stations lie several km apart and the grid between them is interpolated. Continuation barely
    touches errors of that length, so gravity keeps its uncertainty.
    """
    height = real_number("ernest_henry.upward_continuation", upward_continuation, minimum=0.0)
    every = whole_number("ernest_henry.every", every, minimum=1)
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
    """(n_rows, n_columns, 3) easting, northing in m and value, south to north, and the terms of use."""
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
    """GDA94 longitude and latitude to MGA94 zone 54."""
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
    """Stations and values inside the window, rows from south to north, each from west to east."""
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
    """Standard deviation in nT after continuation by `height`; the rule is in `load_ernest_henry`."""
    spacing = tuple(np.linalg.norm(np.diff(grid[..., :2], axis=axis), axis=-1).mean() for axis in (0, 1))
    factor = data.white_noise_factor(grid.shape[:2], spacing, height)
    return max(_SMALLEST_MAGNETIC_UNCERTAINTY, _MAGNETIC_UNCERTAINTY * factor)
