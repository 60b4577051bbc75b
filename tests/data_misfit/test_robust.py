"""Robust data misfits: derivatives, the comparison with least squares, and the misfit factor χ."""

import numpy as np
import pytest
from discretize import TensorMesh
from scipy.optimize import minimize
from scipy.stats import norm
from simpeg import directives as simpeg_directives
from simpeg import inverse_problem, inversion, optimization
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.regularization import WeightedLeastSquares

from simpeg_jointdl import regularization
from simpeg_jointdl._tensor_path import Crossing, hessian_product
from simpeg_jointdl.data_misfit import HuberDataMisfit, StudentTDataMisfit
from tests.data_misfit.problem import N_DATA, curved, line, observe
from tests.optimization.problem import make_problem
from tests.recipes.problem import make_tiny_problem

TRUTH = np.array([0.7, -0.4])
MAKERS = {
    "huber": HuberDataMisfit,
    "huber, low": lambda *args, **options: HuberDataMisfit(*args, threshold=0.3, **options),
    "student t": StudentTDataMisfit,
    "cauchy": lambda *args, **options: StudentTDataMisfit(*args, dof=1.0, **options),
}
on_each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def misfit_of(make, simulation=None, **options):
    simulation = curved() if simulation is None else simulation
    return make(observe(simulation, TRUTH, **options), simulation)


# laws -------------------------------------------------------------------------------------------------
@on_each
def test_the_gradient_is_that_of_the_value(make):
    misfit, rng = misfit_of(make), np.random.default_rng(1)
    model, step = TRUTH + 0.3, rng.standard_normal(2)
    value, slope = misfit(model), misfit.deriv(model) @ step
    sizes = np.array([1e-2, 1e-3])
    left = [abs(misfit(model + h * step) - value - h * slope) for h in sizes]
    assert 1.9 < np.log10(left[0] / left[1]) < 2.1


@on_each
def test_the_hessian_is_semi_definite_and_that_of_weighted_least_squares(make):
    misfit = misfit_of(make)
    model = TRUTH - 0.2
    hessian = np.stack([misfit.deriv2(model, e) for e in np.eye(2)])
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    assert np.linalg.eigvalsh(hessian).min() > 0.0
    weighted = L2DataMisfit(misfit.data, misfit.simulation)
    residual = misfit.W @ misfit.residual(model)
    weighted.W = misfit.W.diagonal() * np.sqrt(misfit.robust_weights(residual))
    np.testing.assert_allclose(hessian, np.stack([weighted.deriv2(model, e) for e in np.eye(2)]), rtol=1e-12)
    np.testing.assert_allclose(misfit.deriv(model), weighted.deriv(model), rtol=1e-12, atol=1e-9)


@on_each
def test_a_newton_step_never_increases_a_misfit_of_linear_data(make):
    """The weights define a quadratic function that lies above the penalty."""
    misfit, rng = misfit_of(make, line()), np.random.default_rng(2)
    for model in rng.uniform(-50.0, 50.0, (10, 2)):
        hessian = np.stack([misfit.deriv2(model, e) for e in np.eye(2)])
        assert misfit(model - np.linalg.solve(hessian, misfit.deriv(model))) < misfit(model)


@on_each
def test_known_fields_change_nothing(make):
    misfit, model = misfit_of(make), TRUTH + 0.1
    fields, v = misfit.simulation.fields(model), np.array([1.0, -2.0])
    assert misfit(model) == misfit(model, f=fields)
    np.testing.assert_array_equal(misfit.deriv(model), misfit.deriv(model, f=fields))
    np.testing.assert_array_equal(misfit.deriv2(model, v), misfit.deriv2(model, v, f=fields))


# beside least squares ---------------------------------------------------------------------------------
def test_huber_equals_least_squares_below_the_threshold():
    misfit = misfit_of(lambda *args: HuberDataMisfit(*args, threshold=100.0))
    squares, model, v = L2DataMisfit(misfit.data, misfit.simulation), TRUTH + 0.2, np.array([1.0, 0.3])
    np.testing.assert_allclose(misfit(model), squares(model), rtol=1e-14)
    np.testing.assert_array_equal(misfit.deriv(model), squares.deriv(model))
    np.testing.assert_array_equal(misfit.deriv2(model, v), squares.deriv2(model, v))


