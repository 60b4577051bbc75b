"""Contract checks for couplings, operators and derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch

from .._operators import JacobianOperator
from .._torch import as_numpy
from ..regularization import BaseCoupling


def check_coupling(coupling: BaseCoupling, model: np.ndarray, *, random_seed: int = 0, rtol: float | None = None):
    """Check that a coupling keeps every promise of :class:`~simpeg_jointdl.regularization.BaseCoupling`.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        A model in general position: every property varies, and the coupling is not zero.
    random_seed : int
    rtol : float, optional
        1e-8 where the coupling computes in float64, 5e-3 in float32, when not given.

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl import regularization, testing
    >>> mesh = discretize.TensorMesh([4, 3])
    >>> coupling = regularization.CrossGradient(mesh, maps.Wires(("density", 12), ("velocity", 12)))
    >>> testing.check_coupling(coupling, np.random.default_rng(0).uniform(1, 2, 24))
    """
    single = coupling.dtype == torch.float32
    rtol = rtol or (5e-3 if single else 1e-8)
    check_value(coupling, model, rtol=rtol)
    check_cell_values(coupling, model, random_seed=random_seed, rtol=rtol)
    if not single:  # float32 does not resolve the order; check_hessian holds its gradient to autodiff
        check_derivative_order(coupling, coupling.deriv, model, random_seed=random_seed)
    hessian = coupling.deriv2(model)
    dense = hessian.toarray()
    check_hessian(coupling, model, dense, random_seed=random_seed, rtol=rtol)
    check_diagonal(coupling, model, dense, rtol=rtol)
    check_operator(hessian, dense, random_seed=random_seed, rtol=rtol)
    check_ownership(coupling, model)


def check_close(got, wanted, rtol: float, what: str):
    """Check that arrays agree to `rtol` of the largest entry wanted, and hold no NaN."""
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


def check_value(coupling: BaseCoupling, model: np.ndarray, *, rtol: float = 1e-8):
    """Check that the value is a float and the squared norm of the residual."""
    value = coupling(model)
    _check(type(value) is float, f"value: got {type(value).__name__}, wanted float")
    check_close(value, np.sum(coupling.residual(model) ** 2), rtol, "value, against ‖residual‖²")


def check_cell_values(coupling: BaseCoupling, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check that cell values are not negative and sum to the value, but for what no model changes.

    That part, such as the distance of cluster centres from their targets, belongs to no cell: it must not
    be negative, and be the same at another model.
    """
    other = model + 0.5 * _change(model, random_seed)
    rest = []
    for at in (model, other):
        values = coupling.cell_values(at)
        wanted = (coupling.n_cells,)
        _check(values.shape == wanted, f"cell_values: got shape {values.shape}, wanted {wanted}")
        _check((values >= 0).all(), f"cell_values: got a negative value, {values.min():g}")
        rest.append(coupling(at) - values.sum())
    size = max(coupling(model), coupling(other))
    _check(
        abs(rest[0] - rest[1]) <= rtol * size and rest[0] >= -rtol * size,
        f"cell_values: their sum is {rest[0]:.6e} below the value at one model and {rest[1]:.6e} at another; "
        "wanted the same, not negative, at both",
    )


def check_derivative_order(
    function: Callable[[np.ndarray], float],
    derivative: Callable[[np.ndarray], np.ndarray],
    model: np.ndarray,
    *,
    random_seed: int = 0,
):
    """Check by Taylor expansion that `derivative` is the gradient of `function` at `model`.

    Along a random direction :math:`f(m + h d) - f(m) - h \\, g \\cdot d` must fall like :math:`h^2` in three
    successive halvings of h at least, or be nothing but round-off.

    Parameters
    ----------
    function, derivative : callable
        ``(n,) -> float`` and ``(n,) -> (n,)``.
    model : (n,) numpy.ndarray
    random_seed : int
        Of the direction, which changes every entry by a part of its own size.
    """
    value, gradient = function(model), derivative(model)
    _check(gradient.shape == model.shape, f"gradient: got shape {gradient.shape}, wanted {model.shape}")
    direction = _change(model, random_seed)
    steps = 2.0 ** -np.arange(12)
    errors = np.array([abs(function(model + h * direction) - value - h * (gradient @ direction)) for h in steps])
    noise = 50 * np.finfo(float).eps * max(abs(value), abs(function(model + direction)))
    resolved = errors > noise
    orders = np.log2(np.maximum(errors[:-1], noise) / np.maximum(errors[1:], noise))
    right = np.r_[False, (orders > 1.8) & resolved[:-1] & resolved[1:], False]
    longest = np.diff(np.flatnonzero(~right)).max() - 1
    _check(
        longest >= 3 or not resolved.any(),
        f"gradient: the Taylor remainder has order {np.round(orders[resolved[:-1]], 2)} as the step halves, wanted 2; "
        f"the remainders are {errors[resolved]}",
    )


