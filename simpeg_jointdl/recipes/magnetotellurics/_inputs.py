"""What a magnetotelluric inversion is given, as soundings that layers can explain, with errors."""

from __future__ import annotations

import numpy as np
from simpeg.utils import get_logger

from ...datasets import MTSoundings, MTStations

WHO = "create_mt_inversion"
DEFAULT_ERROR = 0.05
_RANGE = (1e-3, 1e7)  # ohm m, of apparent resistivities
_RADIANS = 0.5 * np.pi + 0.01
_SHOWN = 5


def checked_soundings(data, error_floor) -> MTSoundings:
    """Soundings with errors, of points whose phase layers can have."""
    floor = DEFAULT_ERROR if error_floor is None else _checked_floor(error_floor)
    if isinstance(data, MTStations):
        soundings = data.soundings("determinant", floor)
    elif isinstance(data, MTSoundings):
        soundings = data
    elif hasattr(data, "survey") and hasattr(data, "dobs"):
        soundings = MTSoundings.from_simpeg(data)
    else:
        msg = (
            f"{WHO}.data: got {type(data).__name__}, wanted datasets.MTSoundings, datasets.MTStations or SimPEG's Data "
            "over a natural-source survey."
        )
        raise TypeError(msg)
    _check_units(soundings)
    soundings = _possible(soundings)
    empty = [name for name, n in zip(soundings.names, soundings.n_data, strict=True) if not n]
    if empty:
        more = ", ..." if len(empty) > _SHOWN else ""
        msg = (
            f"{WHO}.data: {len(empty)} of {len(soundings)} stations have no usable frequency: "
            f"{', '.join(empty[:_SHOWN])}{more}. Leave them out: soundings[soundings.n_data > 0]."
        )
        raise ValueError(msg)
    return soundings.floored(floor) if error_floor is not None else _with_defaults(soundings)


def _checked_floor(value) -> float:
    try:
        floor = float(value)
    except (TypeError, ValueError):
        floor = np.nan
    if not 0.0 < floor < 1.0:
        msg = f"{WHO}.error_floor: got {value!r:.40}, wanted a relative error of the impedance such as 0.05, or None."
        raise ValueError(msg)
    return floor


def _check_units(soundings):
    """Mistakes of units are orders of magnitude."""
    rho, phase = soundings.apparent_resistivity, soundings.phase
    middle = np.nanmedian(rho) if not np.isnan(rho).all() else 1.0
    if not _RANGE[0] <= middle <= _RANGE[1]:
        msg = (
            f"{WHO}.data: the median apparent resistivity is {middle:.2g} ohm m, which no ground has. Impedances must "
            "be in ohm: those of an EDI, in mV/km/nT, times 4 pi 1e-4, else resistivities are 630 000 times too large."
        )
        raise ValueError(msg)
    there = phase[~np.isnan(phase)]
    if there.size and (there > 0.0).all() and (there < _RADIANS).all():
        msg = (
            f"{WHO}.data: all phases lie between 0 and {there.max():.2f}; wanted degrees, 45 over a half-space. "
            "Multiply radians by 180 / pi."
        )
        raise ValueError(msg)


def _possible(soundings: MTSoundings) -> MTSoundings:
    """Without points whose phase is not between 0 and 90 degrees, where those of layers are."""
    bad = ~np.isnan(soundings.phase) & ~((soundings.phase > 0.0) & (soundings.phase < 90.0))
    if not bad.any():
        return soundings
    get_logger().warning(
        f"{WHO}: {int(bad.sum())} of {int((~np.isnan(soundings.phase)).sum())} phases, of {int(bad.any(1).sum())} "
        "stations, are not between 0 and 90 degrees, where those of a layered earth are: these points are left out."
    )
    curves = (soundings.apparent_resistivity, soundings.phase)
    errors = (soundings.apparent_resistivity_error, soundings.phase_error)
    left = (np.where(bad, np.nan, curve) for curve in (*curves, *errors))
    return MTSoundings(soundings.names, soundings.locations, soundings.frequencies, *left)


def _with_defaults(soundings: MTSoundings) -> MTSoundings:
    """Unknown errors as those of 5 % of the impedance, the others as they are."""
    told = (soundings.apparent_resistivity_error, soundings.phase_error)
    default = (2.0 * DEFAULT_ERROR * soundings.apparent_resistivity, np.full(told[1].shape, np.degrees(DEFAULT_ERROR)))
    errors = (np.where(np.isnan(one), other, one) for one, other in zip(told, default, strict=True))
    curves = (soundings.apparent_resistivity, soundings.phase)
    return MTSoundings(soundings.names, soundings.locations, soundings.frequencies, *curves, *errors)


def checked_thicknesses(thicknesses) -> np.ndarray | None:
    """(n_layers - 1,) in m, above 0, or None."""
    if thicknesses is None:
        return None
    array = np.asarray(thicknesses, dtype=float)
    if array.ndim != 1 or not array.size or not (np.isfinite(array).all() and (array > 0.0).all()):
        least = f", the least {np.nanmin(array):g}" if array.size else ""
        msg = f"{WHO}.thicknesses: got shape {array.shape}{least}; wanted (n_layers - 1,) in m, all above 0."
        raise ValueError(msg)
    return array


def checked_reference(reference, n_stations: int, n_layers: int) -> np.ndarray:
    """(n_stations, n_layers) in ohm m from a number, a column or all columns."""
    array = np.asarray(reference, dtype=float)
    shapes = ((), (n_layers,), (n_stations, 1), (n_stations, n_layers))
    if array.shape not in shapes or not (np.isfinite(array).all() and (array > 0.0).all()):
        msg = (
            f"{WHO}.reference: got shape {array.shape}, wanted resistivities above 0 ohm m, of shape (), ({n_layers},) "
            f"or ({n_stations}, {n_layers})."
        )
        raise ValueError(msg)
    return np.broadcast_to(array, (n_stations, n_layers)).copy()
