"""Diagonals and column norms of a JacobianOperator: exact for small ones, unbiased estimates for large ones."""

import numpy as np
import pytest
import scipy.sparse as sp

from simpeg_jointdl._core import estimates
from simpeg_jointdl._core.estimates import EXACT_COLUMNS, N_PROBES
from tests.core.operator_problem import assert_equals, dense, gram, wrap


@pytest.mark.parametrize("shape", [(6, 6), (4, 6), (6, 4), (EXACT_COLUMNS, EXACT_COLUMNS), (100, 5), (5, 100)])
def test_small_diagonals_are_exact(shape):
    operator = wrap(dense(*shape))
    assert operator.diagonal_is_exact
    np.testing.assert_allclose(operator.diagonal(), np.diagonal(dense(*shape)), rtol=1e-12)
    np.testing.assert_array_equal(operator.T.diagonal(), operator.diagonal())


@pytest.mark.parametrize("shape", [(6, 6), (100, 5), (5, 100), (EXACT_COLUMNS, 200)])
@pytest.mark.parametrize("axis", [0, 1])
def test_small_squared_sums_are_exact(shape, axis):
    squared = wrap(dense(*shape)).power(2)
    np.testing.assert_allclose(squared.sum(axis=axis), np.sum(dense(*shape) ** 2, axis=axis), rtol=1e-12)


def assert_unbiased(estimate, truth, deviation):
    """Compare an estimate with the truth; `deviation` is the standard deviation of each of its entries."""
    scores = (estimate - truth) / deviation
    assert np.abs(scores).max() < 6
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 2
    assert np.abs(np.mean(scores)) < 0.5


@pytest.mark.parametrize("n_probes", [N_PROBES, 2000])
def test_large_diagonal_is_an_unbiased_estimate(n_probes, monkeypatch):
    monkeypatch.setattr(estimates, "N_PROBES", n_probes)
    matrix = dense(120, 120)
    operator = wrap(matrix)
    assert not operator.diagonal_is_exact
    off_diagonal = matrix - np.diag(np.diagonal(matrix))
    deviation = np.linalg.norm(off_diagonal, axis=1) / np.sqrt(n_probes)
    assert_unbiased(operator.diagonal(), np.diagonal(matrix), deviation)


def norms_and_deviation(matrix, n_probes):
    norms = np.sum(matrix**2, axis=0)
    return norms, np.sqrt(2 * (norms**2 - np.sum(matrix**4, axis=0)) / n_probes)


@pytest.mark.parametrize("n_probes", [N_PROBES, 2000])
@pytest.mark.parametrize("axis", [0, 1])
def test_large_squared_sums_are_unbiased_estimates(axis, n_probes, monkeypatch):
    monkeypatch.setattr(estimates, "N_PROBES", n_probes)
    matrix = dense(100, 120)
    estimate = wrap(matrix).power(2).sum(axis=axis)
    assert_unbiased(estimate, *norms_and_deviation(matrix if axis == 0 else matrix.T, n_probes))
    assert estimate.min() > 0


WEIGHTS = np.random.default_rng(5).random(100) * (np.arange(100) > 10)
GRAMS = {
    "AᵀA": (lambda a: a.T @ a, lambda a: a),
    "A Aᵀ": (lambda a: a @ a.T, lambda a: a.T),
    "Aᵀ (D A)": (lambda a: a.T @ (sp.diags(WEIGHTS) @ a), lambda a: np.sqrt(WEIGHTS)[:, None] * a),
    "Aᵀ (D A), sparse array": (
        lambda a: a.T @ (sp.diags_array(WEIGHTS) @ a),
        lambda a: np.sqrt(WEIGHTS)[:, None] * a,
    ),
    "2 Aᵀ A": (lambda a: 2 * a.T * a, lambda a: np.sqrt(2) * a),
    "Aᵀ A / 4": (lambda a: a.T @ a / 4, lambda a: a / 2),
    "2 Aᵀ (D A)": (
        lambda a: 2 * a.T * (sp.diags(WEIGHTS) * a),
        lambda a: np.sqrt(2 * WEIGHTS)[:, None] * a,
    ),
    "(-3 A)ᵀ (-3 A)": (lambda a: gram(-3 * a), lambda a: 3 * a),
    "(S A)ᵀ (S A)": (lambda a: gram(sp.diags(WEIGHTS) @ a), lambda a: WEIGHTS[:, None] * a),
    "(A S)ᵀ D (A S)": (
        lambda a: weighted_gram(a @ sp.diags(np.arange(120.0))),
        lambda a: np.sqrt(WEIGHTS)[:, None] * a * np.arange(120.0),
    ),
    "(2 A)ᵀ D (2 A)": (lambda a: weighted_gram(2 * a), lambda a: 2 * np.sqrt(WEIGHTS)[:, None] * a),
    "transposed": (lambda a: (a.T @ a).T, lambda a: a),
}


