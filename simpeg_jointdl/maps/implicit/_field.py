"""A network of the coordinates with its bounds or units, averaged over the points of each cell."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from ..._core.protocols import PreparesPoints
from ..._core.tensors import as_tensor
from ._bounds import Bounds, checked_pair
from ._units import Units, starting_contrasts


class Field(nn.Module):
    """A network, its bounds or units, and the average over the points of each cell."""

    def __init__(self, network, outputs, n_points):
        super().__init__()
        self.network, self.outputs, self.n_points = copy.deepcopy(network), outputs, n_points

    def forward(self, *inputs):
        """Return the properties (n_properties, n_cells) from the prepared points of complete cells."""
        raw = self.network(*inputs)
        wanted = len(inputs[0]), self.outputs.n_inputs
        if not isinstance(raw, torch.Tensor) or raw.shape != wanted:
            found = tuple(raw.shape) if isinstance(raw, torch.Tensor) else type(raw).__name__
            msg = (
                f"INRMap.network: got an output of {found}, wanted {wanted}, one row per point and one column per "
                "property, or per unit."
            )
            raise ValueError(msg)
        values = self.outputs(raw)
        return values.view(-1, self.n_points, values.shape[-1]).mean(dim=1).T


def prepared_points(network: nn.Module, points, device: torch.device, dtype: torch.dtype) -> tuple:
    """Return the arguments of a network at points scaled to [-1, 1]."""
    tensor = as_tensor(points, device, dtype)
    inputs = network.prepare(tensor) if isinstance(network, PreparesPoints) else tensor
    return inputs if isinstance(inputs, tuple) else (inputs,)


def make_outputs(bounds, start, scales, n: int, units, contrasts) -> Bounds | Units:
    """Return the module from the raw outputs of a network to properties; the arguments are those of INRMap."""
    if bounds is None:
        bounds = [None] * n
    elif n == 1 and len(bounds) == 2 and np.ndim(bounds[0]) == 0:
        bounds = [bounds]
    if len(bounds) != n:
        msg = f"INRMap.bounds: got {len(bounds)} pairs for {n} properties, wanted one (lower, upper) for each."
        raise ValueError(msg)
    start = None if start is None else [start] if np.ndim(start) == 0 else start
    scales = [scales] * n if np.ndim(scales) == 0 else scales
    if any(values is not None and len(values) != n for values in (start, scales)):
        msg = f"INRMap: got start={start!r} and scales={scales!r}, wanted {n} values of each, one per property."
        raise ValueError(msg)
    if units is None:
        if contrasts is not None:
            msg = "INRMap.contrasts: got contrasts without units. Give their number, units=..."
            raise ValueError(msg)
        return Bounds(bounds, start, scales)
    if int(units) != units or units < 1 or start is not None:
        msg = f"INRMap: got units={units!r} and start={start!r}, wanted a whole number of units, without start."
        raise ValueError(msg)
    limits = [checked_pair(i, pair) for i, pair in enumerate(bounds)]
    return Units(starting_contrasts(int(units), contrasts, limits, scales), bounds, scales)
