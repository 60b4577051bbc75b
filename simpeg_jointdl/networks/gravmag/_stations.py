"""Gravity and magnetic data as a user has them, checked: values at stations, with their height, noise and field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kernels import field_direction

_COMPONENTS = {"gravity": "gz", "magnetic": "tmi"}
_UNITS = {"gravity": "mGal", "magnetic": "nT"}
_DEFAULT_NOISE = 0.03  # of the data's rms
_AMPLITUDES = (1e3, 2e5)  # nT, of any planet's field worth the name
#: Contrasts in g/cc and SI of a layer as thick as a cell that data may stand for: what is outside has other units.
_CONTRASTS = {"gravity": (1e-4, 30.0), "magnetic": (1e-6, 30.0)}
_MEND = {
    "gravity": ("m/s²", "multiply by 1e5", "µGal or nm/s²", "multiply by 1e-3 or 1e-4"),
    "magnetic": ("T", "multiply by 1e9", "pT", "multiply by 1e-3"),
}


@dataclass
class Stations:
    """Data of one kind.

    Attributes
    ----------
    kind : {"gravity", "magnetic"}
    locations : (n, 3) numpy.ndarray
        Easting, northing and elevation in m.
    values : (n,) numpy.ndarray
        mGal, upward positive, or nT; nan where missing.
    noise : float
        Standard deviation in the same unit.
    spacing : float or None
        Of the array they come from.
    field : (3,) tuple or None
        Amplitude in nT, inclination and declination in degrees.
    """

    kind: str
    locations: np.ndarray
    values: np.ndarray
    noise: float
    spacing: float | None = None
    field: tuple[float, float, float] | None = None

    @property
    def n_missing(self) -> int:
        """Values that are nan."""
        return int(np.isnan(self.values).sum())

    @property
    def direction(self) -> tuple[float, float, float]:
        """Of the field: easting, northing, upward."""
        return field_direction(*self.field[1:])

    def per_unit(self, cell_size: float, slab: float) -> float:
        """What values are divided by to know no cell size and no field strength."""
        return slab * cell_size if self.kind == "gravity" else self.field[0]


def read_stations(owner: str, kind: str, data, noise, spacing, origin, elevation, field) -> Stations:
    """From an array (ny, nx), SimPEG's data, or those of `datasets`; see `GravMagUNet.predict`."""
    name = f"{owner}.{kind}_data"
    if hasattr(data, "survey") and hasattr(data, "dobs"):
        locations, values, own_noise, own_field = _from_simpeg(name, kind, data)
        spacing = None
    elif hasattr(data, "locations") and hasattr(data, _COMPONENTS[kind]):
        locations, values, own_noise = data.locations, getattr(data, _COMPONENTS[kind]), data.uncertainty
        own_field, spacing = getattr(data, "inducing_field", None), None
    else:
        locations, values = _from_array(name, data, spacing, origin, elevation)
        own_noise, own_field, spacing = None, None, float(np.max(spacing))
    values = np.array(values, dtype=float)
    _check_values(name, kind, values)
    field = _checked_field(owner, own_field if field is None else field) if kind == "magnetic" else None
    noise = _checked_noise(f"{owner}.{kind}_noise", own_noise if noise is None else noise, values)
    return Stations(kind, np.array(locations, dtype=float), values, noise, spacing, field)


def check_units(owner: str, stations: Stations, cell_size: float, slab: float):
    """Refuse data of other units: those that nothing in the ground would give."""
    contrast = float(np.nanstd(stations.values)) / stations.per_unit(cell_size, slab)
    low, high = _CONTRASTS[stations.kind]
    if low <= contrast <= high:
        return
    small_unit, small_mend, large_unit, large_mend = _MEND[stations.kind]
    unit, mend = (small_unit, small_mend) if contrast < low else (large_unit, large_mend)
    what = "g/cc" if stations.kind == "gravity" else "SI"
    msg = (
        f"{owner}.{stations.kind}_data: a standard deviation of {np.nanstd(stations.values):.3g} over cells of "
        f"{cell_size:g} m stands for contrasts of about {contrast:.1e} {what}, which no ground has. Wanted "
        f"{_UNITS[stations.kind]}; if the data are in {unit}, {mend}."
    )
    raise ValueError(msg)


def _from_simpeg(name: str, kind: str, data):
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


def _from_array(name: str, data, spacing, origin, elevation):
    try:
        values = np.ma.filled(np.ma.asarray(data, dtype=float), np.nan)
    except (TypeError, ValueError) as error:
        msg = (
            f"{name}: got {type(data).__name__}, wanted SimPEG's data, datasets' data, or an array (ny, nx) of numbers."
        )
        raise TypeError(msg) from error
    if values.ndim != 2 or min(values.shape) < 2:
        msg = (
            f"{name}: got an array of shape {values.shape}, wanted (ny, nx); data at scattered stations go in as Data."
        )
        raise ValueError(msg)
    if spacing is None or elevation is None:
        msg = f"{name}: an array has no places. Pass cell_size= and height= along with it, in m."
        raise ValueError(msg)
    dx, dy = np.broadcast_to(spacing, 2)
    ny, nx = values.shape
    x, y = np.meshgrid(origin[0] + dx * (np.arange(nx) + 0.5), origin[1] + dy * (np.arange(ny) + 0.5))
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, elevation)]), values.ravel()


def _check_values(name: str, kind: str, values):
    present = values[~np.isnan(values)]
    if not present.size:
        msg = f"{name}: all {values.size} values are nan. Leave this grid out: {kind}_data=None."
        raise ValueError(msg)
    if not np.isfinite(present).all():
        msg = f"{name}: {int(np.isinf(present).sum())} values are infinite. Set what is missing to nan."
        raise ValueError(msg)
    if present.size < 4:
        msg = f"{name}: {present.size} of {values.size} values are there; wanted 4 at least. Leave this grid out."
        raise ValueError(msg)
    if np.ptp(present) <= 1e-9 * np.abs(present).max():
        msg = f"{name}: all {present.size} values are {present[0]:g}: there is no anomaly in them. Leave this grid out."
        raise ValueError(msg)


def _checked_field(owner: str, field) -> tuple[float, float, float]:
    wanted = "wanted inducing_field=(amplitude in nT, inclination, declination in degrees)"
    if field is None:
        msg = f"{owner}: magnetic data came without the direction of the field; {wanted}."
        raise ValueError(msg)
    try:
        amplitude, inclination, declination = (float(value) for value in field)
    except (TypeError, ValueError) as error:
        msg = f"{owner}.inducing_field: got {field!r}, {wanted}."
        raise ValueError(msg) from error
    low, high = _AMPLITUDES
    if not (low <= amplitude <= high and -90.0 <= inclination <= 90.0 and abs(declination) <= 360.0):
        msg = f"{owner}.inducing_field: got {field!r}, {wanted}: {low:g} to {high:g}, -90 to 90, -360 to 360."
        raise ValueError(msg)
    return amplitude, inclination, declination


def _checked_noise(name: str, noise, values) -> float:
    rms = float(np.sqrt(np.nanmean(values**2)))
    if noise is None:
        return _DEFAULT_NOISE * rms
    noise = np.asarray(noise, dtype=float).ravel()
    noise = noise[np.isfinite(noise)]
    if not noise.size or (noise < 0).any():
        msg = f"{name}: got {noise if noise.size else 'nothing finite'}, wanted standard deviations, none below 0."
        raise ValueError(msg)
    return float(np.sqrt(np.mean(noise**2)))