@on_each
def test_small_residuals_are_least_squares(make):
    simulation = line()
    clean = simulation.dpred(TRUTH)
    data = Data(simulation.survey, dobs=clean, standard_deviation=np.full(N_DATA, 0.1))
    misfit, squares = make(data, simulation), L2DataMisfit(data, simulation)
    model = TRUTH + 1e-4
    np.testing.assert_allclose(misfit(model), squares(model), rtol=1e-5)
    np.testing.assert_allclose(misfit.deriv(model), squares.deriv(model), rtol=1e-5)


def test_student_t_with_many_degrees_of_freedom_is_least_squares():
    misfit = misfit_of(lambda *args: StudentTDataMisfit(*args, dof=1e9))
    squares = L2DataMisfit(misfit.data, misfit.simulation)
    np.testing.assert_allclose(misfit(TRUTH), squares(TRUTH), rtol=1e-6)
    assert misfit.expected_value == pytest.approx(N_DATA, rel=1e-8)


@on_each
def test_outliers_bias_the_estimate_less_than_in_least_squares(make):
    """Fit of a line to data with 5 % of outliers, all five standard deviations too large."""
    errors = {"robust": [], "squares": []}
    for seed in range(20):
        simulation = line()
        data = observe(simulation, TRUTH, seed=seed)
        for name, misfit in (("robust", make(data, simulation)), ("squares", L2DataMisfit(data, simulation))):
            found = minimize(misfit, np.zeros(2), jac=misfit.deriv, method="BFGS", options={"gtol": 1e-6}).x
            errors[name].append(np.linalg.norm(found - TRUTH))
    assert np.mean(errors["robust"]) < 0.85 * np.mean(errors["squares"])


# what chi = 1 means -----------------------------------------------------------------------------------
@pytest.mark.parametrize("threshold", [0.3, 1.345, 4.0])
def test_expectation_of_huber_in_closed_form(threshold):
    k = threshold
    inside = 2.0 * (norm.cdf(k) - 0.5 - k * norm.pdf(k))
    outside = 2.0 * (2.0 * k * norm.pdf(k) - k**2 * norm.sf(k))
    misfit = misfit_of(lambda *args: HuberDataMisfit(*args, threshold=threshold))
    assert misfit.expected_per_datum == pytest.approx(inside + outside, rel=1e-9)


@on_each
def test_the_expectation_is_the_mean_over_noise(make):
    misfit = misfit_of(make)
    noise = np.random.default_rng(3).standard_normal(400_000)
    values = misfit.density(noise)
    assert abs(values.mean() - misfit.expected_per_datum) < 5.0 * values.std() / np.sqrt(noise.size)
    assert misfit.expected_value == pytest.approx(N_DATA * misfit.chifact)
    assert misfit.chifact < 1.0


@on_each
def test_the_target_of_a_simpeg_directive(make):
    misfit = misfit_of(make, line(), outliers=0.0)
    term = WeightedLeastSquares(TensorMesh([2]), alpha_s=1.0, alpha_x=0.0)
    opt = optimization.InexactGaussNewton(maxIter=30, cg_rtol=1e-6)
    opt.printers, opt.stoppers = [], opt.stoppers[-1:]
    problem = inverse_problem.BaseInvProblem(misfit, term, opt, beta=1e4, print_version=False, init_bfgs=False)
    target = simpeg_directives.TargetMisfit(chifact=misfit.chifact)
    steps = [simpeg_directives.BetaSchedule(coolingFactor=2.0), target]
    inversion.BaseInversion(problem, directiveList=steps).run(np.zeros(2))
    assert problem.phi_d < misfit.expected_value
    assert opt.iter < 30


@on_each
@pytest.mark.parametrize("share", [0.0, 0.05, 0.09])
def test_chi_of_noise_is_one_whatever_the_share_of_outliers(make, share):
    misfit, rng = misfit_of(make), np.random.default_rng(5)
    noise = rng.standard_normal(100_000)
    wrong = rng.random(noise.size) < share
    noise[wrong] += 5.0 * rng.choice([-1.0, 1.0], wrong.sum())
    assert misfit.chi(noise) == pytest.approx(1.0, abs=0.03)
    assert misfit.chi(1.2 * noise) > 1.05


@on_each
def test_chi_grows_with_the_residual(make):
    """Residuals that are large everywhere are not outliers, and χ is large."""
    misfit, noise = misfit_of(make), np.random.default_rng(6).standard_normal(441)
    values = [misfit.chi(scale * noise) for scale in np.geomspace(0.1, 100.0, 200)]
    assert np.all(np.diff(values) > -0.03 * np.array(values[:-1]))
    assert values[-1] > 4.0


