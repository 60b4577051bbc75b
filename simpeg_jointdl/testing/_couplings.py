"""Contract checks for couplings."""

from __future__ import annotations

import numpy as np
import torch

from .._core.tensors import as_numpy
from ..regularization import BaseCoupling
from ._laws import check_close, check_derivative_order, check_operator, check_that, random_change


def check_coupling(
    coupling: BaseCoupling, model: np.ndarray, *, random_seed: int = 0, rtol: float | None = None
) -> None:
    """Check that a coupling obeys the contract of :class:`~simpeg_jointdl.regularization.BaseCoupling`.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check: every property varies, and the coupling is not zero.
    random_seed : int
        Seed of the random vectors.
    rtol : float, optional
        Largest difference allowed, relative to the largest entry wanted. The default is 1e-8 for a coupling in
        float64 and 5e-3 in float32.

    Raises
    ------
    AssertionError
        If a check fails; it names the check and the difference.

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
    if not single:  # float32 does not resolve the order; check_hessian compares its gradient with autodiff
        check_derivative_order(coupling, coupling.deriv, model, random_seed=random_seed)
    hessian = coupling.deriv2(model)
    dense = hessian.toarray()
    check_hessian(coupling, model, dense, random_seed=random_seed, rtol=rtol)
    check_diagonal(coupling, model, dense, rtol=rtol)
    check_operator(hessian, dense, random_seed=random_seed, rtol=rtol)
    check_ownership(coupling, model)


def check_value(coupling: BaseCoupling, model: np.ndarray, *, rtol: float = 1e-8) -> None:
    """Check that the value of a coupling is a float and the squared norm of its residual.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check, as for :func:`check_coupling`.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted.

    Raises
    ------
    AssertionError
        If the value has another type or differs.
    """
    value = coupling(model)
    check_that(type(value) is float, f"value: got {type(value).__name__}, wanted float")
    check_close(value, np.sum(coupling.residual(model) ** 2), rtol, "value, against ‖residual‖²")


def check_cell_values(coupling: BaseCoupling, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8) -> None:
    """Check that the values of all cells are not negative and sum to the value of the coupling, up to a constant.

    The constant is a part that belongs to no cell, such as the distance of cluster centres from their targets. It must
    not be negative and must be the same at another model.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check, as for :func:`check_coupling`.
    random_seed : int
        Seed of the other model.
    rtol : float
        Largest difference allowed, relative to the value.

    Raises
    ------
    AssertionError
        If the shape differs, a cell value is negative, or the sum differs.
    """
    other = model + 0.5 * random_change(model, random_seed)
    rest = []
    for at in (model, other):
        values = coupling.cell_values(at)
        wanted = (coupling.n_cells,)
        check_that(values.shape == wanted, f"cell_values: got shape {values.shape}, wanted {wanted}")
        check_that((values >= 0).all(), f"cell_values: got a negative value, {values.min():g}")
        rest.append(coupling(at) - values.sum())
    size = max(coupling(model), coupling(other))
    check_that(
        abs(rest[0] - rest[1]) <= rtol * size and rest[0] >= -rtol * size,
        f"cell_values: their sum is {rest[0]:.6e} below the value at one model and {rest[1]:.6e} below it at another; "
        "wanted the same difference at both, not negative",
    )


def check_hessian(
    coupling: BaseCoupling,
    model: np.ndarray,
    dense: np.ndarray | None = None,
    *,
    random_seed: int = 0,
    rtol: float = 1e-8,
) -> None:
    """Check the gradient and the Gauss-Newton Hessian against automatic differentiation of the residual.

    The Hessian must equal :math:`2 J^T J`, where J is the derivative of the residual by ``torch.func``; it must be
    symmetric and positive semi-definite, and its three ways to multiply a vector must agree.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check, as for :func:`check_coupling`.
    dense : (nP, nP) numpy.ndarray, optional
        ``coupling.deriv2(model).toarray()``, where it is at hand.
    random_seed : int
        Seed of the vectors that the Hessian is multiplied by.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted.

    Raises
    ------
    AssertionError
        If a law is broken; it names the law and the difference.
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
    check_that(
        spectrum[0] >= -rtol * max(spectrum[-1], 0.0),
        f"Hessian: its eigenvalues run from {spectrum[0]:.3e} to {spectrum[-1]:.3e}; wanted none negative",
    )


