"""The wording that all checks share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LONGEST = 60  # characters of a value that a message shows


def shown(value: Any) -> str:
    """The value as a message shows it, shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def message(who: str, got: str, wanted: str, mend: str = "") -> str:
    """Text of an error: who was called, what came, what was wanted, and what to do."""
    text = f"{who}: got {got}, wanted {wanted}"
    return f"{text}. {mend}" if mend else f"{text}."


def range_text(least: float, above: float, most: float, below: float) -> str:
    """The range of a number in words, empty where it has no limits."""
    limits = [
        f"{words} {limit:g}"
        for words, limit in (("at least", least), ("above", above), ("at most", most), ("below", below))
        if math.isfinite(limit)
    ]
    if limits[:1] == [f"at least {least:g}"] and limits[1:] == [f"at most {most:g}"]:
        return f"from {least:g} to {most:g}"
    return " and ".join(limits)


def unwrapped(value: Any) -> Any:
    """The number that a numpy array without dimensions holds; anything else as it is."""
    is_scalar_array = isinstance(value, np.ndarray) and value.ndim == 0 and not np.ma.is_masked(value)
    return value[()] if is_scalar_array else value