def weighted_gram(operator):
    return operator.T @ (sp.diags(WEIGHTS) @ operator)


@pytest.mark.parametrize(("build", "root"), GRAMS.values(), ids=GRAMS)
def test_gram_diagonals_are_unbiased_and_never_negative(build, root):
    # rows and columns of very different size, where another estimator would lose the small entries
    matrix = np.logspace(-2, 2, 100)[:, None] * dense(100, 120) * np.logspace(2, -2, 120)
    operator, root = build(wrap(matrix)), root(matrix)
    estimate = operator.diagonal()
    assert not operator.diagonal_is_exact
    assert estimate.min() >= 0
    norms, deviation = norms_and_deviation(root, N_PROBES)
    some = norms > 0
    assert_unbiased(estimate[some], norms[some], deviation[some])
    np.testing.assert_array_equal(estimate[~some], 0.0)


@pytest.mark.parametrize(("build", "root"), GRAMS.values(), ids=GRAMS)
def test_gram_products(build, root):
    root = root(dense(100, 120))
    assert_equals(build(wrap(dense(100, 120))), root.T @ root)


@pytest.mark.parametrize("rows", [EXACT_COLUMNS, EXACT_COLUMNS + 1])
def test_gram_diagonal_is_exact_when_its_root_is_small(rows):
    matrix = dense(rows, 100)
    operator = 2 * gram(wrap(matrix))
    assert operator.diagonal_is_exact == (rows <= EXACT_COLUMNS)
    error = np.abs(operator.diagonal() - 2 * np.sum(matrix**2, axis=0)).max()
    assert (error < 1e-10) == operator.diagonal_is_exact


@pytest.mark.parametrize("build", [lambda a: a, lambda a: a.T @ a, lambda a: a + sp.eye(100)])
def test_estimates_are_the_same_at_every_call(build):
    operator, again = build(wrap(dense(100, 100))), build(wrap(dense(100, 100)))
    np.testing.assert_array_equal(operator.diagonal(), again.diagonal())
    np.testing.assert_array_equal(operator.diagonal(), operator.diagonal())
    np.testing.assert_array_equal(operator.T.diagonal(), operator.diagonal())


@pytest.mark.parametrize("n", [EXACT_COLUMNS, EXACT_COLUMNS + 1])
@pytest.mark.parametrize(
    "build",
    [
        lambda a: a,
        lambda a: 2 * a,
        lambda a: a.T,
        lambda a: (3 * a).T / 2,
        lambda a: a + sp.eye(a.shape[0]),
        lambda a: sp.eye(a.shape[0]) - 2 * a,
        lambda a: a.T @ a + a,
    ],
)
def test_diagonal_is_exact_says_whether_it_is(build, n):
    matrix = dense(n, n)
    operator, truth = build(wrap(matrix)), np.diagonal(build(matrix))
    assert operator.diagonal_is_exact == (n <= EXACT_COLUMNS)
    assert np.allclose(operator.diagonal(), truth, rtol=1e-10) == operator.diagonal_is_exact


@pytest.mark.parametrize("is_exact", [True, False])
def test_a_given_diagonal_is_passed_on(is_exact):
    matrix = dense(100, 100)
    operator = wrap(matrix, diagonal=lambda: np.diagonal(matrix), diagonal_is_exact=is_exact)
    total = (2 * operator).T + sp.eye(100) - operator / 2
    np.testing.assert_allclose(total.diagonal(), 1.5 * np.diagonal(matrix) + 1, rtol=1e-12)
    assert total.diagonal_is_exact is is_exact
    assert not (total + wrap(matrix)).diagonal_is_exact


def test_other_powers_and_axes_are_refused():
    with pytest.raises(ValueError, match="power: got 3"):
        wrap(dense(4, 6)).power(3)
    with pytest.raises(ValueError, match="axis=2, wanted 0 or 1"):
        wrap(dense(4, 6)).power(2).sum(axis=2)
