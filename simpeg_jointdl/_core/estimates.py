"""Sums of squares of an operator defined by its products: exact for small ones, otherwise estimates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._operators import JacobianOperator

# Diagonals and column norms are exact if the smaller side has at most this many rows or columns.
EXACT_COLUMNS = 64
# Random probes of an estimate, whose relative standard error is about sqrt(2 / N_PROBES).
N_PROBES = 32


class SquaredOperator:
    """Element-wise square of an operator, ``A.power(2)``, of which only the sums along an axis are available."""

    def __init__(self, operator: JacobianOperator):
        self._operator = operator

    def sum(self, axis: int) -> np.ndarray:
        """Return the squared norms of the columns (``axis=0``) or of the rows (``axis=1``).

        They are exact if the smaller side has at most ``EXACT_COLUMNS`` rows or columns. Otherwise they are unbiased
        estimates with a fixed seed, never negative.

        Parameters
        ----------
        axis : {0, 1}
            Axis along which to sum.

        Returns
        -------
        numpy.ndarray
            Squared norm of each column or row.
        """
        if axis not in (0, 1):
            msg = f"JacobianOperator.power(2).sum: got axis={axis!r}, wanted 0 or 1."
            raise ValueError(msg)
        operator = self._operator if axis == 0 else self._operator.T
        n_rows, n_columns = operator.shape
        if n_columns <= EXACT_COLUMNS:
            return np.array([np.sum(operator._matvec(e) ** 2) for e in np.eye(n_columns)])
        if n_rows <= EXACT_COLUMNS:
            return sum(operator._rmatvec(e) ** 2 for e in np.eye(n_rows))
        return probe_mean(n_rows, lambda probe: operator._rmatvec(probe) ** 2)


def probe_mean(n: int, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Average a function over random vectors (n,) of +1 and -1, the same ones at every call."""
    rng = np.random.default_rng(0)
    return sum(function(rng.choice([-1.0, 1.0], n)) for _ in range(N_PROBES)) / N_PROBES
