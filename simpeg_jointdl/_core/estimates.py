"""Sums of squares of an operator known by its products: exact when small, seeded estimates otherwise."""

from __future__ import annotations

import numpy as np

# Where the smaller side has up to this many rows or columns, a diagonal or a column norm is exact.
EXACT_COLUMNS = 64
# Random probes of an estimate: its relative standard error is about sqrt(2 / N_PROBES).
N_PROBES = 32


class SquaredOperator:
    """Element-wise square of an operator, ``A.power(2)``; knows its sums along either axis."""

    def __init__(self, operator):
        self._operator = operator

    def sum(self, axis: int) -> np.ndarray:
        """Squared norms of the columns (``axis=0``) or rows (``axis=1``).

        Exact where the smaller side has up to ``EXACT_COLUMNS`` of them, otherwise a seeded unbiased
        estimate, never negative.

        Parameters
        ----------
        axis : {0, 1}

        Returns
        -------
        numpy.ndarray
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


def probe_mean(n: int, function) -> np.ndarray:
    """Mean of a function of random vectors of +1 and -1, (n,); the same ones at every call."""
    rng = np.random.default_rng(0)
    return sum(function(rng.choice([-1.0, 1.0], n)) for _ in range(N_PROBES)) / N_PROBES
