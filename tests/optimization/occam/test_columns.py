"""Occam fits every column to its own noise with the most regularization, independently of the others."""

import numpy as np
import pytest
import scipy.sparse as sp
from discretize import TensorMesh
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.simulation import LinearSimulation

from simpeg_jointdl.data_misfit import HuberDataMisfit
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.optimization import Occam
from simpeg_jointdl.regularization import CrossGradient
from tests.optimization.layered_problem import THICKNESSES, halves, make_layered, make_linear


def solve(problem, **options):
    """The final model, and the minimizer."""
    opt = Occam(problem.n_columns, device="cpu", **options)
    return problem.inversion(opt).run(problem.start.copy()), opt


def misfit_hessian(problem, model):
    """Half the Hessian of the regularization, as a dense matrix."""
    jacobian = problem.misfit.W @ sp.csr_matrix(problem.misfit.simulation.getJ(model))
    return (jacobian.T @ jacobian).toarray()


def chi_of(problem, model):
    residual = problem.misfit.W @ problem.misfit.residual(model)
    jacobian = sp.csr_matrix(problem.misfit.simulation.getJ(model))
    column = jacobian.indices[jacobian.indptr[:-1]] // problem.n_layers
    return np.bincount(column, residual**2) / np.bincount(column)


# laws -----------------------------------------------------------------------------------------------------
def test_linear_columns_take_one_step():
    problem = make_linear()
    model, opt = solve(problem)
    np.testing.assert_array_equal(opt.iterations, 1)
    np.testing.assert_array_equal(opt.smoothing_iterations, 0)
    assert opt.stopped_because == "target"
    assert ((opt.chi <= 1.0) & (opt.chi >= 0.98)).all()
    np.testing.assert_allclose(opt.chi, chi_of(problem, model), rtol=1e-10)
    # the step is that of the trade-off parameter that is reported
    hessian = misfit_hessian(problem, problem.start)
    reg = 0.5 * problem.regularization().deriv2(problem.start).toarray()
    weight = np.repeat(opt.trade_off, problem.n_layers)
    gradient = 0.5 * problem.misfit.deriv(problem.start)
    np.testing.assert_allclose(model, np.linalg.solve(hessian + weight[:, None] * reg, -gradient), rtol=1e-8)


@pytest.mark.parametrize("make", [make_linear, make_layered])
def test_ends_where_the_gradients_oppose_each_other(make):
    """This is the condition for the least regularization at a given misfit, with a Lagrange multiplier."""
    problem = make(4)
    model, opt = solve(problem, smoothing_steps=60, tolerance=1e-4, maxIter=80)
    assert opt.arrived.all()
    of_data, of_model = halves(problem, model)
    norms = np.linalg.norm(of_data, axis=1)
    assert (norms > 0.0).all()
    left = np.linalg.norm(of_data + opt.trade_off[:, None] * of_model, axis=1) / norms
    assert (left < (1e-6 if make is make_linear else 0.05)).all(), left
    assert ((opt.chi <= 1.0) & (opt.chi > 0.99)).all()


def test_a_single_column_has_the_same_result_as_among_others():
    together, of_all = solve(make_layered(5))
    for i in range(5):
        alone, opt = solve(make_layered(5, rows=[i]))
        np.testing.assert_allclose(alone, together.reshape(5, -1)[i], rtol=1e-7)
        for name in ("chi", "iterations", "smoothing_iterations", "trade_off"):
            np.testing.assert_allclose(getattr(opt, name)[0], getattr(of_all, name)[i], rtol=1e-6, err_msg=name)


def test_a_column_that_cannot_be_fitted_does_not_affect_others():
    problem = make_layered(4)
    calm, before = solve(problem)
    spoilt = make_layered(4)
    station = spoilt.misfit.simulation.station_index
    wild = spoilt.misfit.data.dobs.copy()
    wild[station == 2] *= np.random.default_rng(1).uniform(0.2, 3.0, (station == 2).sum())
    spoilt.misfit.data.dobs = wild
    model, opt = solve(spoilt)
    np.testing.assert_array_equal(opt.failed, [2])
    assert opt.stopped_because == "no descent"
    assert opt.chi[2] < chi_of(spoilt, spoilt.start)[2]
    others = [0, 1, 3]
    np.testing.assert_allclose(model.reshape(4, -1)[others], calm.reshape(4, -1)[others], rtol=1e-9)
    np.testing.assert_array_equal(opt.iterations[others], before.iterations[others])


