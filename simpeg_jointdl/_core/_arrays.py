"""Checks of arrays, to be used through :mod:`validation`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._messages import message, range_text, shown

Shape = tuple[int | None, ...]
_MASKED = "Fill the masked entries, or leave them out."


def finite_array(
    who: str,
    value: Any,
    shape: Shape,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    mend: str = "",
) -> np.ndarray:
    """Return a read-only float64 copy of finite numbers of a given shape and within limits.

    Parameters
    ----------
    who : str
        Name of the caller and its argument, which begins the message.
    value : array_like
        Real numbers, no bools and no masked entries. A scalar is spread over a `shape` of one known length.
    shape : tuple of int or None
        None stands for any length of at least 1.
    least, above, most, below : float
        Limits of every entry: value >= least, value > above, value <= most, value < below.
    mend : str
        Sentence that ends the message.

    Raises
    ------
    TypeError
        For anything but real numbers.
    ValueError
        For another shape, masked entries, NaN, infinity, or numbers outside the limits.
    """
    array = _with_shape(who, _real(who, value, _shape_text(shape), mend), shape, mend)
    _refuse(who, ~np.isfinite(array), "NaN or infinite", mend)
    _check_limits(who, array, least, above, most, below, mend)
    array.flags.writeable = False
    return array


def gappy_array(
    who: str,
    value: Any,
    shape: Shape,
    dtype: type = np.float64,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    mend: str = "",
) -> np.ndarray:
    """Return a read-only copy of an array in which NaN means that an entry is missing.

    As :func:`finite_array`, but NaN is allowed and is within all limits. With a complex `dtype` complex numbers are
    allowed too, and there are no limits.
    """
    array = _with_shape(who, _real(who, value, _shape_text(shape), mend, dtype), shape, mend)
    _refuse(who, np.isinf(array), "infinite", mend or "Set missing entries to NaN.")
    if not np.iscomplexobj(array):
        _check_limits(who, array, least, above, most, below, mend)
    array.flags.writeable = False
    return array


def per_item(
    who: str,
    value: Any,
    n: int,
    what: str,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    infinite: bool = False,
    mend: str = "",
) -> np.ndarray:
    """Return one number for each of `n` items, (n,), from one number or from `n` of them.

    Parameters
    ----------
    who : str
        Name of the caller and its argument, which begins the message.
    value : float or (n,) array_like
        One number for all items, or one for each.
    n : int
        Number of items.
    what : str
        What an item is, in the singular: "data misfit".
    least, above : float
        Limits: value >= least, value > above.
    infinite : bool
        Whether infinity is allowed.
    mend : str
        Sentence that ends the message.
    """
    limits = range_text(least, above, math.inf, math.inf)
    wanted = f"a number {limits}".rstrip() + f", or {n} of them, one per {what}"
    array = _real(who, value, wanted, mend)
    if array.shape not in ((), (n,)):
        msg = message(who, f"shape {array.shape}", wanted, mend)
        raise ValueError(msg)
    if np.isnan(array).any() or (np.isinf(array).any() and not infinite) or not _within(array, least, above).all():
        msg = message(who, shown(value), wanted, mend)
        raise ValueError(msg)
    return np.broadcast_to(array, (n,)).copy()


def per_cell(
    who: str, value: Any, n_active: int, *, infinite: bool = False, blanks: bool = False, mend: str = ""
) -> np.ndarray:
    """Return one number for each active cell, (n_active,), from one number or from `n_active` of them.

    Parameters
    ----------
    who : str
        Name of the caller and its argument, which begins the message.
    value : float or (n_active,) array_like
        One number for all active cells, or one for each.
    n_active : int
        Number of active cells.
    infinite : bool
        Whether infinity is allowed, as in bounds.
    blanks : bool
        Whether NaN is allowed, for cells whose value is unknown.
    mend : str
        Sentence that ends the message.
    """
    wanted = f"a number or ({n_active},), one per active cell"
    array = _real(who, value, wanted, mend)
    if array.shape not in ((), (n_active,)):
        msg = message(who, f"shape {array.shape}", wanted, mend)
        raise ValueError(msg)
    bad = np.isnan(array) & (not blanks) | np.isinf(array) & (not infinite)
    _refuse(who, bad, "NaN" if infinite else "infinite" if blanks else "NaN or infinite", mend)
    return np.broadcast_to(array, (n_active,)).copy()


def bounds(who: str, pair: Any, n: int = 1, *, mend: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bound, each (n,), from a pair of numbers or arrays.

    None stands for no bounds, and None in the place of one of them for an infinite one. Each lower bound must be below
    its upper bound.
    """
    pair = (None, None) if pair is None else pair
    if isinstance(pair, str | dict) or not isinstance(pair, Iterable):
        msg = message(who, shown(pair), "(lower, upper)", mend)
        raise TypeError(msg)
    pair = tuple(pair)
    if len(pair) != 2:
        msg = message(who, shown(pair), "(lower, upper)", mend)
        raise ValueError(msg)
    low, high = (
        per_item(who, end if one is None else one, n, "parameter", infinite=True, mend=mend)
        for one, end in zip(pair, (-math.inf, math.inf), strict=True)
    )
    crossed = np.flatnonzero(~(low < high))
    if crossed.size:
        i = int(crossed[0])
        where = f" in {crossed.size} of {n} places, the first is number {i}" if n > 1 else ""
        msg = message(who, f"({low[i]:g}, {high[i]:g}){where}", "a lower bound below the upper one", mend)
        raise ValueError(msg)
    return low, high


