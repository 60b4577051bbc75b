"""Weighted sensitivities of data sets as matrices, and the systems in the space of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..._core.protocols import HasSensitivityMatrix

# columns and rows of a product that are converted to float64 at a time, which avoids a second copy of the matrix
_COLUMNS, _ROWS = 2048, 64


class DataBlock:
    """Weighted sensitivities W G P of one data set, as a dense matrix over cells and a sparse one to the parameters.

    Products are in float64 though sensitivities may be float32: where data are strong, the preconditioner is a small
    difference of two large numbers.

    Parameters
    ----------
    matrix : (n_data, n_cells) numpy.ndarray
        Sensitivities G to cells.
    to_cells : (n_cells, nP) scipy.sparse.csc_matrix
        Derivative P of the cells' values with respect to the parameters.
    weights : (n_data,) numpy.ndarray
        Diagonal of W.
    """

    def __init__(self, matrix: np.ndarray, to_cells: sp.csc_matrix, weights: np.ndarray):
        self.matrix, self.to_cells, self.weights = matrix, to_cells, weights
        self.support = np.asarray(abs(to_cells).sum(axis=0)).ravel() > 0

    def forward(self, vector: np.ndarray) -> np.ndarray:
        """Product with a vector of parameters, (nP,) -> (n_data,)."""
        values = self.to_cells @ vector
        blocks = (self.matrix[rows].astype(float, copy=False) for rows in self._row_blocks())
        return self.weights * np.concatenate([block @ values for block in blocks])

    def adjoint(self, data: np.ndarray) -> np.ndarray:
        """Product of the transpose with a vector of data, (n_data,) -> (nP,)."""
        weighted = self.weights * data
        parts = (weighted[rows] @ self.matrix[rows].astype(float, copy=False) for rows in self._row_blocks())
        return self.to_cells.T @ sum(parts)

    def columns(self, chosen: np.ndarray) -> np.ndarray:
        """Columns of W G P in float64, (n_data, n_chosen)."""
        to_cells = self.to_cells[:, chosen]
        cells = np.unique(to_cells.indices)
        matrix = self.matrix[:, cells].astype(float)
        return self.weights[:, None] * (to_cells[cells].T @ matrix.T).T

    def _row_blocks(self):
        return (slice(start, start + _ROWS) for start in range(0, len(self.matrix), _ROWS))


def sensitivities(misfit: Any, model: np.ndarray) -> tuple[np.ndarray, sp.csc_matrix]:
    """Return the sensitivity matrix of a misfit's simulation, and the sparse matrix from the parameters to its columns.

    Parameters
    ----------
    misfit : simpeg.data_misfit.L2DataMisfit
        Misfit of the data set.
    model : (nP,) numpy.ndarray
        Model at which sensitivities are taken.

    Raises
    ------
    TypeError
        If the simulation holds no matrix.
    """
    simulation, n_data = misfit.simulation, misfit.W.shape[0]
    simulation.model = model  # derivatives are those at the simulation's model
    try:
        matrix = getattr(simulation, "G", None)
    except NotImplementedError:  # by SimPEG, without stored sensitivities
        matrix = None
    if isinstance(matrix, np.ndarray) and len(matrix) == n_data:  # amplitude data have three rows of G each
        for name in ("rhoDeriv", "chiDeriv", "model_deriv"):
            derivative = getattr(simulation, name, None)
            if sp.issparse(derivative) and derivative.shape == (matrix.shape[1], model.size):
                return matrix, derivative.tocsc()
    try:
        matrix = simulation.getJ(model) if isinstance(simulation, HasSensitivityMatrix) else None
    except NotImplementedError:
        matrix = None
    if isinstance(matrix, np.ndarray) and matrix.shape == (n_data, model.size):
        return matrix, sp.identity(model.size, format="csc")
    msg = (
        f"UpdateDataSpacePreconditioner: {type(simulation).__name__} holds no sensitivity matrix; use "
        "UpdateJointPreconditioner, or store_sensitivities='ram' (and engine='dense' for simulations of this package)."
    )
    raise TypeError(msg)


def group_blocks(blocks: Sequence[DataBlock]) -> list[list[DataBlock]]:
    """Group data sets that share parameters."""
    groups: list[list[DataBlock]] = []
    for block in blocks:
        joined = [block]
        for group in [g for g in groups if any(np.any(other.support & block.support) for other in g)]:
            groups.remove(group)
            joined = group + joined
        groups.append(joined)
    return groups


def data_space_matrix(group: Sequence[DataBlock], inverse: np.ndarray) -> np.ndarray:
    """Return I + A D⁻¹ Aᵀ of a group of data sets in float64, (n_data, n_data), with D⁻¹ as its diagonal (nP,)."""
    root = np.sqrt(inverse)
    support = np.any([block.support for block in group], axis=0)
    columns = np.flatnonzero(support & (root > 0.0))
    total = np.eye(sum(len(block.weights) for block in group))
    for start in range(0, len(columns), _COLUMNS):
        chosen = columns[start : start + _COLUMNS]
        part = np.concatenate([block.columns(chosen) for block in group]) * root[chosen]
        total += part @ part.T
    return total
