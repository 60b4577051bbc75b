"""Operators made of a dense matrix, and the comparison with it."""

import numpy as np

from simpeg_jointdl._core.operators import JacobianOperator


def dense(rows, columns, seed=0):
    """Random matrix, (rows, columns)."""
    return np.random.default_rng(seed).normal(size=(rows, columns))


def wrap(matrix, **kwargs):
    """The operator of a dense matrix."""
    return JacobianOperator(matrix.shape, lambda v: matrix @ v, lambda v: matrix.T @ v, **kwargs)


def gram(operator):
    """AᵀA of an operator or a matrix."""
    return operator.T @ operator


def assert_equals(result, expected):
    """An operator whose matrix, and whose transpose, are the expected ones."""
    assert isinstance(result, JacobianOperator)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.toarray(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(result.T.toarray(), expected.T, rtol=1e-12, atol=1e-12)