def test_a_column_that_cannot_reach_the_target_ends_slightly_above_its_least_misfit():
    problem = make_linear(2, n_layers=6, n_data=12)
    problem.misfit.data.dobs = problem.misfit.data.dobs + np.random.default_rng(0).standard_normal(24)
    least, opt = solve(problem, smoothing_steps=0)
    assert (opt.chi > 2.0).all()
    assert opt.stopped_because == "no descent"
    model, smoother = solve(problem, relaxation=0.1, smoothing_steps=3)
    assert not smoother.arrived.any()
    assert (smoother.chi <= 1.1 * opt.chi * (1.0 + 1e-9)).all()
    assert (smoother.chi > 1.05 * opt.chi).all()
    reg = problem.regularization()
    assert reg(model) < reg(least)


def test_smoothing_steps_lower_the_regularization_and_keep_the_target():
    problem = make_layered(4)
    rough, first = solve(problem, smoothing_steps=0)
    smooth, opt = solve(problem, smoothing_steps=5)
    assert (opt.chi <= 1.0).all()
    np.testing.assert_array_equal(opt.iterations, first.iterations)
    assert opt.smoothing_iterations.max() > 0
    reg = problem.regularization()
    assert reg(smooth) < reg(rough)


@pytest.mark.parametrize("smoothing_steps", [0, 2])
def test_a_model_that_fits_and_is_the_reference_stays(smoothing_steps):
    problem = make_layered(3)
    fitted, _ = solve(problem)
    held = problem.regularization(reference_model=fitted, reference_model_in_smooth=True)
    opt = Occam(3, device="cpu", smoothing_steps=smoothing_steps)
    model = problem.inversion(opt, reg=held).run(fitted.copy())
    np.testing.assert_array_equal(model, fitted)
    np.testing.assert_array_equal(opt.iterations, 0)
    assert opt.stopped_because == "target"


def test_no_step_of_a_cell_is_longer_than_allowed():
    problem = make_layered(3)
    opt = Occam(3, device="cpu", max_step=0.2, maxIter=1, smoothing_steps=0)
    model = problem.inversion(opt).run(problem.start.copy())
    assert np.abs(model - problem.start).max() <= 0.2 * (1.0 + 1e-12)


def test_misfits_add_up():
    """Apparent resistivities and phases in two misfits give the same as in one."""
    problem = make_layered(3)
    data, n_half = problem.misfit.data, problem.misfit.data.dobs.size // 2
    parts = []
    for name in ("apparent_resistivity", "phase"):
        locations = problem.misfit.simulation.station_locations
        frequencies = [source.frequency for source in data.survey.source_list]
        survey = natural_source.create_survey(locations, frequencies, name)
        mapping = maps.ExpMap(nP=problem.start.size)
        simulation = natural_source.Simulation1DStitched(survey, THICKNESSES, rhoMap=mapping, device="cpu")
        # frequency, component, station
        where = np.arange(2 * n_half).reshape(len(frequencies), 2, 3)[:, len(parts)].ravel()
        part = Data(survey, dobs=data.dobs[where], standard_deviation=data.standard_deviation[where])
        parts.append(L2DataMisfit(part, simulation))
    one, _ = solve(problem)
    opt = Occam(device="cpu")
    two = problem.inversion(opt, misfit=parts[0] + parts[1]).run(problem.start.copy())
    np.testing.assert_allclose(two, one, rtol=1e-8)
    # without a multiplier a misfit does not count
    left = Occam(device="cpu")
    problem.inversion(left, misfit=parts[0] + 0.0 * parts[1]).run(problem.start.copy())
    assert left.arrived.all()


def test_standard_deviation_is_that_of_the_linearized_problem():
    problem = make_linear()
    with pytest.raises(ValueError, match="nothing has been minimized"):
        Occam(3).standard_deviation()
    model, opt = solve(problem)
    hessian = misfit_hessian(problem, model)
    reg = 0.5 * problem.regularization().deriv2(model).toarray()
    both = hessian + np.repeat(opt.trade_off, problem.n_layers)[:, None] * reg
    wanted = np.sqrt(np.diag(np.linalg.inv(both))).reshape(3, -1)
    np.testing.assert_allclose(opt.standard_deviation(), wanted, rtol=1e-8)
    both = hessian + 3.0 * reg
    wanted = np.sqrt(np.diag(np.linalg.inv(both))).reshape(3, -1)
    np.testing.assert_allclose(opt.standard_deviation(3.0), wanted, rtol=1e-8)


