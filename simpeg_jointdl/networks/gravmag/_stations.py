"""Gravity and magnetic data of a user: checked values at stations, with their noise and inducing field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._core.protocols import HasSurveyAndData
from ...data import GravityData, MagneticData
from ...kernels import field_direction

_COMPONENTS = {"gravity": "gz", "magnetic": "tmi"}
_CLASSES = {"gravity": GravityData, "magnetic": MagneticData}
_UNITS = {"gravity": "mGal", "magnetic": "nT"}
_DEFAULT_NOISE = 0.03  # standard deviation over the rms of the data
_AMPLITUDES = (1e3, 2e5)  # possible amplitudes of a planetary field in nT
_FEWEST = 4  # smallest number of values
#: Possible contrasts in g/cc and SI of a layer as thick as a cell; data that need others are in another unit.
_CONTRASTS = {"gravity": (1e-4, 30.0), "magnetic": (1e-6, 30.0)}
#: Likely unit of data that are too small, how to convert them, and the same for data that are too large.
_CONVERSIONS = {
    "gravity": ("m/s²", "multiply by 1e5", "µGal or nm/s²", "multiply by 1e-3 or 1e-4"),
    "magnetic": ("T", "multiply by 1e9", "pT", "multiply by 1e-3"),
}


@dataclass
class Stations:
    """Data of one kind at stations.

    Attributes
    ----------
    kind : {"gravity", "magnetic"}
        Kind of data.
    locations : (n, 3) numpy.ndarray
        Easting, northing and elevation in m.
    values : (n,) numpy.ndarray
        gz in mGal, positive upward, or total field anomaly in nT; NaN where missing.
    noise : float
        Standard deviation in the same unit.
    spacing : float or None
        Larger cell size in m of the array that the data come from.
    field : (3,) tuple or None
        Inducing field: amplitude in nT, inclination and declination in degrees.
    """

    kind: str
    locations: np.ndarray
    values: np.ndarray
    noise: float
    spacing: float | None = None
    field: tuple[float, float, float] | None = None

    @property
    def n_missing(self) -> int:
        """Number of values that are NaN."""
        return int(np.isnan(self.values).sum())

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector of the inducing field: easting, northing, upward."""
        return field_direction(*self.field[1:])

    def per_unit(self, cell_size: float, slab: float) -> float:
        """Return the divisor that makes the values independent of cell size and field strength."""
        return slab * cell_size if self.kind == "gravity" else self.field[0]


def read_stations(
    who: str,
    kind: str,
    data: Any,
    noise: Any,
    spacing: tuple[float, float] | None,
    origin: tuple[float, float],
    elevation: float | None,
    field: Any,
) -> Stations:
    """Return the stations of an array (ny, nx), of data of SimPEG or of `data`; see `GravMagUNet.predict`."""
    name = f"{who}.{kind}_data"
    if isinstance(data, _CLASSES[kind]):
        locations, values, own_noise = data.locations, getattr(data, _COMPONENTS[kind]), data.uncertainty
        own_field, size = getattr(data, "inducing_field", None), None
    elif isinstance(data, HasSurveyAndData):
        locations, values, own_noise, own_field = _from_simpeg(name, kind, data)
        size = None
    else:
        locations, values = _from_array(name, data, spacing, origin, elevation)
        own_noise, own_field, size = None, None, float(np.max(spacing))
    values = np.array(values, dtype=float)
    _check_values(name, kind, values)
    field = _checked_field(who, own_field if field is None else field) if kind == "magnetic" else None
    noise = _checked_noise(f"{who}.{kind}_noise", own_noise if noise is None else noise, values)
    return Stations(kind, np.array(locations, dtype=float), values, noise, size, field)


def check_units(who: str, stations: Stations, cell_size: float, slab: float) -> None:
    """Raise ValueError for data in another unit, which no property contrast could explain."""
    contrast = float(np.nanstd(stations.values)) / stations.per_unit(cell_size, slab)
    low, high = _CONTRASTS[stations.kind]
    if low <= contrast <= high:
        return
    small_unit, small_mend, large_unit, large_mend = _CONVERSIONS[stations.kind]
    unit, mend = (small_unit, small_mend) if contrast < low else (large_unit, large_mend)
    what = "g/cc" if stations.kind == "gravity" else "SI"
    msg = (
        f"{who}.{stations.kind}_data: a standard deviation of {np.nanstd(stations.values):.3g} over cells of "
        f"{cell_size:g} m needs contrasts of about {contrast:.1e} {what}, which do not occur in rocks. Wanted "
        f"{_UNITS[stations.kind]}; if the data are in {unit}, {mend}."
    )
    raise ValueError(msg)