def check_hessian(coupling: BaseCoupling, model: np.ndarray, dense=None, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check the gradient and the Gauss-Newton Hessian against autodiff of the residual.

    All three spellings of the product agree; it is symmetric, positive semi-definite, and equal to
    :math:`2 J^T J`, J being the derivative of ``_residual`` by ``torch.func``. `dense` is
    ``coupling.deriv2(model).toarray()``, where it is at hand.
    """
    rng = np.random.default_rng(random_seed)
    oracle = BaseCoupling._linearize(coupling, coupling.tensor(coupling.properties(model)))
    jacobian = coupling.properties.jacobian(model)
    wanted = 2.0 * jacobian.adjoint(as_numpy(oracle.gradient()))
    check_close(coupling.deriv(model), wanted, rtol, "gradient, against autodiff of the residual")

    operator = coupling.deriv2(model)
    for v in rng.standard_normal((3, coupling.nP)):
        tangent = oracle.tangent(coupling.tensor(jacobian.forward(v)))
        wanted = 2.0 * jacobian.adjoint(as_numpy(oracle.adjoint(tangent)))
        check_close(coupling.deriv2(model, v), wanted, rtol, "Hessian product, against autodiff of the residual")
        check_close(coupling.deriv2(model, v=v), coupling.deriv2(model, v), 0.0, "deriv2(m, v=v)")
        check_close(operator @ v, coupling.deriv2(model, v), 0.0, "deriv2(m) @ v")

    dense = operator.toarray() if dense is None else dense
    check_close(dense, dense.T, rtol, "Hessian, against its transpose")
    spectrum = np.linalg.eigvalsh(0.5 * (dense + dense.T))
    _check(
        spectrum[0] >= -rtol * max(spectrum[-1], 0.0),
        f"Hessian: its eigenvalues run from {spectrum[0]:.3e} to {spectrum[-1]:.3e}; wanted none negative",
    )


def check_diagonal(coupling: BaseCoupling, model: np.ndarray, dense=None, *, n_seeds: int = 60, rtol: float = 1e-8):
    """Check the Hessian's diagonal: exact where the coupling says so, unbiased where it does not.

    An estimate is drawn with `n_seeds` seeds; its mean must lie within 6 standard errors of the diagonal.
    `dense` is ``coupling.deriv2(model).toarray()``, where it is at hand.
    """
    operator = coupling.deriv2(model)
    wanted = np.diagonal(operator.toarray() if dense is None else dense)
    got = coupling.hessian_diagonal(model)
    exact = coupling.diagonal_is_exact_at(model)
    _check(operator.diagonal_is_exact == exact, "deriv2(m).diagonal_is_exact: not what the coupling says")
    _check((got >= 0).all(), f"hessian_diagonal: got a negative entry, {got.min():g}")
    check_close(operator.diagonal(), got, 0.0, "deriv2(m).diagonal()")
    if exact:
        check_close(got, wanted, rtol, "hessian_diagonal, said to be exact")
        return
    seed = coupling.random_seed
    try:
        draws = []
        for coupling.random_seed in range(n_seeds):
            draws.append(coupling.hessian_diagonal(model))
    finally:
        coupling.random_seed = seed
    draws = np.array(draws)
    _check((draws >= 0).all(), f"hessian_diagonal: an estimate has a negative entry, {draws.min():g}")
    error, bound = np.abs(draws.mean(0) - wanted), 6.0 * draws.std(0) / np.sqrt(n_seeds)
    worst = np.argmax(error - bound)
    _check(
        error[worst] <= bound[worst] + rtol * wanted.max(),
        f"hessian_diagonal: the mean of {n_seeds} estimates of entry {worst} is {draws.mean(0)[worst]:.4e}, wanted "
        f"{wanted[worst]:.4e} within {bound[worst]:.1e}",
    )


def check_operator(operator: JacobianOperator, dense: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-12):
    """Check that an operator does in every way what its dense truth does, and stays an operator."""
    rng = np.random.default_rng(random_seed)
    n_rows, n_columns = dense.shape
    u, v = rng.standard_normal(n_rows), rng.standard_normal(n_columns)
    block = rng.standard_normal((n_columns, 2))
    left, right = sp.diags(u).tocsr(), sp.diags(v).tocsr()
    like = sp.random(n_rows, n_columns, density=0.1, rng=rng, format="csr")
    operator_results = {
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
        "sparse @ A": (left @ operator, u[:, None] * dense),
        "A @ sparse": (operator @ right, dense * v),
        "sparse * A": (left * operator, u[:, None] * dense),
        "A.T @ A": (operator.T @ operator, dense.T @ dense),
    }
    _check(operator.shape == dense.shape, f"operator: got shape {operator.shape}, wanted {dense.shape}")
    check_close(operator @ v, dense @ v, rtol, "A @ v")
    check_close(operator * v, dense @ v, rtol, "A * v")
    check_close(u @ operator, u @ dense, rtol, "u @ A")
    check_close(operator @ block, dense @ block, rtol, "A @ matrix")
    check_close(u @ (operator @ v), (operator.T @ u) @ v, rtol * n_columns, "adjoint identity <u, A v> = <Aᵀ u, v>")
    for what, (got, wanted) in operator_results.items():
        _check(isinstance(got, JacobianOperator), f"{what}: got {type(got).__name__}, wanted JacobianOperator")
        probe = rng.standard_normal(wanted.shape[1])
        check_close(got @ probe, wanted @ probe, rtol, f"({what}) @ v")
        probe = rng.standard_normal(wanted.shape[0])
        check_close(got.T @ probe, wanted.T @ probe, rtol, f"({what}).T @ u")
    if operator.diagonal_is_exact:
        check_close(operator.diagonal(), np.diagonal(dense), rtol, "diagonal()")
        if n_rows == n_columns:
            wanted = np.diagonal(3 * dense + like.toarray())
            check_close((3 * operator + like).diagonal(), wanted, rtol, "(3 A + sparse).diagonal()")


def check_ownership(coupling: BaseCoupling, model: np.ndarray):
    """Check that arrays handed in are not written to, and that arrays handed out belong to the caller.

    Results must be the same when asked for again, whatever was done to them and to the model in between.
    """
    rng = np.random.default_rng(0)
    ours, v = model.copy(), rng.standard_normal(coupling.nP)
    ours_v = v.copy()
    operator = coupling.deriv2(ours)
    calls = {
        "residual": lambda: coupling.residual(ours),
        "cell_values": lambda: coupling.cell_values(ours),
        "deriv": lambda: coupling.deriv(ours),
        "deriv2": lambda: coupling.deriv2(ours, ours_v),
        "hessian_diagonal": lambda: coupling.hessian_diagonal(ours),
        "deriv2(m) @ v": lambda: operator @ ours_v,
    }
    for what, call in calls.items():
        got = call()
        first = got.copy()
        _check(np.array_equal(ours, model), f"{what}: wrote to the model it was given")
        _check(np.array_equal(ours_v, v), f"{what}: wrote to the vector it was given")
        _check(got.dtype == np.float64, f"{what}: got {got.dtype}, wanted float64")
        got[...] = np.nan
        check_close(call(), first, 0.0, f"{what}, asked for again after its result was written to")
    kept = operator @ v
    ours *= 1.1
    check_close(operator @ v, kept, 0.0, "deriv2(m) @ v, after the caller wrote to m")


def _check(holds: bool, message: str):
    if not holds:
        raise AssertionError(message + ".")


def _change(model, random_seed):
    """A random change of a tenth of every entry's size."""
    size = np.abs(model)
    size = np.where(size > 0, size, size.mean() if size.any() else 1.0)
    return 0.1 * size * np.random.default_rng(random_seed).standard_normal(len(model))
