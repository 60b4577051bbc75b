"""Soundings as a user has them, checked, as tensors that a network takes."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..._core.tensors import as_tensor
from ...datasets import MTSoundings, MTStations

if TYPE_CHECKING:
    from collections.abc import Iterator

Tensor = torch.Tensor

#: Relative standard deviation of the impedance where no errors are given.
DEFAULT_ERROR = 0.05
_LOGGER = logging.getLogger("simpeg_jointdl")
_SHOWN = 5


class Soundings(NamedTuple):
    """Tensors (n_stations, n_frequencies): decimal logarithms of Hz and ohm m, rad, relative error of the impedance.

    The error is infinite where a datum is missing; its other entries are then finite and mean nothing.
    """

    log_frequency: Tensor
    log_resistivity: Tensor
    phase: Tensor
    error: Tensor

    def rows(self, size: int) -> Iterator[Soundings]:
        """The same in pieces of at most `size` stations."""
        return (Soundings(*parts) for parts in zip(*(value.split(size) for value in self), strict=True))


def plain_soundings(owner: str, data, arrays) -> tuple:
    """Frequencies, both data and both errors as arrays: those given, or what an object holds of them."""
    if isinstance(data, MTStations):
        data = data.soundings()
    elif hasattr(data, "survey") and hasattr(data, "dobs"):
        data = MTSoundings.from_simpeg(data)
    if not isinstance(data, MTSoundings):
        if any(array is None for array in arrays[:2]):
            msg = (
                f"{owner}: got {type(data).__name__} and no apparent_resistivity or phase. Pass frequencies, apparent "
                f"resistivities and phases, or an MTSoundings, MTStations or SimPEG Data alone."
            )
            raise TypeError(msg)
        return data, *arrays
    if any(array is not None for array in arrays):
        msg = f"{owner}: got {type(data).__name__} and arrays beside it. Pass one or the other."
        raise TypeError(msg)
    errors = (data.apparent_resistivity_error, data.phase_error)
    defaults = (2.0 * DEFAULT_ERROR * data.apparent_resistivity, np.degrees(DEFAULT_ERROR))
    told = (np.where(np.isnan(error), default, error) for error, default in zip(errors, defaults, strict=True))
    return data.frequencies, data.apparent_resistivity, data.phase, *told


def checked_soundings(
    owner: str,
    frequencies,
    apparent_resistivity,
    phase,
    apparent_resistivity_error,
    phase_error,
    device: torch.device,
    dtype: torch.dtype,
) -> Soundings:
    """Data as `MT1DUNet.predict` takes them; see there for what is missing, an error, or of a default."""
    resistivity = _two_dimensional(f"{owner}.apparent_resistivity", apparent_resistivity)
    degrees = _shaped(f"{owner}.phase", phase, resistivity.shape)
    frequencies = _frequencies(owner, frequencies, resistivity.shape)
    present = np.isfinite(resistivity) & np.isfinite(degrees)
    if (resistivity[present] <= 0).any():
        n_bad = int((resistivity[present] <= 0).sum())
        msg = (
            f"{owner}.apparent_resistivity: {n_bad} values are not above 0 ohm m, the least is "
            f"{resistivity[present].min():g}. Set data that are missing to nan, and pass resistivities, not logarithms."
        )
        raise ValueError(msg)
    possible = (degrees > 0) & (degrees < 90)
    n_impossible = int((present & ~possible).sum())
    if n_impossible:
        _LOGGER.warning(
            "%s: %d of %d phases are not between 0 and 90 degrees, where those of a layered earth are (of yx add 180 "
            "first): these data are left out.",
            owner,
            n_impossible,
            int(present.sum()),
        )
    error = _error(owner, resistivity, apparent_resistivity_error, phase_error)
    present &= possible & np.isfinite(error)
    empty = np.flatnonzero(~present.any(1))
    if len(empty):
        more = ", ..." if len(empty) > _SHOWN else ""
        msg = (
            f"{owner}: {len(empty)} of {len(present)} stations have no usable frequency: rows "
            f"{', '.join(map(str, empty[:_SHOWN]))}{more}. Leave them out."
        )
        raise ValueError(msg)
    resistivity, degrees = np.where(present, resistivity, 1.0), np.where(present, degrees, 45.0)
    values = (np.log10(frequencies), np.log10(resistivity), degrees * (math.pi / 180.0))
    return Soundings(*(as_tensor(value, device, dtype) for value in (*values, np.where(present, error, np.inf))))


def _two_dimensional(name: str, value) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        msg = f"{name}: got {type(value).__name__}, wanted real numbers (n_stations, n_frequencies)."
        raise TypeError(msg) from error
    if array.ndim not in (1, 2) or not array.size:
        msg = f"{name}: got shape {array.shape}, wanted (n_frequencies,) or (n_stations, n_frequencies)."
        raise ValueError(msg)
    return np.atleast_2d(array)


def _shaped(name: str, value, shape: tuple[int, int]) -> np.ndarray:
    array = _two_dimensional(name, value)
    if array.shape != shape:
        msg = f"{name}: got shape {array.shape}, wanted {shape} as apparent_resistivity."
        raise ValueError(msg)
    return array


def _frequencies(owner: str, value, shape: tuple[int, int]) -> np.ndarray:
    array = _two_dimensional(f"{owner}.frequencies", value)
    if array.shape not in (shape, (1, shape[1])):
        msg = f"{owner}.frequencies: got shape {array.shape}, wanted ({shape[1]},) or {shape}."
        raise ValueError(msg)
    if not (np.isfinite(array).all() and (array > 0).all()):
        msg = f"{owner}.frequencies: the least is {array.min():g}, wanted all finite and above 0 Hz."
        raise ValueError(msg)
    return np.broadcast_to(array, shape)


def _error(owner: str, resistivity, resistivity_error, phase_error) -> np.ndarray:
    """Relative error of the impedance: the root mean square of what both data say of it."""
    squares = []
    if resistivity_error is not None:
        name = f"{owner}.apparent_resistivity_error"
        with np.errstate(invalid="ignore", divide="ignore"):
            squares.append((0.5 * _errors(name, resistivity_error, resistivity.shape) / resistivity) ** 2)
    if phase_error is not None:
        squares.append((_errors(f"{owner}.phase_error", phase_error, resistivity.shape) * (math.pi / 180.0)) ** 2)
    return np.sqrt(np.mean(squares, axis=0)) if squares else np.full(resistivity.shape, DEFAULT_ERROR)


def _errors(name: str, value, shape: tuple[int, int]) -> np.ndarray:
    array = np.asarray(value, dtype=float)
    try:
        array = np.broadcast_to(array, shape)
    except ValueError as error:
        msg = f"{name}: got shape {array.shape}, wanted one number or {shape} as apparent_resistivity."
        raise ValueError(msg) from error
    if (array < 0).any():
        msg = f"{name}: the least standard deviation is {np.nanmin(array):g}, wanted none below 0. nan means missing."
        raise ValueError(msg)
    return array
