"""Magnetotelluric soundings of a user, checked and turned into the tensors that a network takes."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ..._core.protocols import HasSurveyAndData
from ..._core.tensors import as_tensor
from ...data import MTSoundings, MTStations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Tensor = torch.Tensor

#: Relative standard deviation of the impedance where no errors are given.
DEFAULT_ERROR = 0.05
_LOGGER = logging.getLogger("simpeg_jointdl")
_SHOWN = 5  # number of stations that a message names


class Soundings(NamedTuple):
    """Soundings of stations as tensors.

    Parameters
    ----------
    log_frequency : (n_stations, n_frequencies) torch.Tensor
        Decimal logarithm of the frequency in Hz.
    log_resistivity : (n_stations, n_frequencies) torch.Tensor
        Decimal logarithm of the apparent resistivity in ohm m.
    phase : (n_stations, n_frequencies) torch.Tensor
        Phase in rad.
    error : (n_stations, n_frequencies) torch.Tensor
        Relative standard deviation of the impedance. It is infinite where a datum is missing, whose other entries are
        finite and arbitrary.
    """

    log_frequency: Tensor
    log_resistivity: Tensor
    phase: Tensor
    error: Tensor

    def rows(self, size: int) -> Iterator[Soundings]:
        """Yield the soundings in batches of at most `size` stations."""
        return (Soundings(*parts) for parts in zip(*(value.split(size) for value in self), strict=True))


def read_soundings(who: str, data: Any, arrays: Sequence[Any], device: torch.device, dtype: torch.dtype) -> Soundings:
    """Return checked soundings from frequencies and arrays, or from an object; see `MT1DUNet.predict`.

    `arrays` are apparent resistivities, phases and both errors, all None if `data` is an object of soundings.
    """
    return _checked_soundings(who, *_plain_soundings(who, data, arrays), device, dtype)


def _plain_soundings(who: str, data: Any, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """Return frequencies, apparent resistivities, phases and both errors as arrays."""
    if isinstance(data, MTStations):
        data = data.soundings()
    elif not isinstance(data, MTSoundings) and isinstance(data, HasSurveyAndData):
        data = MTSoundings.from_simpeg(data)
    if not isinstance(data, MTSoundings):
        if any(array is None for array in arrays[:2]):
            msg = (
                f"{who}.frequencies: got {type(data).__name__} and no apparent_resistivity or phase. Pass frequencies, "
                f"apparent resistivities and phases, or an MTSoundings, MTStations or SimPEG Data alone."
            )
            raise TypeError(msg)
        return data, *arrays
    if any(array is not None for array in arrays):
        msg = f"{who}.frequencies: got {type(data).__name__} and arrays as well. Pass one or the other."
        raise TypeError(msg)
    errors = (data.apparent_resistivity_error, data.phase_error)
    defaults = (2.0 * DEFAULT_ERROR * data.apparent_resistivity, np.degrees(DEFAULT_ERROR))
    complete = (np.where(np.isnan(error), default, error) for error, default in zip(errors, defaults, strict=True))
    return data.frequencies, data.apparent_resistivity, data.phase, *complete


def _checked_soundings(
    who: str,
    frequencies: Any,
    apparent_resistivity: Any,
    phase: Any,
    apparent_resistivity_error: Any,
    phase_error: Any,
    device: torch.device,
    dtype: torch.dtype,
) -> Soundings:
    """Return checked soundings as tensors, with missing data marked by their errors."""
    resistivity = _two_dimensional(f"{who}.apparent_resistivity", apparent_resistivity)
    degrees = _shaped(f"{who}.phase", phase, resistivity.shape)
    frequencies = _frequencies(f"{who}.frequencies", frequencies, resistivity.shape)
    present = np.isfinite(resistivity) & np.isfinite(degrees)
    if (resistivity[present] <= 0).any():
        n_bad = int((resistivity[present] <= 0).sum())
        msg = (
            f"{who}.apparent_resistivity: {n_bad} values are not above 0 ohm m, the smallest is "
            f"{resistivity[present].min():g}. Set missing data to NaN, and pass resistivities, not logarithms."
        )
        raise ValueError(msg)
    possible = (degrees > 0) & (degrees < 90)
    n_impossible = int((present & ~possible).sum())
    if n_impossible:
        _LOGGER.warning(
            "%s: %d of %d phases are not between 0 and 90 degrees, as those of a layered earth are (add 180 to those "
            "of yx first); these data are not used.",
            who,
            n_impossible,
            int(present.sum()),
        )
    error = _error(who, resistivity, apparent_resistivity_error, phase_error)
    present &= possible & np.isfinite(error)
    _check_stations(who, present)
    resistivity, degrees = np.where(present, resistivity, 1.0), np.where(present, degrees, 45.0)
    values = (np.log10(frequencies), np.log10(resistivity), degrees * (math.pi / 180.0))
    return Soundings(*(as_tensor(value, device, dtype) for value in (*values, np.where(present, error, np.inf))))


def _check_stations(who: str, present: np.ndarray) -> None:
    empty = np.flatnonzero(~present.any(1))
    if len(empty):
        more = ", ..." if len(empty) > _SHOWN else ""
        msg = (
            f"{who}.apparent_resistivity: {len(empty)} of {len(present)} stations have no usable frequency: rows "
            f"{', '.join(map(str, empty[:_SHOWN]))}{more}. Leave them out."
        )
        raise ValueError(msg)


def _two_dimensional(who: str, value: Any) -> np.ndarray:
    try:
        array = np.ma.filled(np.ma.asarray(value, dtype=float), np.nan)
    except (TypeError, ValueError) as error:
        msg = f"{who}: got {type(value).__name__}, wanted real numbers (n_stations, n_frequencies)."
        raise TypeError(msg) from error
    if array.ndim not in (1, 2) or not array.size:
        msg = f"{who}: got shape {array.shape}, wanted (n_frequencies,) or (n_stations, n_frequencies)."
        raise ValueError(msg)
    return np.atleast_2d(array)


def _shaped(who: str, value: Any, shape: tuple[int, int]) -> np.ndarray:
    array = _two_dimensional(who, value)
    if array.shape != shape:
        msg = f"{who}: got shape {array.shape}, wanted {shape} as apparent_resistivity."
        raise ValueError(msg)
    return array


def _frequencies(who: str, value: Any, shape: tuple[int, int]) -> np.ndarray:
    array = _two_dimensional(who, value)
    if array.shape not in (shape, (1, shape[1])):
        msg = f"{who}: got shape {array.shape}, wanted ({shape[1]},) or {shape}."
        raise ValueError(msg)
    if not (np.isfinite(array).all() and (array > 0).all()):
        msg = f"{who}: the smallest value is {array.min():g}, wanted all finite and above 0 Hz."
        raise ValueError(msg)
    return np.broadcast_to(array, shape)


def _error(who: str, resistivity: np.ndarray, resistivity_error: Any, phase_error: Any) -> np.ndarray:
    """Return the relative error of the impedance, the root mean square of those from resistivity and phase."""
    squares = []
    if resistivity_error is not None:
        name = f"{who}.apparent_resistivity_error"
        with np.errstate(invalid="ignore", divide="ignore"):
            squares.append((0.5 * _errors(name, resistivity_error, resistivity.shape) / resistivity) ** 2)
    if phase_error is not None:
        squares.append((_errors(f"{who}.phase_error", phase_error, resistivity.shape) * (math.pi / 180.0)) ** 2)
    return np.sqrt(np.mean(squares, axis=0)) if squares else np.full(resistivity.shape, DEFAULT_ERROR)


def _errors(who: str, value: Any, shape: tuple[int, int]) -> np.ndarray:
    array = np.ma.filled(np.ma.asarray(value, dtype=float), np.nan)
    try:
        array = np.broadcast_to(array, shape)
    except ValueError as error:
        msg = f"{who}: got shape {array.shape}, wanted one number or {shape} as apparent_resistivity."
        raise ValueError(msg) from error
    if (array < 0).any():
        msg = (
            f"{who}: the smallest standard deviation is {np.nanmin(array):g}, wanted none below 0. Use NaN for data "
            f"that are not to be used."
        )
        raise ValueError(msg)
    return array
