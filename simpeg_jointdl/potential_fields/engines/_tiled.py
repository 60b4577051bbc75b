"""Engines that evaluate the matrix in tiles: one keeps them, the other throws them away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..._core.tensors import as_numpy, as_numpy_view, explain_out_of_memory, free_bytes
from ._geometry import Geometry, Tiles, locations_at_once

# of temporaries; larger tiles are no faster on a CPU, whose caches they leave
_CPU_BUDGET = 128 * 2**20
_DEVICE_PART = 0.25  # of an accelerator's free memory


def tiles_of(geometry: Geometry, device: torch.device) -> Iterator[tuple[slice, torch.Tensor]]:
    """All rows of the matrix in float64, tile by tile, with their places; the same whatever the size of a tile."""
    budget = _CPU_BUDGET if device.type == "cpu" else int(_DEVICE_PART * free_bytes(device))
    evaluate, first = Tiles(geometry, device), 0
    for stations in geometry.stations:
        n_locations, n_components = len(stations.locations), stations.n_components
        step = locations_at_once(geometry, stations, budget)
        for start in range(0, n_locations, step):
            stop = min(start + step, n_locations)
            rows = slice(first + start * n_components, first + stop * n_components)
            yield rows, evaluate(stations, start, stop)
        first += n_locations * n_components


def joined(rows: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """Sums of k consecutive rows times coefficients, (n_groups * k, n), (n_groups, k) -> (n_groups, n)."""
    return (coefficients[:, :, None] * rows.reshape(*coefficients.shape, -1)).sum(1)


class Tiled:
    """What both engines share."""

    def __init__(self, geometry: Geometry, device: torch.device, dtype: torch.dtype):
        self.geometry, self.device, self.dtype = geometry, device, dtype
        self.shape = (geometry.n_rows, geometry.n_columns)

    def row_slices(self, n_bytes: int) -> Iterator[slice]:
        """Rows in steps of about so many bytes of `dtype`; twelve at least and a multiple of it, so that what is
        joined (three components, or one) stays together."""
        step = 12 * max(1, n_bytes // (12 * self.shape[1] * self.dtype.itemsize))
        for start in range(0, self.shape[0], step):
            yield slice(start, min(start + step, self.shape[0]))

    def squared_columns(self, coefficients: torch.Tensor) -> torch.Tensor:
        """See :class:`Engine`."""
        total = torch.zeros(self.shape[1], dtype=torch.float64, device=self.device)
        coefficients = coefficients.to(self.device)
        k = coefficients.shape[1]
        for rows, tile in self.tiles():
            part = coefficients[rows.start // k : rows.stop // k]
            total += joined(tile.double(), part).square_().sum(0)
        return total


class Blocked(Tiled):
    """Nothing is stored: every product evaluates all tiles again.

    For geometries too large to store and not regular. A product costs what building the dense matrix costs.
    """

    name = "blocked"
    n_bytes = 0

    def tiles(self):
        """Rows and their places, in float64."""
        with explain_out_of_memory("blocked engine", self.device):
            yield from tiles_of(self.geometry, self.device)

    def forward(self, model):
        """See :class:`Engine`."""
        model = model.double()
        return torch.cat([tile @ model for _, tile in self.tiles()]).to(self.dtype)

    def adjoint(self, data):
        """See :class:`Engine`."""
        data, total = data.double(), torch.zeros(self.shape[1], dtype=torch.float64, device=self.device)
        for rows, tile in self.tiles():
            total += data[rows] @ tile
        return total.to(self.dtype)

    def dense(self) -> np.ndarray:
        """See :class:`Engine`."""
        return np.concatenate([as_numpy(tile) for _, tile in self.tiles()])


class Dense(Tiled):
    """The whole matrix on the device, in `storage`; products in `dtype`.

    Parameters
    ----------
    storage : torch.dtype
        float64, float32, or bfloat16 with a scale for each row, which halves the memory again and keeps 2 to 3 digits.
    """

    name = "dense"

    def __init__(self, geometry, device, dtype, storage: torch.dtype | None = None):
        super().__init__(geometry, device, dtype)
        storage = storage or dtype
        with explain_out_of_memory("dense engine", device):
            self.matrix = torch.empty(self.shape, dtype=storage, device=device)
            self.scales = None
            if storage == torch.bfloat16:
                self.scales = torch.ones(self.shape[0], dtype=dtype, device=device)
            for rows, tile in tiles_of(geometry, device):
                if self.scales is not None:
                    largest = tile.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny)
                    self.scales[rows] = largest.to(dtype)
                    tile = tile / largest[:, None]
                self.matrix[rows] = tile
        self.takes_rows = self.scales is None  # many data vectors at once, as rows
        self.n_bytes = self.matrix.nbytes + (0 if self.scales is None else self.scales.nbytes)

    def tiles(self):
        """Rows in `dtype`, and their places."""
        for rows in self.row_slices(_CPU_BUDGET):
            tile = self.matrix[rows].to(self.dtype)
            yield rows, tile if self.scales is None else tile * self.scales[rows, None]

    def forward(self, model):
        """See :class:`Engine`."""
        if self.scales is None:
            return self.matrix @ model
        return torch.cat([tile @ model for _, tile in self.tiles()])

    def adjoint(self, data):
        """See :class:`Engine`."""
        if self.scales is None:
            return data @ self.matrix
        return sum(data[rows] @ tile for rows, tile in self.tiles())

    def dense(self) -> np.ndarray:
        """The matrix itself where it is in host memory as numpy knows it, else a copy."""
        if self.scales is None and self.device.type == "cpu":
            return as_numpy_view(self.matrix)
        return np.concatenate([as_numpy_view(tile) for _, tile in self.tiles()])
