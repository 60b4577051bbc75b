"""Matrices of a discretize mesh with active cells: gradient and Laplacian at cell centres."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike
from simpeg.regularization import RegularizationMesh

from .._core import validation as check
from ..kernels import cell_gradient, cell_laplacian


def as_regularization_mesh(
    mesh: TensorMesh | TreeMesh | RegularizationMesh, active_cells: ArrayLike | None, who: str
) -> RegularizationMesh:
    """Check a mesh and its active cells and make SimPEG's mesh for regularizations of them.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in two or three dimensions.
    active_cells : (n_cells,) array_like of bool, array_like of int, or None
        Active cells, or their indices; all cells for None.
    who : str
        Function or class that the user called, for messages.

    Raises
    ------
    TypeError
        If `mesh` is of another kind.
    ValueError
        If the mesh has one dimension, if active cells do not fit the mesh, or if no cell is active.
    """
    if isinstance(mesh, RegularizationMesh):
        if mesh.active_cells is not None and active_cells is not None:
            msg = f"{who}.active_cells: got active cells, and the RegularizationMesh has its own. Give them once."
            raise ValueError(msg)
        active_cells = mesh.active_cells if active_cells is None else active_cells
        mesh = mesh.mesh
    # SimPEG's class of regularization meshes also accepts cylindrical and curvilinear ones
    check.instance(f"{who}.mesh", mesh, (TensorMesh, TreeMesh), "a discretize TensorMesh or TreeMesh")
    check.discretize_mesh(f"{who}.mesh", mesh, (2, 3))
    if active_cells is None:
        return RegularizationMesh(mesh)
    return RegularizationMesh(mesh, check.active_cells(f"{who}.active_cells", mesh, active_cells, indices=True))


def active_values(mesh: RegularizationMesh, values: np.ndarray) -> np.ndarray:
    """Return the rows of `values` that belong to active cells."""
    return values if mesh.active_cells is None else values[mesh.active_cells]


def gradient_matrix(mesh: RegularizationMesh) -> sp.csr_matrix:
    """Build the cell gradient on the active cells, (dim * n_cells, n_cells)."""
    return cell_gradient(active_values(mesh, mesh.mesh.cell_centers), _active_pairs(mesh))


def laplacian_matrix(mesh: RegularizationMesh) -> sp.csr_matrix:
    """Build the cell Laplacian on the active cells, (n_cells, n_cells)."""
    centers = active_values(mesh, mesh.mesh.cell_centers)
    widths = active_values(mesh, mesh.mesh.h_gridded)
    pairs = _active_pairs(mesh)
    first, second = pairs.T
    offset = centers[second] - centers[first]
    # two cells share a face across the axis along which their centres are half the sum of both widths apart
    reach = 0.5 * (widths[first] + widths[second])
    axis = np.argmin(np.abs(np.abs(offset) - reach) / reach, axis=1)
    faces = np.arange(len(pairs))
    normals = np.zeros_like(offset)
    normals[faces, axis] = np.sign(offset[faces, axis])
    shared = np.minimum(widths[first], widths[second])
    shared[faces, axis] = 1.0
    return cell_laplacian(centers, np.asarray(mesh.vol), pairs, shared.prod(axis=1), normals)


def _active_pairs(mesh: RegularizationMesh) -> np.ndarray:
    """Find the pairs of active cells that share a face, (n_pairs, 2), as indices among the active cells.

    Hanging faces are included.
    """
    stencil = mesh.mesh.stencil_cell_gradient.tocsr()
    stencil.eliminate_zeros()
    rows = np.flatnonzero(np.diff(stencil.indptr) == 2)
    pairs = np.stack([stencil.indices[stencil.indptr[rows]], stencil.indices[stencil.indptr[rows] + 1]], axis=1)
    if mesh.active_cells is None:
        return pairs.astype(np.int64)
    number = np.cumsum(mesh.active_cells) - 1
    return number[pairs[mesh.active_cells[pairs].all(axis=1)]]
