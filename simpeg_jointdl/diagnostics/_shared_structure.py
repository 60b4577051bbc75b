"""Whether two models share structure at all, before a coupling makes them."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .._problem.mesh import active_values, as_regularization_mesh, gradient_matrix
from ._similarity import structural_similarity

_MOST_CELLS = 10_000  # that are compared, for speed: those with the steepest gradients


class SharedStructure(NamedTuple):
    """What :func:`shared_structure` found.

    Attributes
    ----------
    similarity : float
        :func:`structural_similarity` of the two models, from 0 to 1; NaN where one of them has no structure.
    p : float
        Part of the moved models (the model as it stands counted in) that share no less, from ``1 / (n_shifts + 1)`` to
        1. Small: structure is shared.
    """

    similarity: float
    p: float


def shared_structure(
    mesh,
    first: np.ndarray,
    second: np.ndarray,
    *,
    active_cells=None,
    n_shifts: int = 199,
    significance: float = 0.05,
    random_seed: int = 0,
) -> SharedStructure:
    r"""Test whether two models have more structure in common than chance puts there; warn if not.

    A coupling ties structure together whether or not the ground does, and where nothing is shared it makes models
    worse. Hand this function the models of a **separate** inversion (coupled ones share what the coupling gave them).
    It compares

    .. math::
        T = \sum_i V_i \, | \nabla a \cdot \nabla b |_i

    large where edges of both models coincide and are parallel, of either sign, with its values after the second
    model has been moved sideways by random distances. Depths stay, so what both models owe to the decay of their
    sensitivities counts for nothing. Moved out on one side means in on the other; the sides are those of the cells
    as narrow as the narrowest, without padding.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    first, second : (n_cells,) numpy.ndarray
        The models on the active cells.
    active_cells : (mesh.n_cells,) numpy.ndarray of bool, optional
    n_shifts : int
        Random distances; :math:`p` is a multiple of ``1 / (n_shifts + 1)``.
    significance : float
        Largest :math:`p` without a warning.
    random_seed : int

    Returns
    -------
    similarity : float
        :func:`structural_similarity`.
    p : float
        Part of the moved models (the model as it stands counted in) that share no less. Small: structure is shared.
        1 where a model has no structure.

    Warns
    -----
    UserWarning
        If ``p > significance``.

    Raises
    ------
    TypeError
        For a mesh that is neither a TensorMesh nor a TreeMesh.
    ValueError
        For a mesh of one dimension, active cells that do not fit it or are none, models that are not one finite value
        per active cell, and fewer than one shift.

    Notes
    -----
    Layers, and bodies as wide as the mesh, look the same wherever they are moved, and no such test can tell. Bodies
    above each other share their sides, and pass.
    """
    regularization_mesh = as_regularization_mesh(mesh, active_cells, "shared_structure")
    if int(n_shifts) < 1:
        msg = f"shared_structure.n_shifts: got {n_shifts!r}, wanted at least 1; 199 tell p = 0.05 well."
        raise ValueError(msg)
    similarity = structural_similarity(regularization_mesh, first, second)
    matrix, dim = gradient_matrix(regularization_mesh), regularization_mesh.dim
    models = [np.asarray(model, dtype=float) for model in (first, second)]
    a, b = ((matrix @ model).reshape(dim, -1) for model in models)
    if all(np.ptp(model) > 1e-8 * np.abs(model).max() for model in models):
        p = _rank(regularization_mesh, a, b, int(n_shifts), np.random.default_rng(random_seed))
    else:
        similarity, p = float("nan"), 1.0
    if p > significance:
        warnings.warn(
            f"shared_structure: the two models share no more structure than {100 * p:.0f} % of models moved sideways "
            "at random would; a coupling may put into one of them what is only in the other. Compare the misfits and "
            "models of a coupled inversion with those of a separate one, or leave the coupling out.",
            UserWarning,
            stacklevel=2,
        )
    return SharedStructure(similarity, p)


def _rank(mesh, a, b, n_shifts, rng) -> float:
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
    """Fewest cells that hold so large a part of the whole, or the first of them."""
    order = np.argsort(-strength, kind="stable")
    total = np.cumsum(strength[order])
    return order[: min(int(np.searchsorted(total, part * total[-1])) + 1, _MOST_CELLS)]
