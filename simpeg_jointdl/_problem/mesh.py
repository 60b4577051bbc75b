"""What couplings need of a discretize mesh with active cells, as arrays."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from discretize.base import BaseMesh
from simpeg.regularization import RegularizationMesh

from ..kernels import cell_gradient, cell_laplacian


def as_regularization_mesh(mesh, active_cells, name: str) -> RegularizationMesh:
    """Validate a mesh and its active cells.

    Raises
    ------
    TypeError
        If `mesh` is not a discretize TensorMesh or TreeMesh (or a RegularizationMesh of one).
    ValueError
        If it has one dimension, or no cell is active.
    """
    if isinstance(mesh, RegularizationMesh):
        if mesh.active_cells is not None and active_cells is not None:
            msg = f"{name}: the RegularizationMesh has active cells of its own; give them once."
            raise ValueError(msg)
        active_cells = mesh.active_cells if active_cells is None else active_cells
        mesh = mesh.mesh
    if not isinstance(mesh, BaseMesh):
        msg = f"{name}.mesh: got {type(mesh).__name__}, wanted a discretize TensorMesh or TreeMesh."
        raise TypeError(msg)
    regularization_mesh = RegularizationMesh(mesh, _check_active(active_cells, mesh.n_cells, name))
    base = regularization_mesh.mesh
    if getattr(base, "_meshType", None) not in ("TENSOR", "TREE"):
        msg = f"{name}.mesh: got {type(base).__name__}, wanted a discretize TensorMesh or TreeMesh."
        raise TypeError(msg)
    if base.dim not in (2, 3):
        msg = f"{name}.mesh: got a mesh of dimension {base.dim}; structure can be coupled in 2-D and 3-D."
        raise ValueError(msg)
    if regularization_mesh.n_cells == 0:
        msg = f"{name}.active_cells: no cell is active."
        raise ValueError(msg)
    return regularization_mesh


def _check_active(active_cells, n_cells: int, name: str) -> np.ndarray | None:
    """A boolean per mesh cell, from booleans or indices."""
    if active_cells is None:
        return None
    values = np.array(active_cells)
    if values.dtype == bool and values.shape == (n_cells,):
        return values
    if np.issubdtype(values.dtype, np.integer) and values.ndim == 1 and np.all((values >= 0) & (values < n_cells)):
        mask = np.zeros(n_cells, dtype=bool)
        mask[values] = True
        return mask
    msg = (
        f"{name}.active_cells: got {values.dtype} of shape {values.shape}, wanted ({n_cells},), one boolean per mesh "
        f"cell, or indices from 0 to {n_cells - 1}."
    )
    raise ValueError(msg)


def active_values(mesh: RegularizationMesh, values: np.ndarray) -> np.ndarray:
    """Rows of `values` that belong to active cells."""
    return values if mesh.active_cells is None else values[mesh.active_cells]


def gradient_matrix(mesh: RegularizationMesh) -> sp.csr_matrix:
    """Cell gradient on the active cells, (dim * n_cells, n_cells)."""
    return cell_gradient(active_values(mesh, mesh.mesh.cell_centers), _active_pairs(mesh))


def laplacian_matrix(mesh: RegularizationMesh) -> sp.csr_matrix:
    """Cell Laplacian on the active cells, (n_cells, n_cells)."""
    centers = active_values(mesh, mesh.mesh.cell_centers)
    widths = active_values(mesh, mesh.mesh.h_gridded)
    pairs = _active_pairs(mesh)
    first, second = pairs.T
    offset = centers[second] - centers[first]
    # faces are shared along the axis where the centres are half the sum of both widths apart
    reach = 0.5 * (widths[first] + widths[second])
    axis = np.argmin(np.abs(np.abs(offset) - reach) / reach, axis=1)
    faces = np.arange(len(pairs))
    normals = np.zeros_like(offset)
    normals[faces, axis] = np.sign(offset[faces, axis])
    shared = np.minimum(widths[first], widths[second])
    shared[faces, axis] = 1.0
    return cell_laplacian(centers, np.asarray(mesh.vol), pairs, shared.prod(axis=1), normals)


def _active_pairs(mesh: RegularizationMesh) -> np.ndarray:
    """Pairs of active cells that share a face, (n_pairs, 2), hanging faces included; indices among the active."""
    stencil = mesh.mesh.stencil_cell_gradient.tocsr()
    stencil.eliminate_zeros()
    rows = np.flatnonzero(np.diff(stencil.indptr) == 2)
    pairs = np.stack([stencil.indices[stencil.indptr[rows]], stencil.indices[stencil.indptr[rows] + 1]], axis=1)
    if mesh.active_cells is None:
        return pairs.astype(np.int64)
    number = np.cumsum(mesh.active_cells) - 1
    return number[pairs[mesh.active_cells[pairs].all(axis=1)]]
