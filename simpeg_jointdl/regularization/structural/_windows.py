"""Windows over the active cells, and sums over windows at a cost that does not grow with their size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from ..._core.tensors import as_tensor
from ..._problem.mesh import active_values
from ...kernels import SparseMatrix, matvec


class Windows:
    """Overlapping boxes of cells.

    Cells that lie in the same windows form an atom. Sums run over the cells of each atom first, and then over the few
    atoms of each window, so that memory and time grow with the number of cells alone.

    Parameters
    ----------
    atom : (n_cells,) numpy.ndarray of int
        Atom of each cell.
    incidence : (n_windows, n_atoms) scipy.sparse matrix of ones
        Atoms of each window.
    device : torch.device
        Device of the sums.
    dtype : torch.dtype
        Precision of the sums.
    """

    def __init__(self, atom: np.ndarray, incidence, device: torch.device, dtype: torch.dtype):
        self.n_cells, self.n_atoms = len(atom), incidence.shape[1]
        self.n_windows = incidence.shape[0]
        self._device, self._dtype = device, dtype
        self._atom, self._incidence = atom, sp.csr_matrix(incidence)
        self._is_global = self.n_windows == 1 and self.n_atoms == 1
        identity = self.n_atoms == self.n_cells and np.array_equal(atom, np.arange(self.n_cells))
        self._cells_are_atoms = bool(identity)
        self.is_pointwise = self._cells_are_atoms and self.n_windows == self.n_cells and incidence.nnz == self.n_cells

    @classmethod
    def whole(cls, n_cells: int, device, dtype) -> Windows:
        """Return one window of all cells."""
        return cls(np.zeros(n_cells, dtype=np.int64), sp.csr_matrix(np.ones((1, 1))), device, dtype)

    @classmethod
    def boxes(cls, mesh: RegularizationMesh, window: Sequence[int], overlap: float, device, dtype) -> Windows:
        """Return boxes of `window` cells per axis, shifted by ``1 - overlap`` of their width."""
        centers = active_values(mesh, mesh.mesh.cell_centers)
        segments, memberships = [], []
        for axis, size in enumerate(window):
            nodes = mesh.mesh.origin[axis] + np.cumsum(mesh.mesh.h[axis])
            position = np.searchsorted(nodes, centers[:, axis], side="right")
            segment, member = _one_axis(len(nodes), size, overlap)
            segments.append(segment[position])
            memberships.append(member)
        used, atom = np.unique(
            np.ravel_multi_index(segments, [member.shape[0] for member in memberships]), return_inverse=True
        )
        incidence = _incidence(used, memberships)
        if len(used) == len(atom):  # every cell is an atom of its own: number atoms as cells
            atom, incidence = np.arange(len(atom)), incidence[:, atom]
        return cls(atom.astype(np.int64), incidence, device, dtype)

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        """Return sums over windows, (k, n_cells) -> (k, n_windows)."""
        if self._is_global:
            return x.sum(1, keepdim=True)
        if not self._cells_are_atoms:
            x = matvec(self._gather, x)
        return x if self.is_pointwise else matvec(self._windows, x)

    def spread(self, y: torch.Tensor) -> torch.Tensor:
        """Return sums over the windows of each cell, (k, n_windows) -> (k, n_cells); the adjoint of :meth:`sum`."""
        if self._is_global:
            return y.expand(-1, self.n_cells)
        if not self.is_pointwise:
            y = matvec(self._windows.T, y)
        if self._cells_are_atoms:
            return y
        return torch.stack([row.index_select(0, self._atom_index) for row in y])

    def entries(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the window and the cell of every pair, (n_entries,) each; only explicit residuals need all pairs."""
        gather = sp.csr_matrix((np.ones(self.n_cells), (self._atom, np.arange(self.n_cells))))
        pairs = (self._incidence @ gather).tocoo()
        return tuple(as_tensor(i.astype(np.int64), self._device) for i in (pairs.row, pairs.col))

    @cached_property
    def _gather(self) -> SparseMatrix:
        # a matrix product, since the order of index_add is not reproducible on a GPU
        ones = sp.csr_matrix((np.ones(self.n_cells), (self._atom, np.arange(self.n_cells))))
        return SparseMatrix.from_scipy(ones, self._device, self._dtype)

    @cached_property
    def _windows(self) -> SparseMatrix:
        return SparseMatrix.from_scipy(self._incidence.astype(float), self._device, self._dtype)

    @cached_property
    def _atom_index(self) -> torch.Tensor:
        return as_tensor(self._atom, self._device)


def check_window(window, overlap, mesh: RegularizationMesh, name: str) -> tuple[tuple[int, ...], float]:
    """Return the validated window and overlap.

    Raises
    ------
    ValueError
        If the window does not have one positive whole number per axis of the mesh, is larger than the mesh, or the
        overlap is not in [0, 1).
    """
    dim = mesh.mesh.dim
    sizes = np.atleast_1d(np.asarray(window, dtype=float))
    if sizes.shape != (dim,) or np.any(sizes < 1) or np.any(sizes != np.round(sizes)):
        msg = f"{name}.window: got {window!r}, wanted {dim} positive whole numbers, cells along each axis of the mesh."
        raise ValueError(msg)
    available = [len(h) for h in mesh.mesh.h]
    if np.any(sizes > available):
        msg = f"{name}.window: got {window!r}, larger than the mesh of {tuple(available)} cells. Use a smaller window."
        raise ValueError(msg)
    return tuple(int(size) for size in sizes), check.share(f"{name}.overlap", overlap, one=False)


def _one_axis(n: int, size: int, overlap: float):
    """Return the segment of each of n cells along an axis, (n,), and its windows, (n_segments, n_windows)."""
    stride = max(1, round(size * (1.0 - overlap)))
    # start before the first cell, so that border cells lie in as many windows as all others
    starts = np.arange(-stride * ((size - 1) // stride), n, stride)
    edges = np.unique(np.clip(np.r_[starts, starts + size, 0, n], 0, n))
    segment = np.searchsorted(edges, np.arange(n), side="right") - 1
    first = edges[:-1, None]
    return segment, sp.csr_matrix((starts <= first) & (first < starts + size))


def _incidence(used: np.ndarray, memberships: list[sp.csr_matrix]) -> sp.csr_matrix:
    """Return the windows of the used atoms, (n_windows, n_atoms), without forming the whole grid of segments."""
    per_axis = np.unravel_index(used, [member.shape[0] for member in memberships])
    atom, window = np.arange(len(used)), np.zeros(len(used), dtype=np.int64)
    for member, segment in zip(memberships, per_axis, strict=True):
        held = member[segment[atom]]  # the windows along this axis, one row per entry so far
        count = np.diff(held.indptr)
        atom, window = np.repeat(atom, count), np.repeat(window, count) * member.shape[1] + held.indices
    _, window = np.unique(window, return_inverse=True)
    return sp.csr_matrix((np.ones(len(atom)), (window, atom)), shape=(window.max() + 1, len(used)))
