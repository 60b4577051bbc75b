"""Contract checks for arrays, derivatives and operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from .._core.operators import JacobianOperator
from .._core.protocols import HasAdjointRows, TensorLinearization
from .._core.tensors import as_numpy, as_tensor


def check_close(got: ArrayLike, wanted: ArrayLike, rtol: float, what: str) -> None:
    """Check that two arrays agree to a tolerance relative to the largest entry wanted, and hold no NaN.

    Parameters
    ----------
    got, wanted : array_like
        Arrays of the same shape.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted; 0 asks for equal arrays.
    what : str
        What is compared, with which the message begins.

    Raises
    ------
    AssertionError
        If shapes differ, or entries differ by more; it names the worst entry.
    """
    got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    if got.shape != wanted.shape:
        raise AssertionError(f"{what}: got shape {got.shape}, wanted {wanted.shape}.")
    error = np.abs(got - wanted)
    largest = np.abs(wanted).max(initial=0.0)
    if not (np.isfinite(got).all() and error.max(initial=0.0) <= rtol * largest):
        at = np.unravel_index(np.argmax(np.where(np.isfinite(error), error, np.inf)), error.shape)
        msg = (
            f"{what}: entry {tuple(map(int, at))} is {got[at]!r}, wanted {wanted[at]!r}; the largest entry wanted is "
            f"{largest:.3e}, the difference {error[at]:.3e}, more than rtol={rtol:g} allows."
        )
        raise AssertionError(msg)


def check_derivative_order(
    function: Callable[[np.ndarray], float],
    derivative: Callable[[np.ndarray], np.ndarray],
    model: np.ndarray,
    *,
    random_seed: int = 0,
) -> None:
    """Check with a Taylor expansion that `derivative` is the gradient of `function` at `model`.

    Along a random direction d the remainder :math:`f(m + h d) - f(m) - h \\, g \\cdot d` must decrease like :math:`h^2`
    in at least three successive halvings of h, or be round-off only.

    Parameters
    ----------
    function : callable
        Function to differentiate, ``(n,) -> float``.
    derivative : callable
        Its gradient, ``(n,) -> (n,)``.
    model : (n,) numpy.ndarray
        Where to check.
    random_seed : int
        Seed of the direction, which changes every entry by a fraction of its size.

    Raises
    ------
    AssertionError
        If the order is not 2; it gives the orders and the remainders.
    """
    value, gradient = function(model), derivative(model)
    check_that(gradient.shape == model.shape, f"gradient: got shape {gradient.shape}, wanted {model.shape}")
    direction = random_change(model, random_seed)
    steps = 2.0 ** -np.arange(12)
    errors = np.array([abs(function(model + h * direction) - value - h * (gradient @ direction)) for h in steps])
    noise = 50 * np.finfo(float).eps * max(abs(value), abs(function(model + direction)))
    resolved = errors > noise
    orders = np.log2(np.maximum(errors[:-1], noise) / np.maximum(errors[1:], noise))
    right = np.r_[False, (orders > 1.8) & resolved[:-1] & resolved[1:], False]
    longest = np.diff(np.flatnonzero(~right)).max() - 1
    check_that(
        longest >= 3 or not resolved.any(),
        f"gradient: the Taylor remainder has order {np.round(orders[resolved[:-1]], 2)} as the step halves, wanted 2; "
        f"the remainders are {errors[resolved]}",
    )


def check_operator(operator: JacobianOperator, dense: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-12) -> None:
    """Check that an operator behaves like its dense matrix in all products and sums, and stays an operator.

    Parameters
    ----------
    operator : linear operator
        Operator such as a coupling's ``deriv2(model)`` or a map's ``deriv(model)``.
    dense : (n_rows, n_columns) numpy.ndarray
        The same matrix, entry by entry.
    random_seed : int
        Seed of the vectors and matrices that the operator is multiplied by.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted.

    Raises
    ------
    AssertionError
        If a result differs; it names the operation and the difference.
    """
    rng = np.random.default_rng(random_seed)
    n_rows, n_columns = dense.shape
    u, v = rng.standard_normal(n_rows), rng.standard_normal(n_columns)
    block = rng.standard_normal((n_columns, 2))
    like = sp.random(n_rows, n_columns, density=0.1, rng=rng, format="csr")
    check_that(operator.shape == dense.shape, f"operator: got shape {operator.shape}, wanted {dense.shape}")
    check_close(operator @ v, dense @ v, rtol, "A @ v")
    check_close(operator * v, dense @ v, rtol, "A * v")
    check_close(u @ operator, u @ dense, rtol, "u @ A")
    check_close(operator @ block, dense @ block, rtol, "A @ matrix")
    check_close(u @ (operator @ v), (operator.T @ u) @ v, rtol * n_columns, "adjoint identity <u, A v> = <Aᵀ u, v>")
    for what, (got, wanted) in _combinations(operator, dense, u, v, like).items():
        check_that(isinstance(got, JacobianOperator), f"{what}: got {type(got).__name__}, wanted JacobianOperator")
        probe = rng.standard_normal(wanted.shape[1])
        check_close(got @ probe, wanted @ probe, rtol, f"({what}) @ v")
        probe = rng.standard_normal(wanted.shape[0])
        check_close(got.T @ probe, wanted.T @ probe, rtol, f"({what}).T @ u")
    if operator.diagonal_is_exact:
        check_close(operator.diagonal(), np.diagonal(dense), rtol, "diagonal()")
        if n_rows == n_columns:
            wanted = np.diagonal(3 * dense + like.toarray())
            check_close((3 * operator + like).diagonal(), wanted, rtol, "(3 A + sparse).diagonal()")


def _combinations(operator, dense, u, v, like) -> dict[str, tuple]:
    """Sums and products that must be operators again, each beside its dense matrix."""
    left, right = sp.diags(u).tocsr(), sp.diags(v).tocsr()
    return {
        "A * 1": (operator * 1, dense),
        "2 * A": (np.float64(2.0) * operator, 2 * dense),
        "A / 2": (operator / 2, dense / 2),
        "-A": (-operator, -dense),
        "A.T": (operator.T, dense.T),
        "A.T.T": (operator.T.T, dense),
        "A + A": (operator + operator, 2 * dense),
        "A + sparse": (operator + like, dense + like.toarray()),
        "sparse + A": (like + operator, dense + like.toarray()),
        "A - sparse": (operator - like, dense - like.toarray()),
        "sparse - A": (like - operator, like.toarray() - dense),
        "sparse @ A": (left @ operator, u[:, None] * dense),
        "A @ sparse": (operator @ right, dense * v),
        "sparse * A": (left * operator, u[:, None] * dense),
        "A.T @ A": (operator.T @ operator, dense.T @ dense),
    }


def check_linearization(at: TensorLinearization, full: np.ndarray, rng: np.random.Generator, rtol: float) -> None:
    """Check the products of a derivative on tensors against its dense matrix, (n_values, n_parameters)."""
    y, v = (as_tensor(rng.standard_normal(n), at.device, at.dtype) for n in full.shape)
    check_close(as_numpy(at.tangent(v)), full @ as_numpy(v), rtol, "tangent on tensors")
    check_close(as_numpy(at.adjoint(y)), full.T @ as_numpy(y), rtol, "adjoint on tensors")
    if isinstance(at, HasAdjointRows):
        rows = as_tensor(rng.standard_normal((3, len(full))), at.device, at.dtype)
        check_close(as_numpy(at.adjoint_rows(rows)), as_numpy(rows) @ full, rtol, "adjoint of many rows")


def check_that(holds: bool, message: str) -> None:
    """Raise an AssertionError with this message unless the condition holds."""
    if not holds:
        raise AssertionError(message + ".")


def random_change(model: np.ndarray, random_seed: int) -> np.ndarray:
    """Draw a random change of the model, a tenth of each entry's size."""
    size = np.abs(model)
    size = np.where(size > 0, size, size.mean() if size.any() else 1.0)
    return 0.1 * size * np.random.default_rng(random_seed).standard_normal(len(model))
