"""First and second derivatives of a cell-centred property, exact for linear models on any mesh.

A mesh is given by what these need of it and nothing else: cell centres, and the pairs of cells that
share a face. That serves regular cells, hanging faces and any set of active cells alike.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

# A direction whose scatter is below this part of the largest one is taken as not resolved by the stencil.
_RANK_TOLERANCE = 1e-10
# How many times a stencil that does not span all directions is widened; only such cells pay for it.
_RINGS = 15


def cell_gradient(centers: np.ndarray, pairs: np.ndarray) -> sp.csr_matrix:
    r"""Least-squares gradient at cell centres from face neighbours.

    In each cell :math:`i` the gradient minimises
    :math:`\sum_j \omega_{ij} \left( \mathbf g \cdot \mathbf d_{ij} - (m_j - m_i) \right)^2` over its
    neighbours, with :math:`\mathbf d_{ij}` the vector between the centres and
    :math:`\omega_{ij} = |\mathbf d_{ij}|^{-3}`. With these weights it is the three-point formula, exact for
    quadratic models, on a tensor mesh of any spacing, and exact for linear models on every mesh.

    A cell whose face neighbours do not span all directions (the top of a tower, a wall one cell thick) takes
    their neighbours too, ring by ring, up to 16 cells away. A direction no active cell within reach can tell
    anything about (a layer one cell thick) has gradient zero.

    Parameters
    ----------
    centers : (n_cells, dim) numpy.ndarray
        Cell centres in m.
    pairs : (n_pairs, 2) numpy.ndarray of int
        The cells on either side of each interior face; each face once.

    Returns
    -------
    (dim * n_cells, n_cells) scipy.sparse.csr_matrix
        All x-derivatives, then all y-derivatives, ...; property units per m.
    """
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

    inverse = _pseudo_inverse(scatter)
    offset, weight = _offsets(centers, near, far)
    coefficient = np.einsum("eij,ej->ei", inverse[near], weight[:, None] * offset)  # (n_edges, dim)

    rows = (np.arange(dim)[:, None] * n_cells + near).ravel()
    values = coefficient.T.ravel()
    gradient = sp.csr_matrix((values, (rows, np.tile(far, dim))), shape=(dim * n_cells, n_cells))
    # the cell's own coefficient closes every row to zero: constants have no gradient but round-off
    own = -np.asarray(gradient.sum(axis=1)).ravel()
    cells = np.tile(np.arange(n_cells), dim)
    gradient = gradient + sp.csr_matrix((own, (np.arange(dim * n_cells), cells)), shape=gradient.shape)
    gradient.sort_indices()
    return gradient


def cell_laplacian(
    centers: np.ndarray, volumes: np.ndarray, pairs: np.ndarray, areas: np.ndarray, normals: np.ndarray
) -> sp.csr_matrix:
    r"""Finite-volume Laplacian at cell centres, zero for linear models on any mesh and active set.

    .. math::
        (\nabla^2 m)_i = \frac{1}{V_i} \sum_f A_f \, (\nabla m)_f \cdot \mathbf n_f

    The flux through a face is the difference across it, corrected with the mean of both cells' gradients
    for the part of the centre-to-centre vector that runs along the face (hanging faces). Where a cell's
    face has no active neighbour the cell's own gradient is carried on, so the second derivative vanishes
    there instead of inventing a boundary. Interior cells of a tensor mesh get the usual 7-point formula.

    Parameters
    ----------
    centers : (n_cells, dim) numpy.ndarray
        Cell centres in m.
    volumes : (n_cells,) numpy.ndarray
        Cell volumes in m³.
    pairs : (n_pairs, 2) numpy.ndarray of int
        Cells on either side of each interior face.
    areas, normals : (n_pairs,), (n_pairs, dim) numpy.ndarray
        Face areas in m² and unit normals from the first cell of the pair to the second.

    Returns
    -------
    (n_cells, n_cells) scipy.sparse.csr_matrix
        Property units per m².
    """
    n_cells, dim = centers.shape
    n_pairs = len(pairs)
    gradient = cell_gradient(centers, pairs)
    offset = centers[pairs[:, 1]] - centers[pairs[:, 0]]
    across = np.sum(offset * normals, axis=1)
    along = offset - across[:, None] * normals

    faces = np.arange(n_pairs)
    difference = sp.csr_matrix(
        (np.r_[-1 / across, 1 / across], (np.r_[faces, faces], np.r_[pairs[:, 0], pairs[:, 1]])),
        shape=(n_pairs, n_cells),
    )
    mean = sp.csr_matrix(
        (np.full(2 * n_pairs, 0.5), (np.r_[faces, faces], np.r_[pairs[:, 0], pairs[:, 1]])),
        shape=(n_pairs, n_cells),
    )
    flux = difference
    for axis in range(dim):
        if np.any(along[:, axis]):
            part = gradient[axis * n_cells : (axis + 1) * n_cells]
            flux = flux - sp.diags(along[:, axis] / across) @ mean @ part

    outward = sp.csr_matrix(
        (np.r_[areas, -areas], (np.r_[pairs[:, 0], pairs[:, 1]], np.r_[faces, faces])),
        shape=(n_cells, n_pairs),
    )
    balance = outward @ flux
    # a closed surface's area vectors add up to zero: what is missing is the outer boundary's
    for axis in range(dim):
        missing = -(outward @ normals[:, axis])
        missing[np.abs(missing) < 1e-12 * np.abs(areas).max(initial=0.0)] = 0.0
        if np.any(missing):
            balance = balance + sp.diags(missing) @ gradient[axis * n_cells : (axis + 1) * n_cells]
    laplacian = (sp.diags(1.0 / volumes) @ balance).tocsr()
    laplacian.sort_indices()
    return laplacian


def _offsets(centers, near, far):
    """Vectors between centres, (n_edges, dim), and their least-squares weights, (n_edges,)."""
    offset = centers[far] - centers[near]
    return offset, np.linalg.norm(offset, axis=1) ** -3


def _scatter_matrices(centers, near, far):
    """Normal matrix of the gradient fit of every cell, (n_cells, dim, dim), scaled to order one."""
    n_cells, dim = centers.shape
    offset, weight = _offsets(centers, near, far)
    scatter = np.empty((n_cells, dim, dim))
    for i in range(dim):
        for j in range(i, dim):
            total = np.bincount(near, weight * offset[:, i] * offset[:, j], minlength=n_cells)
            scatter[:, i, j] = scatter[:, j, i] = total
    return scatter


def _is_diagonal(scatter):
    """Cells with neighbours along the axes only: nearly all of them, and need no linear algebra."""
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
    """Add to the stencils of the cells in `lacking` the neighbours of all cells in them."""
    grow = np.isin(near, lacking)
    stencils = sp.csr_matrix((np.ones(grow.sum()), (near[grow], far[grow])), shape=adjacency.shape)[lacking]
    reach = (stencils @ adjacency + stencils).tocoo()
    own = lacking[reach.row]
    new_near, new_far = own[reach.col != own], reach.col[reach.col != own]
    return np.r_[near[~grow], new_near], np.r_[far[~grow], new_far]