# what the checks are made of ----------------------------------------------------------------------------
def _real(who: str, value: Any, wanted: str, mend: str, dtype: type = np.float64) -> np.ndarray:
    """Return a copy of the numbers; complex ones are allowed only if `dtype` is complex."""
    refuse_masked(who, value)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; tensors that are not on the CPU
        msg = message(who, type(value).__name__, f"real numbers, {wanted}", mend)
        raise TypeError(msg) from error
    is_complex = np.issubdtype(dtype, np.complexfloating)
    if array.dtype.kind not in ("iufc" if is_complex else "iuf"):
        kind = f"{array.dtype} numbers" if array.dtype.kind in "bc" else type(value).__name__
        if array.dtype.kind in "OSU" and isinstance(value, np.ndarray):
            kind = f"an array of {array.dtype}"
        msg = message(who, kind, f"{'' if is_complex else 'real '}numbers, {wanted}", mend)
        raise TypeError(msg)
    return array.astype(dtype)  # a copy


def _with_shape(who: str, array: np.ndarray, shape: Shape, mend: str) -> np.ndarray:
    """The array, a scalar spread over one known length; ValueError for another shape."""
    if array.ndim == 0 and len(shape) == 1 and shape[0] is not None:
        array = np.full(shape, array)
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits or (array.size == 0 and 0 not in shape):
        msg = message(who, f"shape {array.shape}", _shape_text(shape), mend)
        raise ValueError(msg)
    return array


def _shape_text(shape: Shape) -> str:
    return "(" + ", ".join("n" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def _within(
    array: np.ndarray,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> np.ndarray:
    inside = (array >= least) & (array <= most)
    inside &= (array > above) | (above == -math.inf)
    return inside & ((array < below) | (below == math.inf))


def _check_limits(
    who: str, array: np.ndarray, least: float, above: float, most: float, below: float, mend: str
) -> None:
    """Raise ValueError for the first entry outside the limits; NaN passes."""
    outside = np.flatnonzero(~(_within(array, least, above, most, below) | np.isnan(array)))
    if outside.size:
        first = array.ravel()[outside[0]]
        got = f"{first:g}" if array.size == 1 else f"{first:g} (one of {outside.size} such entries)"
        msg = message(who, got, f"every entry {range_text(least, above, most, below)}", mend)
        raise ValueError(msg)


def _refuse(who: str, bad: np.ndarray, what: str, mend: str) -> None:
    """Raise a ValueError that counts the bad entries."""
    if bad.any():
        msg = message(who, f"{int(bad.sum())} of {bad.size} entries that are {what}", "none", mend)
        raise ValueError(msg)


def refuse_masked(who: str, value: Any) -> None:
    """Raise ValueError for masked entries, since a conversion would drop the mask and use their values."""
    parts = value if isinstance(value, list | tuple) else (value,)
    masked = [one for one in parts if isinstance(one, np.ma.MaskedArray) and np.ma.is_masked(one)]
    if masked:
        count = sum(int(np.ma.count_masked(one)) for one in masked)
        msg = message(who, f"a numpy masked array with {count} masked entries", "none masked", _MASKED)
        raise ValueError(msg)
