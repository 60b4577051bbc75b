"""Gauss-Newton between bounds gives the solution of bounded least squares, and fixes only cells at their bounds."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import lsq_linear

from simpeg_jointdl.optimization import BoundedGaussNewton


def least_squares(n_rows=40, n=25, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, n)) * np.geomspace(1.0, 30.0, n), 10.0 * rng.standard_normal(n_rows)


def minimize(matrix, wanted, lower, upper, start, **options):
    def function(x, return_g=True, return_H=True):
        residual = matrix @ x - wanted
        out = [residual @ residual]
        out += [2.0 * matrix.T @ residual] if return_g else []
        out += [sp.csr_matrix(2.0 * matrix.T @ matrix)] if return_H else []
        return tuple(out) if len(out) > 1 else out[0]

    minimizer = BoundedGaussNewton(
        **{"lower": lower, "upper": upper, "maxIter": 60, "cg_maxiter": 200, "cg_rtol": 1e-12} | options
    )
    minimizer.tolX = minimizer.tolF = minimizer.tolG = minimizer.eps = 0.0
    minimizer.printers, minimizer.stoppers = [], minimizer.stoppers[-1:]  # the largest number of iterations
    minimizer.approxHinv = sp.diags(0.5 / np.sum(matrix**2, axis=0), format="csr")
    return minimizer.minimize(function, np.array(start, dtype=float)), minimizer


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("lower", "upper"), [(-0.3, 0.3), (0.0, np.inf), (-np.inf, 0.1), (-0.2, 0.05), (None, 0.1)])
def test_bounded_least_squares(lower, upper, seed):
    matrix, wanted = least_squares(seed=seed)
    ends = (-np.inf if lower is None else lower, upper)
    exact = lsq_linear(matrix, wanted, ends, tol=1e-14, method="bvls").x
    start = np.clip(np.full(exact.size, 0.02), *ends)
    found, minimizer = minimize(matrix, wanted, lower, upper, start)
    np.testing.assert_allclose(found, exact, atol=1e-7)
    assert (found <= upper).all()
    assert (found >= ends[0]).all()
    assert np.isfinite(minimizer.cg_rel_resid)


@pytest.mark.parametrize("side", [-0.3, 0.3])
def test_cells_leave_a_bound_on_which_they_start(side):
    """If all cells start on a bound, SimPEG's own minimizer divides by zero."""
    matrix, wanted = least_squares(seed=1)
    exact = lsq_linear(matrix, wanted, (-0.3, 0.3), tol=1e-14, method="bvls").x
    found, _ = minimize(matrix, wanted, -0.3, 0.3, np.full(exact.size, side), maxIter=15)
    np.testing.assert_allclose(found, exact, atol=1e-7)


def test_cells_near_their_bound_still_reach_it():
    matrix, wanted = np.diag([1.0, 2.0]), np.array([5.0, 0.2])
    found, _ = minimize(matrix, wanted, -1.0, 1.0, [0.999, 0.0])
    np.testing.assert_allclose(found, [1.0, 0.1], atol=1e-12)


def test_no_cell_moves_by_more_than_its_reach():
    matrix, wanted = np.eye(2), np.array([50.0, -50.0])
    found, _ = minimize(matrix, wanted, -1.0, 1.0, [0.0, 0.0], maxIter=1, reach=0.9)
    assert (np.abs(found) <= 0.9 + 1e-12).all()


def test_many_bounds_and_strong_data_need_few_steps():
    """SimPEG's line search shortens its projected steps to nothing in this problem."""
    rng = np.random.default_rng(0)
    n = 100
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    matrix = left @ np.diag(np.geomspace(1.0, 1e-2, n)) @ right
    wanted = matrix @ np.where(rng.random(n) < 0.5, 0.0, 1.0) + 1e-2 * rng.standard_normal(n)
    exact = lsq_linear(matrix, wanted, (0.0, 1.0), tol=1e-14, method="bvls").x
    found, _ = minimize(matrix, wanted, 0.0, 1.0, np.full(n, 0.5), maxIter=40, cg_maxiter=2000)
    assert np.sum((matrix @ found - wanted) ** 2) < 1.001 * np.sum((matrix @ exact - wanted) ** 2)


def test_parameters_between_equal_bounds_never_move():
    matrix, wanted = least_squares()
    rng = np.random.default_rng(0)
    held = np.arange(25) % 3 == 0
    start = rng.uniform(-0.1, 0.1, 25)
    lower, upper = np.where(held, start, -0.3), np.where(held, start, 0.3)
    found, _ = minimize(matrix, wanted, lower, upper, start)
    np.testing.assert_array_equal(found[held], start[held])
    rest = lsq_linear(matrix[:, ~held], wanted - matrix[:, held] @ start[held], (-0.3, 0.3), tol=1e-14, method="bvls")
    np.testing.assert_allclose(found[~held], rest.x, atol=1e-7)


def test_nothing_moves_at_equal_bounds_or_at_the_minimum():
    matrix, wanted = least_squares()
    start = np.full(25, 0.1)
    found, minimizer = minimize(matrix, wanted, start, start, start)
    np.testing.assert_array_equal(found, start)
    assert minimizer.cg_count == 0


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (None, None)], ids=str)
def test_without_bounds_it_is_least_squares(bounds):
    matrix, wanted = least_squares()
    found, _ = minimize(matrix, wanted, *bounds, np.zeros(25), maxIter=3)
    np.testing.assert_allclose(found, np.linalg.lstsq(matrix, wanted, rcond=None)[0], atol=1e-9)


@pytest.mark.parametrize("reach", [-1e-3, 0.0, 1.5, np.nan])
def test_bad_reach(reach):
    with pytest.raises(ValueError, match=r"BoundedGaussNewton\.reach: got"):
        BoundedGaussNewton(reach=reach)


def test_it_accepts_simpegs_arguments():
    minimizer = BoundedGaussNewton(maxIter=7, cg_atol=1e-5, maxIterLS=4, require_decrease=True, tolX=0.2, upper=1.0)
    assert (minimizer.maxIter, minimizer.maxIterLS, minimizer.tolX, minimizer.cg_atol) == (7, 4, 0.2, 1e-5)
    assert minimizer.require_decrease
    assert not BoundedGaussNewton().require_decrease
    assert minimizer.cg_rtol == 1e-3
    assert minimizer.upper == 1.0


def test_a_step_spoilt_by_bounds_is_solved_for_again():
    """With smooth kernels and bounds on one side, steps that are mostly cut off grow without limit unless improved."""
    depths, stations = np.linspace(1.0, 30.0, 150), np.linspace(0.0, 100.0, 60)
    places = np.linspace(0.0, 100.0, 150)
    matrix = 1e3 * depths / (depths**2 + (stations[:, None] - places) ** 2)
    wanted = matrix @ np.where(np.abs(places - 50.0) < 10.0, 1.0, 0.0)
    found, _ = minimize(matrix, wanted, 0.0, np.inf, np.full(150, 1e-3), maxIter=30, cg_maxiter=500)
    assert np.isfinite(found).all()
    assert np.sum((matrix @ found - wanted) ** 2) < 1e-6 * np.sum(wanted**2)
