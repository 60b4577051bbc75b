"""Checks that the networks share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

import torch


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


def check_points(encoding, points) -> None:
    """Points that an encoding can prepare."""
    name = type(encoding).__name__
    if not isinstance(points, torch.Tensor):
        msg = f"{name}.prepare: got points of type {type(points).__name__}, wanted a torch.Tensor."
        raise TypeError(msg)
    if points.ndim != 2 or points.shape[1] != encoding.n_inputs:
        msg = f"{name}.prepare: got points of shape {tuple(points.shape)}, wanted (n_points, {encoding.n_inputs})."
        raise ValueError(msg)
    if not points.is_floating_point():
        msg = f"{name}.prepare: got points of {points.dtype}, wanted the floating-point type of the network."
        raise TypeError(msg)
    if not bool(torch.isfinite(points).all()):
        msg = f"{name}.prepare: points are not all finite. Pass coordinates scaled to [-1, 1] by the domain."
        raise ValueError(msg)


def uniform(shape, limit: float, generator: torch.Generator | None) -> torch.Tensor:
    """Numbers between -limit and limit, drawn on the CPU in float64: the same for every device and type."""
    values = torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu")
    return limit * (2.0 * values - 1.0)
