"""Golub-Kahan bidiagonalization: damped least squares in its Krylov space are those of the whole problem."""

import numpy as np
import pytest

from simpeg_jointdl.kernels import bidiagonalized


def test_damped_steps_are_those_of_the_whole_problem():
    rng = np.random.default_rng(0)
    matrix, wanted = rng.standard_normal((9, 14)), rng.standard_normal(9)
    bidiagonal, basis = bidiagonalized(lambda v: matrix @ v, lambda y: matrix.T @ y, wanted, 50)
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    first = np.zeros(len(bidiagonal))
    first[0] = np.linalg.norm(wanted)
    for damping in (1e-3, 1.0, 30.0):
        small = np.linalg.solve(bidiagonal.T @ bidiagonal + damping * np.eye(len(basis)), bidiagonal.T @ first)
        whole = np.linalg.solve(matrix.T @ matrix + damping * np.eye(14), matrix.T @ wanted)
        np.testing.assert_allclose(basis.T @ small, whole, atol=1e-10)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_an_exhausted_space_ends_it(rank):
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((8, rank)) @ rng.standard_normal((rank, 5))
    bidiagonal, basis = bidiagonalized(lambda v: matrix @ v, lambda y: matrix.T @ y, np.ones(8), 20)
    assert len(basis) == rank
    assert bidiagonal.shape == (rank + 1, rank)
    assert np.isfinite(basis).all()


def test_its_products_are_those_of_the_operator():
    rng = np.random.default_rng(2)
    matrix, wanted = rng.standard_normal((7, 6)), rng.standard_normal(7)
    bidiagonal, basis = bidiagonalized(lambda v: matrix @ v, lambda y: matrix.T @ y, wanted, 4)
    assert (bidiagonal.shape, basis.shape) == ((5, 4), (4, 6))
    np.testing.assert_allclose(bidiagonal.T @ bidiagonal, (matrix @ basis.T).T @ (matrix @ basis.T), atol=1e-12)
    np.testing.assert_array_equal(bidiagonal, np.tril(np.triu(bidiagonal, -1)))
