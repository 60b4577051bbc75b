"""How alike two models are in structure, as one number."""

from __future__ import annotations

import numpy as np

from .._problem.mesh import as_regularization_mesh, gradient_matrix


def structural_similarity(mesh, first: np.ndarray, second: np.ndarray, *, active_cells=None) -> float:
    r"""Similarity of structure: 1 where all gradients are parallel, 0 where all are perpendicular.

    .. math::
        S = 1 - \frac{\sum_i V_i \, | \nabla a \times \nabla b |_i^2}{\sum_i V_i \, | \nabla a |_i^2 | \nabla b |_i^2}

    Cells count with the strength of both gradients, so that only places where both models have structure
    decide; it changes neither with the units nor with the signs of the models. Random gradients give 1/2 in
    2-D and 1/3 in 3-D.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    first, second : (n_cells,) numpy.ndarray
        The models on the active cells.
    active_cells : (mesh.n_cells,) numpy.ndarray of bool, optional

    Returns
    -------
    float
        In [0, 1]; NaN where no cell has structure in both models.

    Raises
    ------
    TypeError
        For a mesh that is neither a TensorMesh nor a TreeMesh.
    ValueError
        For a mesh of one dimension, active cells that do not fit it or are none, and models that are not one finite
        value per active cell.
    """
    mesh = as_regularization_mesh(mesh, active_cells, "structural_similarity")
    models = np.array([first, second], dtype=float)
    if models.shape != (2, mesh.n_cells) or not np.isfinite(models).all():
        msg = f"structural_similarity: wanted two finite models of {mesh.n_cells} active cells, got {models.shape}."
        raise ValueError(msg)
    matrix = gradient_matrix(mesh)
    a, b = ((matrix @ model).reshape(mesh.dim, -1) for model in models)
    volumes = np.asarray(mesh.vol)
    squares = volumes @ (np.sum(a * a, axis=0) * np.sum(b * b, axis=0))
    parallel = volumes @ np.square(np.sum(a * b, axis=0))
    return float(parallel / squares) if squares > 0 else float("nan")