def check_diagonal(
    coupling: BaseCoupling, model: np.ndarray, dense: np.ndarray | None = None, *, n_seeds: int = 60, rtol: float = 1e-8
) -> None:
    """Check the diagonal of a coupling's Hessian: exact where the coupling says so, otherwise unbiased.

    An estimate is drawn with `n_seeds` seeds. Its mean must lie within 6 standard errors of the diagonal.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check, as for :func:`check_coupling`.
    dense : (nP, nP) numpy.ndarray, optional
        ``coupling.deriv2(model).toarray()``, where it is at hand.
    n_seeds : int
        Number of estimates.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted.

    Raises
    ------
    AssertionError
        If an entry is negative or differs, or if the coupling and its Hessian disagree on whether it is exact.
    """
    operator = coupling.deriv2(model)
    wanted = np.diagonal(operator.toarray() if dense is None else dense)
    got = coupling.hessian_diagonal(model)
    exact = coupling.diagonal_is_exact_at(model)
    check_that(operator.diagonal_is_exact == exact, "deriv2(m).diagonal_is_exact: not what the coupling says")
    check_that((got >= 0).all(), f"hessian_diagonal: got a negative entry, {got.min():g}")
    check_close(operator.diagonal(), got, 0.0, "deriv2(m).diagonal()")
    if exact:
        check_close(got, wanted, rtol, "hessian_diagonal, said to be exact")
        return
    draws = _estimates(coupling, model, n_seeds)
    check_that((draws >= 0).all(), f"hessian_diagonal: an estimate has a negative entry, {draws.min():g}")
    error, bound = np.abs(draws.mean(0) - wanted), 6.0 * draws.std(0) / np.sqrt(n_seeds)
    worst = np.argmax(error - bound)
    check_that(
        error[worst] <= bound[worst] + rtol * wanted.max(),
        f"hessian_diagonal: the mean of {n_seeds} estimates of entry {worst} is {draws.mean(0)[worst]:.4e}, wanted "
        f"{wanted[worst]:.4e} within {bound[worst]:.1e}",
    )


def _estimates(coupling: BaseCoupling, model: np.ndarray, n_seeds: int) -> np.ndarray:
    """Estimates of the Hessian's diagonal, (n_seeds, nP), one for each seed; the coupling keeps its own seed."""
    seed, draws = coupling.random_seed, []
    try:
        for coupling.random_seed in range(n_seeds):
            draws.append(coupling.hessian_diagonal(model))
    finally:
        coupling.random_seed = seed
    return np.array(draws)


def check_ownership(coupling: BaseCoupling, model: np.ndarray) -> None:
    """Check that a coupling does not write to its arguments and does not share its results.

    A second call must give the same result, whatever the caller has done to the first result and to the model.

    Parameters
    ----------
    coupling : BaseCoupling
        Coupling to check.
    model : (nP,) numpy.ndarray
        Model at which to check, as for :func:`check_coupling`.

    Raises
    ------
    AssertionError
        If a method writes to an argument, shares its result, or returns another type than float64; it names the method.
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
        check_that(np.array_equal(ours, model), f"{what}: wrote to the model it was given")
        check_that(np.array_equal(ours_v, v), f"{what}: wrote to the vector it was given")
        check_that(got.dtype == np.float64, f"{what}: got {got.dtype}, wanted float64")
        got[...] = np.nan
        check_close(call(), first, 0.0, f"{what}, called again after its result was written to")
    kept = operator @ v
    ours *= 1.1
    check_close(operator @ v, kept, 0.0, "deriv2(m) @ v, after the caller wrote to m")
