"""Engines that evaluate the matrix in tiles: one stores them, the other evaluates them in every product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..._core.tensors import as_numpy, as_numpy_view, explain_out_of_memory, free_bytes
from ._geometry import Geometry, Tiles, locations_at_once

# Memory of temporary arrays in bytes; larger tiles are not faster on a CPU, since they leave its caches.
_CPU_BUDGET = 128 * 2**20
_DEVICE_PART = 0.25  # fraction of an accelerator's free memory


def tiles_of(geometry: Geometry, device: torch.device) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield places and rows of the matrix in float64, tile by tile; values do not depend on the size of a tile."""
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
    """Return sums of k consecutive rows times coefficients, (n_groups * k, n), (n_groups, k) -> (n_groups, n)."""
    return (coefficients[:, :, None] * rows.reshape(*coefficients.shape, -1)).sum(1)


class Tiled:
    """Base of the engines with tiles."""

    def __init__(self, geometry: Geometry, device: torch.device, dtype: torch.dtype):
        self.geometry, self.device, self.dtype = geometry, device, dtype
        self.shape = (geometry.n_rows, geometry.n_columns)

    def row_slices(self, n_bytes: int) -> Iterator[slice]:
        """Yield slices of about `n_bytes`; multiples of 12 rows, so that the components of a location stay together."""
        step = 12 * max(1, n_bytes // (12 * self.shape[1] * self.dtype.itemsize))
        for start in range(0, self.shape[0], step):
            yield slice(start, min(start + step, self.shape[0]))

    def squared_columns(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Return sums of squares of columns; see :class:`Engine`."""
        total = torch.zeros(self.shape[1], dtype=torch.float64, device=self.device)
        coefficients = coefficients.to(self.device)
        k = coefficients.shape[1]
        for rows, tile in self.tiles():
            part = coefficients[rows.start // k : rows.stop // k]
            total += joined(tile.double(), part).square_().sum(0)
        return total


class Blocked(Tiled):
    """Engine that stores nothing: every product evaluates all tiles again.

    It is meant for irregular geometries whose matrix is too large to store. A product costs as much as building the
    dense matrix.
    """

    name = "blocked"
    n_bytes = 0

    def tiles(self):
        """Yield places and rows in float64."""
        with explain_out_of_memory("blocked engine", self.device):
            yield from tiles_of(self.geometry, self.device)

    def forward(self, model):
        """Return the matrix times a model; see :class:`Engine`."""
        model = model.double()
        return torch.cat([tile @ model for _, tile in self.tiles()]).to(self.dtype)

    def adjoint(self, data):
        """Return the transposed matrix times data; see :class:`Engine`."""
        data, total = data.double(), torch.zeros(self.shape[1], dtype=torch.float64, device=self.device)
        for rows, tile in self.tiles():
            total += data[rows] @ tile
        return total.to(self.dtype)

    def dense(self) -> np.ndarray:
        """Return the whole matrix; see :class:`Engine`."""
        return np.concatenate([as_numpy(tile) for _, tile in self.tiles()])


class Dense(Tiled):
    """Engine that stores the whole matrix on the device.

    Parameters
    ----------
    geometry : Geometry
        Cells and receivers.
    device : torch.device
        Device of the matrix and the products.
    dtype : torch.dtype
        Type of the products.
    storage : torch.dtype
        Type of the stored matrix; `dtype` by default. bfloat16, with a scale for each row, keeps 2 to 3 digits.
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
        self.takes_rows = self.scales is None  # whether `adjoint` takes many data vectors at once, as rows
        self.n_bytes = self.matrix.nbytes + (0 if self.scales is None else self.scales.nbytes)

    def tiles(self):
        """Yield places and rows in `dtype`."""
        for rows in self.row_slices(_CPU_BUDGET):
            tile = self.matrix[rows].to(self.dtype)
            yield rows, tile if self.scales is None else tile * self.scales[rows, None]

    def forward(self, model):
        """Return the matrix times a model; see :class:`Engine`."""
        if self.scales is None:
            return self.matrix @ model
        return torch.cat([tile @ model for _, tile in self.tiles()])

    def adjoint(self, data):
        """Return the transposed matrix times data; see :class:`Engine`."""
        if self.scales is None:
            return data @ self.matrix
        return sum(data[rows] @ tile for rows, tile in self.tiles())

    def dense(self) -> np.ndarray:
        """Return the matrix itself where numpy can share its memory, otherwise a copy."""
        if self.scales is None and self.device.type == "cpu":
            return as_numpy_view(self.matrix)
        return np.concatenate([as_numpy_view(tile) for _, tile in self.tiles()])
