"""First and second derivatives of a cell-centred property, exact for linear models on any mesh.

A mesh is described by its cell centres and by the pairs of cells that share a face. This covers regular cells, hanging
faces and any set of active cells.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

# A stencil does not resolve a direction whose scatter is below this fraction of the largest one.
_RANK_TOLERANCE = 1e-10
# Largest number of times that a stencil is widened while it does not span all directions. Other cells cost nothing.
_RINGS = 15


def cell_gradient(centers: np.ndarray, pairs: np.ndarray) -> sp.csr_matrix:
    r"""Build the matrix of the least-squares gradient at cell centres from face neighbours.

    In each cell :math:`i` the gradient :math:`\mathbf g` minimises

    .. math::
        \sum_j \omega_{ij} \left( \mathbf g \cdot \mathbf d_{ij} - (m_j - m_i) \right)^2, \qquad
        \omega_{ij} = |\mathbf d_{ij}|^{-3}

    over its neighbours :math:`j`, with :math:`\mathbf d_{ij}` the vector between the centres. With these weights it is
    the three-point formula on a tensor mesh of any spacing, which is exact for quadratic models. On every mesh it is
    exact for linear models.

    A cell whose face neighbours do not span all directions (the top of a tower, a wall one cell thick) uses their
    neighbours too, ring by ring, up to 16 cells away. The gradient is zero along a direction in which there is no
    active cell within reach (a layer one cell thick).

    Parameters
    ----------
    centers : (n_cells, dim) numpy.ndarray
        Cell centres in m.
    pairs : (n_pairs, 2) numpy.ndarray of int
        The cells on either side of each interior face; each face once.

    Returns
    -------
    (dim * n_cells, n_cells) scipy.sparse.csr_matrix
        All x-derivatives, then all y-derivatives, and so on; in units of the property per m.
    """
    n_cells, dim = centers.shape
    near, far, scatter = _stencils(centers, pairs)
    inverse = _pseudo_inverse(scatter)
    offset, weight = _offsets(centers, near, far)
    coefficient = np.einsum("eij,ej->ei", inverse[near], weight[:, None] * offset)  # (n_edges, dim)

    rows = (np.arange(dim)[:, None] * n_cells + near).ravel()
    values = coefficient.T.ravel()
    gradient = sp.csr_matrix((values, (rows, np.tile(far, dim))), shape=(dim * n_cells, n_cells))
    # the cell's own coefficient makes every row sum to zero: a constant has no gradient beyond round-off
    own = -np.asarray(gradient.sum(axis=1)).ravel()
    cells = np.tile(np.arange(n_cells), dim)
    gradient = gradient + sp.csr_matrix((own, (np.arange(dim * n_cells), cells)), shape=gradient.shape)
    gradient.sort_indices()
    return gradient


def _stencils(centers: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the edges of all stencils, from cells to neighbours, (n_edges,) each, and their scatter matrices."""
    n_cells, dim = centers.shape
    near, far = np.r_[pairs[:, 0], pairs[:, 1]], np.r_[pairs[:, 1], pairs[:, 0]]
    scatter = _scatter_matrices(centers, near, far)
    adjacency = sp.csr_matrix((np.ones(len(near)), (near, far)), shape=(n_cells, n_cells))
    lacking = np.flatnonzero(_rank(scatter) < dim)
    for _ in range(_RINGS):
        if not lacking.size:
            break
        near, far = _with_next_ring(near, far, lacking, adjacency)
        scatter = _scatter_matrices(centers, near, far)
        lacking = lacking[_rank(scatter[lacking]) < dim]
    return near, far, scatter


def cell_laplacian(
    centers: np.ndarray, volumes: np.ndarray, pairs: np.ndarray, areas: np.ndarray, normals: np.ndarray
) -> sp.csr_matrix:
    r"""Build the matrix of the finite-volume Laplacian at cell centres.

    .. math::
        (\nabla^2 m)_i = \frac{1}{V_i} \sum_f A_f \, (\nabla m)_f \cdot \mathbf n_f

    It is zero for linear models on any mesh and any set of active cells. The flux through a face is the difference
    across it. At hanging faces the part of the centre-to-centre vector that runs along the face is corrected for, with
    the mean of both cells' gradients. Where a face has no active neighbour, the cell's own gradient is used, so that
    the second derivative vanishes there and no boundary condition is imposed. Interior cells of a 3-D tensor mesh get
    the usual 7-point formula.

    Parameters
    ----------
    centers : (n_cells, dim) numpy.ndarray
        Cell centres in m.
    volumes : (n_cells,) numpy.ndarray
        Cell volumes in m³.
    pairs : (n_pairs, 2) numpy.ndarray of int
        The cells on either side of each interior face; each face once.
    areas, normals : (n_pairs,), (n_pairs, dim) numpy.ndarray
        Face areas in m² and unit normals from the first cell of the pair to the second.

    Returns
    -------
    (n_cells, n_cells) scipy.sparse.csr_matrix
        In units of the property per m².
    """
    n_cells, dim = centers.shape
    gradient = cell_gradient(centers, pairs)
    by_axis = [gradient[axis * n_cells : (axis + 1) * n_cells] for axis in range(dim)]
    outward = _pairs_matrix(pairs, areas, -areas, n_cells).T
    balance = outward @ _face_derivative(centers, pairs, normals, by_axis)
    # the area vectors of a closed surface sum to zero: the remainder belongs to faces without an active neighbour
    for axis in range(dim):
        missing = -(outward @ normals[:, axis])
        missing[np.abs(missing) < 1e-12 * np.abs(areas).max(initial=0.0)] = 0.0
        if np.any(missing):
            balance = balance + sp.diags(missing) @ by_axis[axis]
    laplacian = (sp.diags(1.0 / volumes) @ balance).tocsr()
    laplacian.sort_indices()
    return laplacian


