"""Bounds of properties: smooth functions from the raw outputs of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import softplus

_NEAR = 0.05  # default starting value, as a fraction of the distance between two bounds


class Bounds(nn.Module):
    r"""Smooth map from real numbers to properties within their bounds.

    With :math:`s` the logistic function and :math:`r` the raw output,

    .. math::
        u = l + (h - l)\, s(2 r + c), \qquad u = l + a\, \mathrm{softplus}(r + c), \qquad u = a r + u_0

    for two bounds, for a lower bound (an upper bound is the mirror image) and for no bound. The constant :math:`c` is
    chosen so that :math:`r = 0` gives the starting value :math:`u_0`. For bounds :math:`\pm h` the first is
    :math:`h \tanh r`.

    Parameters
    ----------
    bounds : sequence of (lower, upper)
        One pair per property; infinite or None where there is no bound.
    start : sequence of float, optional
        Starting values :math:`u_0`, strictly within the bounds. By default zero if it lies within the bounds; otherwise
        one twentieth of the way from the bound nearer to zero to the other bound, or one `scale` from a single bound.
    scales : sequence of float
        Typical variation :math:`a` of each property, used where it does not have two bounds.
    """

    def __init__(self, bounds: Sequence[tuple], start: Sequence[float] | None, scales: Sequence[float]):
        super().__init__()
        self.limits = [checked_pair(i, pair) for i, pair in enumerate(bounds)]
        self.scales = [float(scale) for scale in scales]
        wanted = [None] * len(self.limits) if start is None else list(start)
        self.start = [
            _starting_value(i, *one) for i, one in enumerate(zip(self.limits, wanted, self.scales, strict=True))
        ]

    @property
    def n_inputs(self) -> int:
        """Number of outputs that the network must have."""
        return len(self.limits)

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        """Return properties within their bounds, (..., n_properties) -> the same shape."""
        columns = zip(raw.unbind(-1), self.limits, self.start, self.scales, strict=True)
        return torch.stack([_between(*one) for one in columns], dim=-1)


def _between(raw, limits, start, scale):
    low, high = limits
    if math.isinf(low) and math.isinf(high):
        return scale * raw + start
    if math.isinf(high):
        return low + scale * softplus(raw + _inverse_softplus((start - low) / scale))
    if math.isinf(low):
        return high - scale * softplus(-raw + _inverse_softplus((high - start) / scale))
    part = (start - low) / (high - low)
    return low + (high - low) * torch.sigmoid(2.0 * raw + math.log(part / (1.0 - part)))


def _inverse_softplus(y):
    return y + math.log(-math.expm1(-y))


def checked_pair(i: int, pair) -> tuple[float, float]:
    """Return the lower and upper bound of a property, infinite where there is none."""
    if pair is None:
        return -math.inf, math.inf
    try:
        low, high = pair
        low = -math.inf if low is None else float(low)
        high = math.inf if high is None else float(high)
    except (TypeError, ValueError) as error:
        msg = f"INRMap.bounds: property {i} got {pair!r}, wanted (lower, upper), with None for no bound."
        raise ValueError(msg) from error
    if not low < high or math.isnan(low) or math.isnan(high):
        msg = f"INRMap.bounds: property {i} got ({low:g}, {high:g}), wanted a lower bound below the upper one."
        raise ValueError(msg)
    return low, high


def _starting_value(i, limits, wanted, scale) -> float:
    low, high = limits
    if wanted is not None:
        if not low < wanted < high:
            msg = f"INRMap.start: property {i} got {wanted:g}, wanted a value strictly between {low:g} and {high:g}."
            raise ValueError(msg)
        return float(wanted)
    if low < 0.0 < high:
        return 0.0
    if math.isinf(high):
        return low + scale
    if math.isinf(low):
        return high - scale
    return low + _NEAR * (high - low) if abs(low) <= abs(high) else high - _NEAR * (high - low)
