"""Rock units of unknown contrast: memberships from a network, contrasts as further parameters."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from ._bounds import Bounds, checked_pair

_RARE = -2.0  # initial logit of the memberships, about a tenth of every unit in every cell


class Units(nn.Module):
    r"""Properties as rock units in a background of zero.

    .. math::
        u_p(\mathbf x) = \sum_k s_k(\mathbf x)\, c_{kp}, \qquad
        s_k = \frac{e^{f_k(\mathbf x) + b}}{1 + \sum_i e^{f_i(\mathbf x) + b}}

    where the network :math:`f` has one output per unit, and the contrasts :math:`c_{kp}` are parameters of the model
    within the bounds of their property. Memberships tend to zero or one, so that models are blocky. All properties
    share them, which couples their structure.

    Parameters
    ----------
    contrasts : (n_units, n_properties) array_like
        Starting values of the contrasts.
    bounds : sequence of (lower, upper)
        One pair per property.
    scales : sequence of float
        Typical variation of each property, see :class:`Bounds`.
    """

    def __init__(self, contrasts: np.ndarray, bounds, scales):
        super().__init__()
        self.n_inputs, self.n_outputs = contrasts.shape
        self.limits = [checked_pair(i, pair) for i, pair in enumerate(bounds)]
        self._bounds = nn.ModuleList(Bounds(bounds, row, scales) for row in contrasts.tolist())
        self.contrasts = nn.Parameter(torch.zeros(contrasts.shape, dtype=torch.float64))

    @property
    def start(self) -> list[float]:
        """Starting values of the properties, a small share of every unit."""
        share = math.exp(_RARE) / (1.0 + self.n_inputs * math.exp(_RARE))
        return [share * sum(values) for values in zip(*(one.start for one in self._bounds), strict=True)]

    def values(self) -> torch.Tensor:
        """Return the contrasts, (n_units, n_properties)."""
        return torch.stack([one(row) for one, row in zip(self._bounds, self.contrasts, strict=True)])

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        """Return the properties, (n_points, n_units) -> (n_points, n_properties)."""
        background = torch.zeros_like(raw[..., :1])
        shares = torch.softmax(torch.cat([raw + _RARE, background], dim=-1), dim=-1)
        return shares[..., :-1] @ self.values()

    def reset_parameters(self) -> None:
        """Reset the contrasts to their starting values, which are not random."""
        with torch.no_grad():
            self.contrasts.zero_()


def starting_contrasts(n_units: int, contrasts, limits, scales) -> np.ndarray:
    """Return the given contrasts, or half of the bound farther from zero, with alternating signs where allowed."""
    shape = n_units, len(limits)
    if contrasts is not None:
        contrasts = np.atleast_2d(np.asarray(contrasts, dtype=float))
        if contrasts.shape != shape or not np.isfinite(contrasts).all():
            msg = f"INRMap.contrasts: got {contrasts.tolist()}, wanted {shape} finite numbers, one row per unit."
            raise ValueError(msg)
        return contrasts
    result = np.empty(shape)
    for p, ((low, high), scale) in enumerate(zip(limits, scales, strict=True)):
        ends = [end if math.isfinite(end) else math.copysign(2.0 * scale, end) for end in (low, high)]
        toward = [end for end in (ends[1], ends[0]) if end * (1 if end == ends[1] else -1) > 0.0] or [sum(ends)]
        for k in range(n_units):
            share = 0.5 * (1.0 - k / (2.0 * n_units))  # so that units start from different contrasts
            result[k, p] = np.clip(share * toward[k % len(toward)], *_inner(low, high))
    return result


def _inner(low, high):
    margin = 0.05 * (high - low) if math.isfinite(high - low) else 1e-12
    return low + margin, high - margin