# bad input ------------------------------------------------------------------------------------------------
def test_regularization_between_columns_is_refused():
    problem = make_layered(3)
    reg = problem.regularization(alpha_y=1e-3)
    with pytest.raises(ValueError, match=r"couples cells of different columns.*alpha_y=0.*ProjectedGNCG"):
        problem.inversion(Occam(3), reg=reg).run(problem.start.copy())


def test_no_regularization_is_refused():
    problem = make_layered(2)
    reg = problem.regularization(alpha_s=0.0, alpha_x=0.0)
    with pytest.raises(ValueError, match="nothing to trade off"):
        problem.inversion(Occam(2), reg=reg).run(problem.start.copy())


def test_data_of_several_columns_are_refused():
    rng = np.random.default_rng(0)
    simulation = LinearSimulation(model_map=maps.IdentityMap(nP=12), G=rng.standard_normal((5, 12)))
    data = Data(simulation.survey, dobs=np.ones(5), standard_deviation=np.ones(5))
    problem = make_linear(3, n_layers=4)
    with pytest.raises(ValueError, match="5 of 5 data depend on more than one of the 3 columns of 4 cells"):
        problem.inversion(Occam(3), misfit=L2DataMisfit(data, simulation)).run(np.zeros(12))
    with pytest.raises(ValueError, match="does not say how many columns it has; give n_columns"):
        problem.inversion(Occam(), misfit=L2DataMisfit(data, simulation)).run(np.zeros(12))


def test_columns_without_data_are_refused():
    problem = make_layered(2)
    with pytest.raises(ValueError, match=r"columns \[2, 3\] have no data"):
        solve(with_two_columns_more(problem))


def with_two_columns_more(problem):
    """The problem with further columns that have no data."""
    n = 2 * problem.start.size
    simulation = problem.misfit.simulation
    simulation.rhoMap = maps.ExpMap(nP=problem.start.size) * maps.Projection(n, np.arange(problem.start.size))
    problem.n_columns, problem.start = 4, np.full(n, np.log(100.0))
    return problem


@pytest.mark.parametrize("n_columns", [7, 1000])
def test_columns_of_different_lengths_are_refused(n_columns):
    problem = make_layered(2)
    with pytest.raises(ValueError, match="wanted the same number in each"):
        problem.inversion(Occam(n_columns)).run(problem.start.copy())


def test_sensitivities_that_are_no_matrix_are_refused():
    problem = make_layered(1)
    mapping = maps.ExpMap(nP=problem.start.size)
    survey = problem.misfit.data.survey
    simulation = natural_source.Simulation1DRecursive(survey=survey, thicknesses=THICKNESSES, rhoMap=mapping)
    with pytest.raises(TypeError, match=r"Simulation1DRecursive.getJ gives .*, wanted a matrix"):
        problem.inversion(Occam(1), misfit=L2DataMisfit(problem.misfit.data, simulation)).run(problem.start.copy())


def test_couplings_are_refused():
    problem = make_layered(2)
    mesh = TensorMesh([problem.n_layers, 2])
    cells = np.arange(problem.start.size)
    parts = [maps.Projection(cells.size, cells), maps.Projection(cells.size, cells[::-1])]
    reg = problem.regularization() + CrossGradient(mesh, parts)
    with pytest.raises(TypeError, match=r"wanted a sparse matrix.*ProjectedGNCG"):
        problem.inversion(Occam(2), reg=reg).run(problem.start + 0.01 * np.sin(cells))


def test_robust_misfits_are_refused():
    problem = make_layered(2)
    robust = HuberDataMisfit(problem.misfit.data, problem.misfit.simulation)
    with pytest.raises(TypeError, match=r"HuberDataMisfit.*wanted L2DataMisfit"):
        problem.inversion(Occam(2), misfit=robust).run(problem.start.copy())


def test_only_inverse_problems_are_minimized():
    with pytest.raises(TypeError, match="wanted the function of a BaseInvProblem"):
        Occam(2).minimize(lambda x, return_g, return_H: 0.0, np.zeros(4))


@pytest.mark.parametrize(
    "options",
    [
        {"target_chi": 0.0},
        {"tolerance": 0.0},
        {"tolerance": 1.0},
        {"smoothing_steps": -1},
        {"max_step": 0.0},
        {"relaxation": -0.1},
    ],
)
def test_bad_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=rf"Occam\.{name}: got .*, wanted a"):
        Occam(2, **options)


@pytest.mark.parametrize("n_columns", [0, -1, 2.5])
def test_bad_number_of_columns(n_columns):
    with pytest.raises(ValueError, match=r"Occam.n_columns: got .* wanted a whole number of at least 1"):
        Occam(n_columns)
