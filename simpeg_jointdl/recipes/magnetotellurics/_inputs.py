"""Checks of what a magnetotelluric inversion is given: soundings that layers can explain, with errors."""

from __future__ import annotations

import numpy as np
from simpeg.utils import get_logger

from ..._core import validation as check
from ..._core.protocols import HasSurveyAndData
from ...data import MTSoundings, MTStations

DEFAULT_ERROR = 0.05  # relative error of the impedance
_POSSIBLE = (1e-3, 1e7)  # range of median apparent resistivities in ohm m
_LARGEST_RADIANS = 0.5 * np.pi + 0.01  # phases above it are not in radians
_MOST_NAMES = 5  # in a message


def checked_soundings(who: str, data, error_floor: float | None) -> MTSoundings:
    """Return soundings with errors, without points whose phase no layered earth has."""
    mend = "It is a relative error of the impedance, such as 0.05."
    if error_floor is not None:
        error_floor = check.number(f"{who}.error_floor", error_floor, above=0.0, below=1.0, mend=mend)
    floor = DEFAULT_ERROR if error_floor is None else error_floor
    if isinstance(data, MTStations):
        soundings = data.soundings("determinant", floor)
    elif isinstance(data, MTSoundings):
        soundings = data
    elif isinstance(data, HasSurveyAndData):
        soundings = MTSoundings.from_simpeg(data)
    else:
        msg = (
            f"{who}.data: got {type(data).__name__}, wanted data.MTSoundings, data.MTStations or SimPEG's Data over a "
            "natural-source survey."
        )
        raise TypeError(msg)
    _check_units(who, soundings)
    soundings = _with_possible_phases(who, soundings)
    empty = [name for name, n in zip(soundings.names, soundings.n_data, strict=True) if not n]
    if empty:
        more = ", ..." if len(empty) > _MOST_NAMES else ""
        msg = (
            f"{who}.data: {len(empty)} of {len(soundings)} stations have no usable frequency: "
            f"{', '.join(empty[:_MOST_NAMES])}{more}. Leave them out: soundings[soundings.n_data > 0]."
        )
        raise ValueError(msg)
    return soundings.floored(floor) if error_floor is not None else _with_default_errors(soundings)


def _check_units(who: str, soundings: MTSoundings) -> None:
    """Raise ValueError for data that are orders of magnitude off, as data in other units are."""
    rho, phase = soundings.apparent_resistivity, soundings.phase
    middle = np.nanmedian(rho) if not np.isnan(rho).all() else 1.0
    if not _POSSIBLE[0] <= middle <= _POSSIBLE[1]:
        msg = (
            f"{who}.data: the median apparent resistivity is {middle:.2g} ohm m, which no rock has. Impedances must "
            "be in ohm: those of an EDI file, in mV/km/nT, times 4 pi 1e-4, or resistivities are 630 000 times too "
            "large."
        )
        raise ValueError(msg)
    there = phase[~np.isnan(phase)]
    if there.size and (there > 0.0).all() and (there < _LARGEST_RADIANS).all():
        msg = (
            f"{who}.data: all phases lie between 0 and {there.max():.2f}; wanted degrees, 45 over a half-space. "
            "Multiply radians by 180 / pi."
        )
        raise ValueError(msg)


def _with_possible_phases(who: str, soundings: MTSoundings) -> MTSoundings:
    """Return the soundings without points whose phase is not between 0 and 90 degrees."""
    bad = ~np.isnan(soundings.phase) & ~((soundings.phase > 0.0) & (soundings.phase < 90.0))
    if not bad.any():
        return soundings
    get_logger().warning(
        f"{who}: {int(bad.sum())} of {int((~np.isnan(soundings.phase)).sum())} phases, of {int(bad.any(1).sum())} "
        "stations, are not between 0 and 90 degrees, where those of a layered earth are: these points are left out."
    )
    curves = (soundings.apparent_resistivity, soundings.phase)
    errors = (soundings.apparent_resistivity_error, soundings.phase_error)
    left = (np.where(bad, np.nan, curve) for curve in (*curves, *errors))
    return MTSoundings(soundings.names, soundings.locations, soundings.frequencies, *left)


def _with_default_errors(soundings: MTSoundings) -> MTSoundings:
    """Return the soundings with errors of 5 % of the impedance where none are given."""
    given = (soundings.apparent_resistivity_error, soundings.phase_error)
    default = (2.0 * DEFAULT_ERROR * soundings.apparent_resistivity, np.full(given[1].shape, np.degrees(DEFAULT_ERROR)))
    errors = (np.where(np.isnan(one), other, one) for one, other in zip(given, default, strict=True))
    curves = (soundings.apparent_resistivity, soundings.phase)
    return MTSoundings(soundings.names, soundings.locations, soundings.frequencies, *curves, *errors)


def checked_thicknesses(who: str, thicknesses) -> np.ndarray | None:
    """Return thicknesses in m, (n_layers - 1,), or None."""
    if thicknesses is None:
        return None
    return check.finite_array(f"{who}.thicknesses", thicknesses, (None,), above=0.0, mend="Thicknesses are in m.")


def checked_reference(who: str, reference, n_stations: int, n_layers: int) -> np.ndarray:
    """Return the reference model in ohm m, (n_stations, n_layers), from what was given."""
    array = np.asarray(reference, dtype=float)
    shapes = ((), (n_layers,), (n_stations, 1), (n_stations, n_layers))
    if array.shape not in shapes or not (np.isfinite(array).all() and (array > 0.0).all()):
        msg = (
            f"{who}.reference: got shape {array.shape}, wanted resistivities above 0 ohm m, of shape (), ({n_layers},) "
            f"or ({n_stations}, {n_layers})."
        )
        raise ValueError(msg)
    return np.broadcast_to(array, (n_stations, n_layers)).copy()