def _from_simpeg(name: str, kind: str, data: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, Any]:
    """Return locations, values, noise and inducing field."""
    survey, component = data.survey, _COMPONENTS[kind]
    receivers = survey.source_field.receiver_list
    components = sorted({one for receiver in receivers for one in receiver.components})
    if components != [component]:
        msg = (
            f"{name}: got a survey of {', '.join(components)}, wanted {component!r} alone. Make data of that component."
        )
        raise ValueError(msg)
    locations = np.vstack([receiver.locations for receiver in receivers])
    source, field = survey.source_field, None
    if kind == "magnetic":
        field = (source.amplitude, source.inclination, source.declination)
    deviation = np.asarray(data.standard_deviation, dtype=float)
    return locations, data.dobs, deviation if np.any(deviation > 0) else None, field


def _from_array(
    name: str, data: Any, spacing: tuple[float, float] | None, origin: tuple[float, float], elevation: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return locations and values."""
    try:
        values = np.ma.filled(np.ma.asarray(data, dtype=float), np.nan)
    except (TypeError, ValueError) as error:
        msg = (
            f"{name}: got {type(data).__name__}, wanted data of SimPEG or of simpeg_jointdl.data, or an array (ny, nx) "
            f"of numbers."
        )
        raise TypeError(msg) from error
    if values.ndim != 2 or min(values.shape) < 2:
        msg = f"{name}: got an array of shape {values.shape}, wanted (ny, nx). Pass data at scattered stations as Data."
        raise ValueError(msg)
    if spacing is None or elevation is None:
        msg = f"{name}: got an array, which has no locations. Pass cell_size= and height= as well, in m."
        raise ValueError(msg)
    dx, dy = np.broadcast_to(spacing, 2)
    ny, nx = values.shape
    x, y = np.meshgrid(origin[0] + dx * (np.arange(nx) + 0.5), origin[1] + dy * (np.arange(ny) + 0.5))
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, elevation)]), values.ravel()


def _check_values(name: str, kind: str, values: np.ndarray) -> None:
    present, mend = values[~np.isnan(values)], f"Leave this grid out: {kind}_data=None."
    if not present.size:
        msg = f"{name}: all {values.size} values are NaN. {mend}"
        raise ValueError(msg)
    if not np.isfinite(present).all():
        msg = f"{name}: {int(np.isinf(present).sum())} values are infinite. Set missing values to NaN."
        raise ValueError(msg)
    if present.size < _FEWEST:
        msg = f"{name}: {present.size} of {values.size} values are not NaN, wanted at least {_FEWEST}. {mend}"
        raise ValueError(msg)
    if np.ptp(present) <= 1e-9 * np.abs(present).max():
        msg = f"{name}: all {present.size} values are {present[0]:g}, so there is no anomaly. {mend}"
        raise ValueError(msg)


def _checked_field(who: str, field: Any) -> tuple[float, float, float]:
    """Return amplitude, inclination and declination of the inducing field."""
    wanted = "wanted inducing_field=(amplitude in nT, inclination, declination in degrees)"
    if field is None:
        msg = f"{who}.inducing_field: the magnetic data have no inducing field, {wanted}."
        raise ValueError(msg)
    try:
        amplitude, inclination, declination = (float(value) for value in field)
    except (TypeError, ValueError) as error:
        msg = f"{who}.inducing_field: got {field!r}, {wanted}."
        raise ValueError(msg) from error
    low, high = _AMPLITUDES
    if not (low <= amplitude <= high and -90.0 <= inclination <= 90.0 and abs(declination) <= 360.0):
        msg = f"{who}.inducing_field: got {field!r}, {wanted}: {low:g} to {high:g}, -90 to 90, -360 to 360."
        raise ValueError(msg)
    return amplitude, inclination, declination


def _checked_noise(name: str, noise: Any, values: np.ndarray) -> float:
    """Return the rms of the standard deviations, by default a fraction of the rms of the data."""
    rms = float(np.sqrt(np.nanmean(values**2)))
    if noise is None:
        return _DEFAULT_NOISE * rms
    noise = np.ma.filled(np.ma.asarray(noise, dtype=float), np.nan).ravel()
    noise = noise[np.isfinite(noise)]
    if not noise.size or (noise < 0).any():
        msg = f"{name}: got {noise if noise.size else 'nothing finite'}, wanted standard deviations of at least 0."
        raise ValueError(msg)
    return float(np.sqrt(np.mean(noise**2)))