@on_each
def test_outliers_beyond_the_allowed_share_count(make):
    misfit, noise = misfit_of(make), np.random.default_rng(5).standard_normal(100_000)
    noise[: noise.size // 5] += 50.0
    assert misfit.chi(noise) > 1.5
    wider = misfit_of(lambda *args: make(*args, outliers=0.25))
    assert wider.chi(noise) == pytest.approx(1.0, abs=0.03)


@on_each
def test_without_outliers_chi_is_the_value_over_its_expectation(make):
    misfit = misfit_of(lambda *args: make(*args, outliers=0.0))
    residual = misfit.W @ misfit.residual(TRUTH)
    assert misfit.chi(residual) == pytest.approx(misfit(TRUTH) / misfit.expected_value, rel=0.02)


# in joint inversions ----------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [HuberDataMisfit, StudentTDataMisfit])
def test_a_recipe_with_outliers_reaches_its_target(make):
    tiny = make_tiny_problem()
    rng = np.random.default_rng(0)
    for misfit in tiny.misfits:
        wrong = rng.choice(misfit.data.nD, 2, replace=False)
        misfit.data.dobs[wrong] += 5.0 * misfit.data.standard_deviation[wrong]
    robust = [make(misfit.data, misfit.simulation) for misfit in tiny.misfits]
    recipe = tiny.recipe(misfits=robust, couplings=regularization.CrossGradient, chifact=1.0)
    recipe.run()
    np.testing.assert_array_less(recipe.chi, 1.0 + 1e-9)
    model = recipe.model
    expected = [one.chi(one.W @ one.residual(model)) for one in robust]
    np.testing.assert_allclose(recipe.chi, expected, rtol=1e-5)


@pytest.mark.parametrize("make", [HuberDataMisfit, StudentTDataMisfit])
def test_products_on_tensors_equal_those_of_numpy(make):
    problem = make_problem(True)
    crossing, model = Crossing(), problem.start
    v = np.random.default_rng(0).standard_normal(model.size)
    for one in problem.misfits:
        misfit = make(one.data, one.simulation)
        assert misfit.robust_weights(misfit.W @ misfit.residual(model)).min() < 0.5
        product = hessian_product(misfit, model, crossing)
        np.testing.assert_allclose(crossing.fetch(product(crossing.send(v))), misfit.deriv2(model, v), rtol=1e-9)
    assert crossing.fallbacks == []


def test_a_simulation_without_a_tensor_path_is_computed_with_numpy():
    misfit, crossing = misfit_of(HuberDataMisfit), Crossing()
    product, v = hessian_product(misfit, TRUTH, crossing), np.array([1.0, 2.0])
    np.testing.assert_allclose(crossing.fetch(product(crossing.send(v))), misfit.deriv2(TRUTH, v), rtol=1e-12)
    assert crossing.fallbacks == ["HuberDataMisfit of LinearSimulation"]


# bad input --------------------------------------------------------------------------------------------
def error_of(value):
    return ValueError if type(value) is float else TypeError


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, "1", None, True])
@pytest.mark.parametrize(("make", "name"), [(HuberDataMisfit, "threshold"), (StudentTDataMisfit, "dof")])
def test_bad_settings(make, name, value):
    simulation = line()
    with pytest.raises(error_of(value), match=rf"{make.__name__}\.{name}: got .*, wanted a finite number above 0"):
        make(observe(simulation, TRUTH), simulation, **{name: value})


@pytest.mark.parametrize("value", [-0.1, 0.5, np.nan, "0.1", True])
def test_bad_share_of_outliers(value):
    simulation = line()
    wanted = r"HuberDataMisfit\.outliers: got .*, wanted a finite number at least 0 and below 0.5"
    with pytest.raises(error_of(value), match=wanted):
        HuberDataMisfit(observe(simulation, TRUTH), simulation, outliers=value)


@pytest.mark.parametrize("make", [HuberDataMisfit, StudentTDataMisfit])
def test_complex_data(make):
    simulation = line()
    data = Data(simulation.survey, dobs=np.ones(N_DATA) * 1j, standard_deviation=np.ones(N_DATA))
    with pytest.raises(TypeError, match="got complex data, wanted real ones"):
        make(data, simulation)
