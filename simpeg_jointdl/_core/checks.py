"""Validation that names the object, what came, what was wanted and the mend."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
import torch


def finite_array(name: str, value, shape: tuple[int | None, ...]) -> np.ndarray:
    """Read-only float64 copy of `value`, finite and of `shape` (None is any length).

    A scalar is spread over a one-dimensional `shape` of known length.
    """
    wanted = "(" + ", ".join("n" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name}: got {type(value).__name__}, wanted {wanted} real numbers. Pass a numpy array."
        raise TypeError(msg) from error
    if array.ndim == 0 and len(shape) == 1 and shape[0] is not None:
        array = np.full(shape, array)
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        msg = f"{name}: got shape {array.shape}, wanted {wanted}. Give one entry (or row) per station."
        raise ValueError(msg)
    if array.size == 0:
        msg = f"{name}: got no entries, wanted at least one station. Check how the data were selected."
        raise ValueError(msg)
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        msg = f"{name}: {count} of {array.size} entries are nan or infinite. Drop those stations first."
        raise ValueError(msg)
    array.flags.writeable = False
    return array


def positive_array(name: str, value, shape: tuple[int | None, ...]) -> np.ndarray:
    """`finite_array` with every entry above zero."""
    array = finite_array(name, value, shape)
    if not (array > 0).all():
        msg = f"{name}: the smallest entry is {array.min():g}, wanted every entry > 0. Set a noise floor."
        raise ValueError(msg)
    return array


def real_number(name: str, value, *, minimum: float | None = None, above: float | None = None) -> float:
    """Finite float, at least `minimum`, or greater than `above`."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        msg = f"{name}: got {value!r}, wanted a number. Pass a float."
        raise TypeError(msg) from error
    low = (minimum is not None and not number >= minimum) or (above is not None and not number > above)
    if low or not np.isfinite(number):
        bound = f">= {minimum:g}" if minimum is not None else f"> {above:g}" if above is not None else "finite"
        msg = f"{name}: got {value!r}, wanted a finite number {bound}. Change {name.split('.')[-1]}."
        raise ValueError(msg)
    return number


def whole_number(name: str, value, *, minimum: int) -> int:
    """Integer of at least `minimum`; a bool is none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        msg = f"{name}: got {value!r}, wanted an integer >= {minimum}. Pass an int."
        raise TypeError(msg)
    if value < minimum:
        msg = f"{name}: got {value!r}, wanted an integer >= {minimum}. Change {name.split('.')[-1]}."
        raise ValueError(msg)
    return int(value)


def several(name: str, value, count: int) -> tuple:
    """Tuple of `count` entries."""
    try:
        entries = tuple(value)
    except TypeError as error:
        msg = f"{name}: got {value!r}, wanted {count} entries. Pass a tuple."
        raise TypeError(msg) from error
    if len(entries) != count:
        msg = f"{name}: got {len(entries)} entries, wanted {count}. Pass a tuple of {count}."
        raise ValueError(msg)
    return entries


def seeded_generator(name: str, random_seed) -> torch.Generator:
    """A generator as it is, or a new one on the CPU of a seed."""
    if isinstance(random_seed, torch.Generator):
        return random_seed
    return torch.Generator("cpu").manual_seed(whole_number(name, random_seed, minimum=0))


def check_frequencies(name: str, frequencies) -> None:
    """Frequencies in Hz are finite and above zero."""
    bad = np.asarray(frequencies)[~(np.asarray(frequencies) > 0) | ~np.isfinite(frequencies)]
    if len(bad):
        msg = f"{name}: got {bad[0]:g} Hz, wanted frequencies above zero. Remove {len(bad)} such points."
        raise ValueError(msg)


def check_count(name: str, value, least: int = 1) -> int:
    """An int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        msg = f"{name}: got {value!r}, wanted an int of at least {least}."
        raise ValueError(msg)
    return int(value)


def check_widths(name: str, values) -> tuple[int, ...]:
    """Channels of every level, one level at least."""
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        msg = f"{name}: got {values!r}, wanted a sequence of one int or more."
        raise ValueError(msg)
    return tuple(check_count(name, value) for value in values)


def check_positive(name: str, value) -> float:
    """A finite float above zero."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < value < float("inf"):
        msg = f"{name}: got {value!r}, wanted a finite number above 0."
        raise ValueError(msg)
    return float(value)
