"""Test whether two models share structure before a coupling is used."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from simpeg.regularization import RegularizationMesh

from .._core import validation as check
from .._problem.mesh import active_values, as_regularization_mesh, gradient_matrix
from ._similarity import structural_similarity

_MOST_CELLS = 10_000  # for speed, only so many cells are compared: those with the steepest gradients


class SharedStructure(NamedTuple):
    """Result of :func:`shared_structure`.

    Attributes
    ----------
    similarity : float
        :func:`structural_similarity` of the two models, from 0 to 1; NaN if one of them has no structure.
    p : float
        Fraction of the shifted models, the unshifted one included, that share at least as much structure, from
        ``1 / (n_shifts + 1)`` to 1. A small value means that structure is shared.
    """

    similarity: float
    p: float


def shared_structure(
    mesh: TensorMesh | TreeMesh | RegularizationMesh,
    first: ArrayLike,
    second: ArrayLike,
    *,
    active_cells: ArrayLike | None = None,
    n_shifts: int = 199,
    significance: float = 0.05,
    random_seed: int = 0,
) -> SharedStructure:
    r"""Test whether two models have more structure in common than by chance; warn if not.

    A coupling makes two models share structure whether or not the earth does, and makes them worse where nothing is
    shared. Give this function the models of a **separate** inversion, since coupled models share what the coupling
    imposed. The test compares

    .. math::
        T = \sum_i V_i \, | \nabla a \cdot \nabla b |_i

    which is large where edges of both models coincide and are parallel, whatever their signs, with its values after the
    second model has been shifted sideways by random distances. Depths do not change, so that structure which both
    models owe to the decay of their sensitivities with depth does not count. The shift is periodic over the core of the
    mesh, that is over the cells of the smallest width, without padding.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    first, second : (n_cells,) array_like
        The models on the active cells.
    active_cells : (mesh.n_cells,) array_like of bool, optional
        Active cells of the mesh; by default all cells are active.
    n_shifts : int
        Number of random shifts; :math:`p` is a multiple of ``1 / (n_shifts + 1)``.
    significance : float
        Largest :math:`p` without a warning.
    random_seed : int
        Seed of the random shifts.

    Returns
    -------
    SharedStructure
        The pair ``(similarity, p)``. `p` is 1 if a model has no structure.

    Raises
    ------
    TypeError
        If the mesh is neither a TensorMesh nor a TreeMesh.
    ValueError
        If the mesh has one dimension, the active cells do not fit it, no cell is active, a model does not have one
        finite value per active cell, or there is no shift.

    Warns
    -----
    UserWarning
        If ``p > significance``.

    Notes
    -----
    Layers, and bodies as wide as the mesh, look the same after every shift, so that this test cannot detect that they
    are shared. Bodies above each other share the positions of their sides and pass the test.

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg_jointdl import diagnostics
    >>> mesh = discretize.TensorMesh([16, 16, 8])
    >>> body = (np.abs(mesh.cell_centers - 0.4) < 0.15).all(axis=1).astype(float)
    >>> found = diagnostics.shared_structure(mesh, body, 2700 - 300 * body, n_shifts=49)
    >>> bool(found.p <= 0.05)
    True
    """
    regularization_mesh = as_regularization_mesh(mesh, active_cells, "shared_structure")
    n_shifts = check.whole("shared_structure.n_shifts", n_shifts, mend="199 shifts resolve p = 0.05 well.")
    similarity = structural_similarity(regularization_mesh, first, second)
    matrix, dim = gradient_matrix(regularization_mesh), regularization_mesh.dim
    models = [np.asarray(model, dtype=float) for model in (first, second)]
    a, b = ((matrix @ model).reshape(dim, -1) for model in models)
    if all(np.ptp(model) > 1e-8 * np.abs(model).max() for model in models):
        p = _rank(regularization_mesh, a, b, n_shifts, np.random.default_rng(random_seed))
    else:
        similarity, p = float("nan"), 1.0
    if p > significance:
        warnings.warn(
            f"shared_structure: the models share no more structure than {100 * p:.0f} % of randomly shifted models. "
            "A coupling may copy structure of one model into the other. Compare the misfits and models of a coupled "
            "inversion with those of a separate one, or leave the coupling out.",
            UserWarning,
            stacklevel=2,
        )
    return SharedStructure(similarity, p)


def _rank(mesh, a, b, n_shifts, rng) -> float:
    """Return the fraction of shifted models that share at least as much structure."""
    centers, widths = (active_values(mesh, values) for values in (mesh.mesh.cell_centers, mesh.mesh.h_gridded))
    sideways = slice(0, mesh.dim - 1)
    narrow = widths[:, sideways] <= 1.01 * widths[:, sideways].min(axis=0)
    core = narrow.all(axis=1)
    low = (centers[core, sideways] - widths[core, sideways] / 2).min(0)
    high = (centers[core, sideways] + widths[core, sideways] / 2).max(0)
    inside = ((centers[:, sideways] > low) & (centers[:, sideways] < high)).all(axis=1)
    strength = np.asarray(mesh.vol) * np.linalg.norm(a, axis=0) * inside
    cells = _strongest(strength, 0.95)
    tree, weighted = cKDTree(centers), np.asarray(mesh.vol)[cells] * a[:, cells]

    def shared(offset):
        places = centers[cells].copy()
        places[:, sideways] = low + (places[:, sideways] - low + offset) % (high - low)
        return np.abs(np.sum(weighted * b[:, tree.query(places)[1]], axis=0)).sum()

    here = shared(0.0)
    moved = [shared(rng.uniform(0.0, high - low)) for _ in range(n_shifts)]
    return (1 + int(np.sum(np.array(moved) >= here * (1 - 1e-9)))) / (1 + n_shifts)


def _strongest(strength, part) -> np.ndarray:
    """Return the strongest cells that together hold this part of the total, but at most `_MOST_CELLS` of them."""
    order = np.argsort(-strength, kind="stable")
    total = np.cumsum(strength[order])
    return order[: min(int(np.searchsorted(total, part * total[-1])) + 1, _MOST_CELLS)]
