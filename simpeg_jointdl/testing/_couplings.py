"""Contract checks for couplings."""

from __future__ import annotations

import numpy as np
import torch

from .._core.tensors import as_numpy
from ..regularization import BaseCoupling
from ._laws import check_close, check_derivative_order, check_operator, check_that, random_change


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

    Raises
    ------
    AssertionError
        That names the promise and by how much it is broken.

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


def check_value(coupling: BaseCoupling, model: np.ndarray, *, rtol: float = 1e-8):
    """Check that the value is a float and the squared norm of the residual.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        In general position, as for :func:`check_coupling`.
    rtol : float
        Largest difference, as a part of the largest entry wanted.

    Raises
    ------
    AssertionError
        For another type, or another value.
    """
    value = coupling(model)
    check_that(type(value) is float, f"value: got {type(value).__name__}, wanted float")
    check_close(value, np.sum(coupling.residual(model) ** 2), rtol, "value, against ‖residual‖²")


def check_cell_values(coupling: BaseCoupling, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check that cell values are not negative and sum to the value, but for what no model changes.

    That part, such as the distance of cluster centres from their targets, belongs to no cell: it must not
    be negative, and be the same at another model.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        In general position, as for :func:`check_coupling`.
    random_seed : int
        Of the other model.
    rtol : float
        Largest difference, as a part of the value.

    Raises
    ------
    AssertionError
        For another shape, negative cell values, or sums that are off.
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
        f"cell_values: their sum is {rest[0]:.6e} below the value at one model and {rest[1]:.6e} at another; "
        "wanted the same, not negative, at both",
    )


def check_hessian(coupling: BaseCoupling, model: np.ndarray, dense=None, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check the gradient and the Gauss-Newton Hessian against autodiff of the residual.

    All three spellings of the product agree; it is symmetric, positive semi-definite, and equal to
    :math:`2 J^T J`, J being the derivative of the residual by ``torch.func``.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        In general position, as for :func:`check_coupling`.
    dense : (nP, nP) numpy.ndarray, optional
        ``coupling.deriv2(model).toarray()``, where it is at hand.
    random_seed : int
        Of the vectors the Hessian is multiplied by.
    rtol : float
        Largest difference, as a part of the largest entry wanted.

    Raises
    ------
    AssertionError
        That names the law and by how much it is broken.
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


def check_diagonal(coupling: BaseCoupling, model: np.ndarray, dense=None, *, n_seeds: int = 60, rtol: float = 1e-8):
    """Check the Hessian's diagonal: exact where the coupling says so, unbiased where it does not.

    An estimate is drawn with `n_seeds` seeds; its mean must lie within 6 standard errors of the diagonal.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        In general position, as for :func:`check_coupling`.
    dense : (nP, nP) numpy.ndarray, optional
        ``coupling.deriv2(model).toarray()``, where it is at hand.
    n_seeds : int
    rtol : float
        Largest difference, as a part of the largest entry wanted.

    Raises
    ------
    AssertionError
        For a negative entry, one that is off, or a coupling and a Hessian that do not say the same of it.
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
    seed = coupling.random_seed
    try:
        draws = []
        for coupling.random_seed in range(n_seeds):
            draws.append(coupling.hessian_diagonal(model))
    finally:
        coupling.random_seed = seed
    draws = np.array(draws)
    check_that((draws >= 0).all(), f"hessian_diagonal: an estimate has a negative entry, {draws.min():g}")
    error, bound = np.abs(draws.mean(0) - wanted), 6.0 * draws.std(0) / np.sqrt(n_seeds)
    worst = np.argmax(error - bound)
    check_that(
        error[worst] <= bound[worst] + rtol * wanted.max(),
        f"hessian_diagonal: the mean of {n_seeds} estimates of entry {worst} is {draws.mean(0)[worst]:.4e}, wanted "
        f"{wanted[worst]:.4e} within {bound[worst]:.1e}",
    )


def check_ownership(coupling: BaseCoupling, model: np.ndarray):
    """Check that arrays handed in are not written to, and that arrays handed out belong to the caller.

    Results must be the same when asked for again, whatever was done to them and to the model in between.

    Parameters
    ----------
    coupling : BaseCoupling
    model : (nP,) numpy.ndarray
        In general position, as for :func:`check_coupling`.

    Raises
    ------
    AssertionError
        That names the method that writes, shares its result, or returns another type than float64.
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
        check_close(call(), first, 0.0, f"{what}, asked for again after its result was written to")
    kept = operator @ v
    ours *= 1.1
    check_close(operator @ v, kept, 0.0, "deriv2(m) @ v, after the caller wrote to m")
