"""Checks of numbers, choices, kinds and names, to be used through :mod:`validation`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from ._messages import message, range_text, shown, unwrapped

T = TypeVar("T")


def number(
    who: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    mend: str = "",
) -> float:
    """Return a finite real number within limits, as a float.

    Parameters
    ----------
    who : str
        Name of the caller and its argument, which begins the message.
    value : object
        A Python or numpy number; no bool, no string.
    least, above, most, below : float
        Limits: value >= least, value > above, value <= most, value < below.
    mend : str
        Sentence that ends the message.

    Raises
    ------
    TypeError
        For anything but a real number.
    ValueError
        For NaN, infinity, or a number outside the limits.
    """
    value = unwrapped(value)
    wanted = f"a finite number {range_text(least, above, most, below)}".rstrip()
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        msg = message(who, shown(value), wanted, mend)
        raise TypeError(msg)
    if not (math.isfinite(value) and least <= value <= most and above < value < below):
        msg = message(who, shown(value), wanted, mend)
        raise ValueError(msg)
    return float(value)


def positive(who: str, value: Any, *, mend: str = "") -> float:
    """Return a finite number above 0, as a float; see :func:`number`."""
    return number(who, value, above=0.0, mend=mend)


def non_negative(who: str, value: Any, *, mend: str = "") -> float:
    """Return a finite number of at least 0, as a float; see :func:`number`."""
    return number(who, value, least=0.0, mend=mend)


def share(who: str, value: Any, *, zero: bool = True, one: bool = True, mend: str = "") -> float:
    """Return a number from 0 to 1, as a float; `zero` and `one` say whether the ends are allowed."""
    ends: dict[str, float] = {"least" if zero else "above": 0.0, "most" if one else "below": 1.0}
    return number(who, value, **ends, mend=mend)


def whole(who: str, value: Any, least: int = 1, most: int | None = None, *, mend: str = "") -> int:
    """Return a whole number within limits, as an int.

    Raises
    ------
    TypeError
        For anything but a number.
    ValueError
        For a float, even a whole one, or a number outside the limits.
    """
    value = unwrapped(value)
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        msg = message(who, shown(value), f"a whole number {limits}", mend)
        raise TypeError(msg)
    if not isinstance(value, Integral) or value < least or (most is not None and value > most):
        msg = message(who, shown(value), f"a whole number {limits}", mend)
        raise ValueError(msg)
    return int(value)


def one_of(who: str, value: T, known: Iterable[T], *, mend: str = "") -> T:
    """Return the one of the known values that equals the given one; ValueError lists them otherwise."""
    known = tuple(known)
    for other in known:
        # arrays have no single truth value, and True equals 1
        is_plain = isinstance(value, str | Real) and isinstance(value, bool) == isinstance(other, bool)
        if value is other or (is_plain and value == other):
            return other
    msg = message(who, shown(value), f"one of {', '.join(map(repr, known))}", mend)
    raise ValueError(msg)


def instance(who: str, value: Any, kind: type[T] | tuple[type, ...], wanted: str = "", *, mend: str = "") -> T:
    """Return an object of a class or of one of several, or raise TypeError; `wanted` says in words what is wanted."""
    if not isinstance(value, kind):
        names = [one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,))]
        msg = message(who, type(value).__name__, wanted or f"a {' or '.join(names)}", mend)
        raise TypeError(msg)
    return value


# several values -----------------------------------------------------------------------------------------
def several(who: str, value: Any, count: int, *, mend: str = "") -> tuple:
    """Return a tuple of `count` entries of a sequence or array; their own checks are the caller's."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        msg = message(who, shown(value), f"{count} entries", mend)
        raise TypeError(msg)
    entries = tuple(value)
    if len(entries) != count:
        msg = message(who, f"{len(entries)} entries", str(count), mend)
        raise ValueError(msg)
    return entries


def listed(who: str, value: Any, kind: type[T], wanted: str = "", *, mend: str = "") -> list[T]:
    """Return a list of one or more objects of a class, from one of them or from several."""
    wanted = wanted or f"at least one {kind.__name__}"
    items = [value] if isinstance(value, kind) else value
    if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
        msg = message(who, type(items).__name__, wanted, mend)
        raise TypeError(msg)
    items = list(items)
    if not items:
        msg = message(who, "none", wanted, mend)
        raise ValueError(msg)
    if not all(isinstance(item, kind) for item in items):
        msg = message(who, f"[{', '.join(type(item).__name__ for item in items)}]", wanted, mend)
        raise TypeError(msg)
    return items


def widths(who: str, values: Any, least: int = 1, *, mend: str = "") -> tuple[int, ...]:
    """Return one or more whole numbers, such as the channels of each level of a network."""
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str):
        msg = message(who, shown(values), "a sequence of one or more whole numbers", mend)
        raise TypeError(msg)
    if len(values) == 0:
        msg = message(who, shown(values), "a sequence of one or more whole numbers", mend)
        raise ValueError(msg)
    return tuple(whole(f"{who}[{i}]", value, least, mend=mend) for i, value in enumerate(values))


def distinct_names(who: str, value: Any, count: int | None = None, *, mend: str = "") -> tuple[str, ...]:
    """Return one or more different names, `count` of them where it is given; a lone str is one name."""
    names = (value,) if isinstance(value, str) else value
    wanted = f"{'one or more' if count is None else count} different names"
    if not isinstance(names, Iterable):
        msg = message(who, shown(value), wanted, mend)
        raise TypeError(msg)
    names = tuple(names)
    if not all(isinstance(name, str) for name in names):
        msg = message(who, shown(value), wanted, mend)
        raise TypeError(msg)
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated or not names or (count is not None and len(names) != count):
        got = f"{', '.join(map(repr, repeated))} more than once" if repeated else f"{len(names)} names"
        msg = message(who, got, wanted, mend)
        raise ValueError(msg)
    return names


def known_names(who: str, given: Iterable[str], known: Collection[str], *, mend: str = "") -> None:
    """Raise ValueError unless every name, or every key of a mapping, is a known one."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        msg = message(who, type(given).__name__, f"names among {', '.join(map(repr, known))}", mend)
        raise TypeError(msg)
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        msg = message(who, ", ".join(map(repr, unknown)), f"only {', '.join(map(repr, known))}", mend)
        raise ValueError(msg)
