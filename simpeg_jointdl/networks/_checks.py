"""Checks that the networks share."""

from __future__ import annotations

import torch


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
