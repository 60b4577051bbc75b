"""Cells and receivers as arrays: all that an engine needs of a mesh and a survey."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh

from ..._core.tensors import as_tensor
from ...kernels import cell_values, gather_cells, node_function

Terms = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Stations:
    """Receivers at which the same components are measured.

    Attributes
    ----------
    locations : (n_locations, 3) numpy.ndarray
        Locations in m.
    terms : list of list of terms
        Derivatives of the potential and their factors by component and block of the model, as from
        :func:`~simpeg_jointdl.kernels.gravity_terms`. Gravity has one block. Magnetization that differs from cell to
        cell, or is the model itself, has three.
    """

    locations: np.ndarray
    terms: list[list[Terms]]

    @property
    def n_components(self) -> int:
        """Number of components at each location."""
        return len(self.terms)

    @property
    def n_rows(self) -> int:
        """Number of data, which are ordered by location and then by component."""
        return len(self.locations) * self.n_components


class Geometry:
    """Active cells of a mesh under stations.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    active_cells : (mesh.n_cells,) numpy.ndarray of bool
        Active cells.
    stations : sequence of Stations
        Receivers, in the order of their data.
    magnetization : (3, n_cells) numpy.ndarray, optional
        Factors of three blocks in every active cell. The blocks are then summed to one column per active cell.
        Otherwise there are as many columns per cell as there are blocks.

    Attributes
    ----------
    axes : tuple of 3 numpy.ndarray or None
        Nodes along x, y and z of the smallest box of a tensor mesh that contains all active cells.
    inside : (n_cells,) numpy.ndarray of int or None
        Indices of the active cells in that box, x fastest; None if they fill it.
    nodes, cell_nodes : numpy.ndarray or None
        For a tree mesh: nodes (n_nodes, 3), and the indices of the corners of the active cells, (n_cells, 8).
    """

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh,
        active_cells: np.ndarray,
        stations: Sequence[Stations],
        magnetization: np.ndarray | None = None,
    ):
        self.stations: list[Stations] = list(stations)
        self.magnetization: np.ndarray | None = magnetization
        self.n_cells: int = int(np.count_nonzero(active_cells))
        self.axes: tuple[np.ndarray, ...] | None = None
        self.inside: np.ndarray | None = None
        self.nodes: np.ndarray | None = None
        self.cell_nodes: np.ndarray | None = None
        if isinstance(mesh, TensorMesh):
            self._box(mesh, active_cells)
        else:
            corners = mesh.cell_nodes[active_cells]
            used, places = np.unique(corners, return_inverse=True)
            self.nodes, self.cell_nodes = mesh.total_nodes[used], places.reshape(corners.shape)

    def _box(self, mesh, active_cells):
        active = active_cells.reshape(mesh.shape_cells, order="F")
        # first and last layer with an active cell along each axis
        ranges = []
        for axis in range(3):
            held = np.flatnonzero(active.any(axis=tuple(other for other in range(3) if other != axis)))
            ranges.append((held[0], held[-1] + 1))
        self.axes = tuple(
            np.asarray(nodes)[first : last + 1]
            for nodes, (first, last) in zip((mesh.nodes_x, mesh.nodes_y, mesh.nodes_z), ranges, strict=True)
        )
        boxed = active[tuple(slice(*one) for one in ranges)]
        self.inside = None if boxed.all() else np.flatnonzero(boxed.ravel(order="F"))

    @property
    def shape_box(self) -> tuple[int, int, int]:
        """Numbers of cells of the box along x, y and z."""
        return tuple(len(nodes) - 1 for nodes in self.axes)

    @property
    def n_blocks(self) -> int:
        """Number of blocks of the terms, before a magnetization adds them."""
        return len(self.stations[0].terms[0])

    @property
    def n_columns(self) -> int:
        """Number of columns of the matrix."""
        return self.n_cells * (1 if self.magnetization is not None else self.n_blocks)

    @property
    def n_rows(self) -> int:
        """Number of data."""
        return sum(one.n_rows for one in self.stations)

    @property
    def n_nodes(self) -> int:
        """Number of nodes at which derivatives are evaluated."""
        return len(self.nodes) if self.axes is None else int(np.prod([len(nodes) for nodes in self.axes]))

    def fingerprint(self) -> str:
        """Return a hash of everything that the matrix depends on."""
        digest = hashlib.sha256()
        parts = [*(self.axes or ()), self.inside, self.nodes, self.cell_nodes, self.magnetization]
        for part in [*parts, *(one.locations for one in self.stations)]:
            digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
        digest.update(json.dumps([one.terms for one in self.stations]).encode())
        return digest.hexdigest()


class Tiles:
    """Sensitivities of some locations to all active cells, evaluated in float64 on demand.

    Parameters
    ----------
    geometry : Geometry
        Cells and receivers.
    device : torch.device
        Device of the evaluation.
    """

    def __init__(self, geometry: Geometry, device: torch.device):
        self.geometry, self.device = geometry, device
        self._inside = self._cell_nodes = self._magnetization = None
        if geometry.axes is None:
            self._nodes = [as_tensor(one, device) for one in geometry.nodes.T]
            self._cell_nodes = as_tensor(geometry.cell_nodes, device)
        else:
            # x is the fastest, and the last dimension
            shapes = ((1, 1, -1), (1, -1, 1), (-1, 1, 1))
            self._nodes = [as_tensor(one, device).reshape(s) for one, s in zip(geometry.axes, shapes, strict=True)]
            if geometry.inside is not None:
                self._inside = as_tensor(geometry.inside, device)
        if geometry.magnetization is not None:
            self._magnetization = as_tensor(geometry.magnetization, device, torch.float64)

    def __call__(self, stations: Stations, start: int, stop: int) -> torch.Tensor:
        """Return the rows of locations `start` to `stop`, ((stop - start) * n_components, n_columns) in float64."""
        locations = as_tensor(stations.locations[start:stop], self.device, torch.float64)
        offsets = [
            nodes - column.reshape(-1, *([1] * nodes.ndim))
            for nodes, column in zip(self._nodes, locations.T, strict=True)
        ]
        derivatives: dict[str, torch.Tensor] = {}
        rows = [self._cells(blocks, offsets, derivatives) for blocks in stations.terms]  # each (n, n_columns)
        return torch.stack(rows, dim=1).reshape((stop - start) * len(rows), -1)

    def _cells(self, blocks, offsets, derivatives):
        values = [self._sums(terms, offsets, derivatives) for terms in blocks]  # each (n, n_cells)
        if self._magnetization is not None:
            return sum(m * value for m, value in zip(self._magnetization, values, strict=True))
        return values[0] if len(values) == 1 else torch.cat(values, dim=1)

    def _sums(self, terms, offsets, derivatives):
        """Return sums over corners of cells, (n, n_cells), of the terms combined at the nodes."""
        total = None
        for name, factor in terms:
            if name not in derivatives:
                derivatives[name] = node_function(name, *offsets)
            part = factor * derivatives[name]
            total = part if total is None else total.add_(part)
        if self._cell_nodes is not None:
            return gather_cells(total, self._cell_nodes)
        cells = cell_values(total).flatten(start_dim=1)
        return cells if self._inside is None else cells[:, self._inside]


def locations_at_once(geometry: Geometry, stations: Stations, budget: int) -> int:
    """Return how many locations fit into a tile of `budget` bytes, at least 1."""
    names = {name for blocks in stations.terms for terms in blocks for name, _ in terms}
    # all derivatives are kept while the components are combined; an evaluation needs a few arrays more
    per_location = 8 * (geometry.n_nodes * (len(names) + 8) + 2 * geometry.n_columns * stations.n_components)
    return max(1, int(budget // per_location))