def _face_derivative(centers, pairs, normals, by_axis) -> sp.csr_matrix:
    """Build the matrix of the derivative across each face, (n_pairs, n_cells)."""
    n_cells = len(centers)
    offset = centers[pairs[:, 1]] - centers[pairs[:, 0]]
    across = np.sum(offset * normals, axis=1)
    along = offset - across[:, None] * normals
    derivative = _pairs_matrix(pairs, -1 / across, 1 / across, n_cells)
    mean = _pairs_matrix(pairs, np.full(len(pairs), 0.5), np.full(len(pairs), 0.5), n_cells)
    for axis, gradient in enumerate(by_axis):
        if np.any(along[:, axis]):
            derivative = derivative - sp.diags(along[:, axis] / across) @ mean @ gradient
    return derivative


def _pairs_matrix(pairs, of_first, of_second, n_cells) -> sp.csr_matrix:
    """Build a matrix with one row per pair and an entry for each of its two cells, (n_pairs, n_cells)."""
    faces = np.arange(len(pairs))
    return sp.csr_matrix(
        (np.r_[of_first, of_second], (np.r_[faces, faces], np.r_[pairs[:, 0], pairs[:, 1]])),
        shape=(len(pairs), n_cells),
    )


def _offsets(centers, near, far):
    """Return the vectors between centres, (n_edges, dim), and their least-squares weights, (n_edges,)."""
    offset = centers[far] - centers[near]
    return offset, np.linalg.norm(offset, axis=1) ** -3


def _scatter_matrices(centers, near, far):
    """Return the normal matrix of each cell's gradient fit, (n_cells, dim, dim), of order one."""
    n_cells, dim = centers.shape
    offset, weight = _offsets(centers, near, far)
    scatter = np.empty((n_cells, dim, dim))
    for i in range(dim):
        for j in range(i, dim):
            total = np.bincount(near, weight * offset[:, i] * offset[:, j], minlength=n_cells)
            scatter[:, i, j] = scatter[:, j, i] = total
    return scatter


def _is_diagonal(scatter):
    """Find the cells whose neighbours lie along the axes: nearly all cells, which need no linear algebra."""
    diagonal = np.einsum("nii->ni", scatter)
    off = np.abs(scatter).sum(axis=(1, 2)) - np.abs(diagonal).sum(axis=1)
    return off <= _RANK_TOLERANCE * diagonal.max(axis=1)


def _rank(scatter):
    rank = np.empty(len(scatter), dtype=int)
    simple = _is_diagonal(scatter)
    for some, spectrum in (
        (simple, np.einsum("nii->ni", scatter[simple])),
        (~simple, np.linalg.eigvalsh(scatter[~simple])),
    ):
        largest = spectrum.max(axis=1, initial=np.finfo(float).tiny, keepdims=True)
        rank[some] = np.sum(spectrum > _RANK_TOLERANCE * largest, axis=1)
    return rank


def _pseudo_inverse(scatter):
    inverse = np.zeros_like(scatter)
    simple = _is_diagonal(scatter)
    diagonal = np.einsum("nii->ni", scatter[simple])
    resolved = diagonal > _RANK_TOLERANCE * diagonal.max(axis=1, initial=np.finfo(float).tiny, keepdims=True)
    reciprocal = np.where(resolved, 1.0 / np.where(resolved, diagonal, 1.0), 0.0)
    inverse[simple] = reciprocal[:, :, None] * np.eye(scatter.shape[1])
    inverse[~simple] = np.linalg.pinv(scatter[~simple], rcond=_RANK_TOLERANCE, hermitian=True)
    return inverse


def _with_next_ring(near, far, lacking, adjacency):
    """Widen the stencils of the cells in `lacking` by the neighbours of their cells."""
    grow = np.isin(near, lacking)
    stencils = sp.csr_matrix((np.ones(grow.sum()), (near[grow], far[grow])), shape=adjacency.shape)[lacking]
    reach = (stencils @ adjacency + stencils).tocoo()
    own = lacking[reach.row]
    new_near, new_far = own[reach.col != own], reach.col[reach.col != own]
    return np.r_[near[~grow], new_near], np.r_[far[~grow], new_far]
