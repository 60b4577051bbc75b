"""Similarity of the structure of two models, as one number."""

from __future__ import annotations

import numpy as np
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike
from simpeg.regularization import RegularizationMesh

from .._core import validation as check
from .._problem.mesh import as_regularization_mesh, gradient_matrix


def structural_similarity(
    mesh: TensorMesh | TreeMesh | RegularizationMesh,
    first: ArrayLike,
    second: ArrayLike,
    *,
    active_cells: ArrayLike | None = None,
) -> float:
    r"""Return the structural similarity of two models: 1 for parallel gradients, 0 for perpendicular ones.

    .. math::
        S = 1 - \frac{\sum_i V_i \, | \nabla a \times \nabla b |_i^2}{\sum_i V_i \, | \nabla a |_i^2 | \nabla b |_i^2}

    Each cell is weighted by the strength of both gradients, so that only places with structure in both models count.
    The similarity depends neither on the units nor on the signs of the models. Random gradients give 1/2 in 2-D and
    1/3 in 3-D.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    first, second : (n_cells,) array_like
        The models on the active cells.
    active_cells : (mesh.n_cells,) array_like of bool, optional
        Active cells of the mesh; by default all cells are active.

    Returns
    -------
    float
        A number from 0 to 1, or NaN if no cell has structure in both models.

    Raises
    ------
    TypeError
        If the mesh is neither a TensorMesh nor a TreeMesh.
    ValueError
        If the mesh has one dimension, the active cells do not fit it, no cell is active, or a model does not have one
        finite value per active cell.

    Examples
    --------
    >>> import discretize
    >>> from simpeg_jointdl import diagnostics
    >>> mesh = discretize.TensorMesh([8, 8])
    >>> x, y = mesh.cell_centers.T
    >>> similarity = diagnostics.structural_similarity
    >>> f"{similarity(mesh, x, 2 - 3 * x):.2f} {similarity(mesh, x, y):.2f} {similarity(mesh, x, x + y):.2f}"
    '1.00 0.00 0.50'
    """
    mesh = as_regularization_mesh(mesh, active_cells, "structural_similarity")
    models = [
        check.finite_array(f"structural_similarity.{name}", model, (mesh.n_cells,))
        for name, model in (("first", first), ("second", second))
    ]
    matrix = gradient_matrix(mesh)
    a, b = ((matrix @ model).reshape(mesh.dim, -1) for model in models)
    volumes = np.asarray(mesh.vol)
    squares = volumes @ (np.sum(a * a, axis=0) * np.sum(b * b, axis=0))
    parallel = volumes @ np.square(np.sum(a * b, axis=0))
    return float(parallel / squares) if squares > 0 else float("nan")
