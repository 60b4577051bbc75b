"""Each misfit reaches its own target, in any order and number, also with directives of SimPEG."""

import logging
import warnings
from itertools import combinations

import numpy as np
import pytest
from simpeg import data_misfit, maps, objective_function
from simpeg import directives as simpeg_directives
from simpeg.potential_fields import gravity
from simpeg.regularization import Smallness, WeightedLeastSquares

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


def pair_couplings(problem, n_properties):
    wires = [wire for _, wire in problem.wires.maps][:n_properties]
    return [regularization.CrossGradient(problem.mesh, pair) for pair in combinations(wires, 2)]


def steps(betas, *more):
    return [
        directives.UpdateJointSensitivityWeights(),
        betas,
        directives.EstimateCouplingWeights(),
        directives.UpdateJointPreconditioner(),
        *more,
    ]


@pytest.mark.parametrize("n_properties", [2, 3])
@pytest.mark.parametrize("order", ["as they come", "couplings first", "reversed"])
def test_every_misfit_reaches_its_target(n_properties, order):
    problem = make_joint_problem(n_properties)
    couplings = pair_couplings(problem, n_properties)
    terms, misfits = [*problem.terms, *couplings], problem.misfits
    if order == "couplings first":
        terms = [*couplings, *problem.terms]
    if order == "reversed":
        terms, misfits = terms[::-1], misfits[::-1]
    betas = directives.JointBetaSchedule()
    inversion = problem.inversion(terms, steps(betas), misfits=misfits)
    model = inversion.run(problem.start)
    assert len(inversion.invProb.reg.multipliers) == len(terms)
    assert (betas.chi <= 1.0).all()
    assert (betas.chi > 0.7).all()
    assert inversion.opt.iter < 30
    for misfit, chi in zip(misfits, betas.chi, strict=True):
        assert misfit(model) / misfit.simulation.survey.nD == pytest.approx(chi, rel=1e-5)


def test_each_data_set_has_its_own_target():
    problem = make_joint_problem()
    betas = directives.JointBetaSchedule(chifact=[2.0, 0.8])
    inversion = problem.inversion([*problem.terms, *pair_couplings(problem, 2)], steps(betas))
    inversion.run(problem.start)
    assert 1.4 < betas.chi[0] <= 2.0
    assert 0.55 < betas.chi[1] <= 0.8


def test_an_overfitted_run_stops():
    """SimPEG's MovingAndMultiTargetStopping is two-sided and never does."""
    problem = make_joint_problem()
    betas = directives.JointBetaSchedule(chifact=1.0, beta0_ratio=1e-6, tolerance=0.99)
    inversion = problem.inversion(problem.terms, [betas, directives.UpdateJointPreconditioner()])
    inversion.run(problem.start)
    assert (betas.chi < 0.9).all()
    assert inversion.opt.iter < 30


def test_two_data_sets_on_one_property_share_its_beta():
    problem = make_joint_problem(2)
    other = make_joint_problem(2, seed=1)
    betas = directives.JointBetaSchedule()
    misfits = [*problem.misfits, other.misfits[0]]
    inversion = problem.inversion(problem.terms, [betas, directives.UpdateJointPreconditioner()], misfits=misfits)
    inversion.run(problem.start)
    assert betas.chi.shape == (3,)
    assert betas.betas.shape == (2,)
    assert (betas.chi <= 1.0).all()


def test_starts_from_the_ratio_of_spectral_norms():
    problem = make_joint_problem()
    betas = directives.JointBetaSchedule(beta0_ratio=3.0)
    inversion = problem.inversion(problem.terms, [betas], beta=7.0)  # the common trade-off parameter has no influence
    inversion.invProb.startup(problem.start)
    inversion.directiveList.call("initialize")
    n = problem.mesh.n_cells
    for k, (misfit, term) in enumerate(zip(problem.misfits, problem.terms, strict=True)):
        block = slice(k * n, (k + 1) * n)
        columns = np.eye(2 * n)[block]
        data = np.stack([misfit.deriv2(problem.start, column)[block] for column in columns])
        smooth = np.stack([term.deriv2(problem.start, column)[block] for column in columns])
        expected = 3.0 * np.linalg.norm(data, 2) / np.linalg.norm(smooth, 2)
        assert betas.betas[k] == pytest.approx(expected, rel=0.2)  # few power iterations


@pytest.mark.parametrize("n_properties", [2, 3])
def test_beside_simpegs_directives(n_properties, tmp_path):
    problem = make_joint_problem(n_properties)
    betas = directives.JointBetaSchedule(chifact=1.0)
    outputs = simpeg_directives.SaveOutputDictEveryIteration(on_disk=False)
    curves = simpeg_directives.SaveOutputEveryIteration(on_disk=True, directory=tmp_path)
    run = [
        simpeg_directives.UpdateSensitivityWeights(),
        simpeg_directives.BetaEstimate_ByEig(beta0_ratio=1.0, random_seed=0),
        betas,
        directives.EstimateCouplingWeights(),
        simpeg_directives.UpdatePreconditioner(),
        curves,
        outputs,
    ]
    inversion = problem.inversion([*problem.terms, *pair_couplings(problem, n_properties)], run)
    inversion.opt.cg_maxiter = 200  # SimPEG's preconditioner ignores the multipliers
    inversion.run(problem.start)
    assert (betas.chi <= 1.0).all()
    assert len(outputs.outDict) == inversion.opt.iter == len(curves.beta)
    assert np.isfinite(outputs.outDict[1]["phi_m"])


@pytest.mark.parametrize("n_properties", [2, 3])
def test_beside_simpegs_target_misfit(n_properties):
    problem = make_joint_problem(n_properties)
    betas = directives.JointBetaSchedule()
    run = steps(betas, simpeg_directives.TargetMisfit())
    inversion = problem.inversion([*problem.terms, *pair_couplings(problem, n_properties)], run)
    inversion.run(problem.start)
    n_data = sum(misfit.simulation.survey.nD for misfit in problem.misfits)
    assert inversion.invProb.phi_d <= n_data


@pytest.mark.parametrize("n_properties", [2, 3])
def test_beside_irls(n_properties):
    problem = make_joint_problem(n_properties, sparse=True)
    for term in problem.terms:
        term.norms = [0.0, 1.0, 1.0, 1.0]
    betas = directives.JointBetaSchedule()
    irls = simpeg_directives.UpdateIRLS(max_irls_iterations=12, f_min_change=1e-6, verbose=False)
    run = [
        directives.UpdateJointSensitivityWeights(),
        irls,
        betas,
        directives.EstimateCouplingWeights(),
        directives.UpdateJointPreconditioner(),
    ]
    couplings = pair_couplings(problem, n_properties)
    inversion = problem.inversion([*problem.terms, *couplings], run, max_iterations=45)
    inversion.run(problem.start)
    assert irls.metrics.irls_iteration_count > 2
    assert problem.terms[0].norms == [0.0, 1.0, 1.0, 1.0]
    assert np.all(np.abs(betas.chi - 1.0) < 0.35)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cooling_factor": 1.0}, "cooling_factor"),
        ({"cooling_rate": 0}, "cooling_rate"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"model_tolerance": 2.0}, "model_tolerance"),
        ({"chifact": -1.0}, "chifact"),
        ({"chifact": [1.0, 1.0, 1.0]}, "chifact.*one per data misfit"),
        ({"beta0_ratio": [1.0]}, "beta0_ratio.*one per property"),
    ],
)
def test_bad_input(options, message):
    problem = make_joint_problem()
    with pytest.raises(ValueError, match=f"JointBetaSchedule.{message}"):
        problem.inversion(problem.terms, [directives.JointBetaSchedule(**options)], max_iterations=1).run(problem.start)


def test_a_misfit_without_regularized_parameters_is_named():
    problem = make_joint_problem()
    betas = directives.JointBetaSchedule()
    with pytest.raises(ValueError, match=r"data misfit\(s\) \[1\]"):
        problem.inversion(problem.terms[:1], [betas]).run(problem.start)


def test_a_misfit_without_data_is_named():
    problem = make_joint_problem()
    no_data = objective_function.L2ObjectiveFunction(nP=problem.start.size)
    inversion = problem.inversion(problem.terms, [directives.JointBetaSchedule()], misfits=[*problem.misfits, no_data])
    inversion.invProb.startup(problem.start)
    with pytest.raises(TypeError, match=r"data misfit\(s\) \[2\] have no simulation"):
        inversion.directiveList.call("initialize")


def test_the_same_directives_work_in_a_second_inversion():
    results = []
    serving = steps(directives.JointBetaSchedule())
    for _ in range(2):
        problem = make_joint_problem()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*has switched to a new inversion", category=UserWarning)
            inversion = problem.inversion([*problem.terms, *pair_couplings(problem, 2)], serving)
            results.append(inversion.run(problem.start))
    np.testing.assert_array_equal(results[0], results[1])


def test_a_single_regularization_term_is_cooled_too():
    problem = make_joint_problem()
    n = problem.mesh.n_cells
    simulation = gravity.Simulation3DIntegral(
        problem.mesh, survey=problem.misfits[0].simulation.survey, rhoMap=maps.IdentityMap(nP=n)
    )
    misfit = data_misfit.L2DataMisfit(data=problem.misfits[0].data, simulation=simulation)
    lone = WeightedLeastSquares(problem.mesh, alpha_s=1e-2)
    betas = directives.JointBetaSchedule()
    inversion = problem.inversion([lone], [betas, directives.UpdateJointPreconditioner()], misfits=[misfit])
    inversion.run(problem.start[:n])
    assert 0.85 < betas.chi[0] <= 1.0
    assert lone.alpha_s == 1e-2


def test_terms_of_one_property_keep_their_relative_multipliers():
    problem = make_joint_problem()
    extra = Smallness(problem.mesh, mapping=problem.wires.density)
    betas = directives.JointBetaSchedule()
    inversion = problem.inversion(
        [problem.terms[0], problem.terms[1], 1e-3 * extra], [betas, directives.UpdateJointPreconditioner()]
    )
    inversion.run(problem.start)
    first, _, last = inversion.invProb.reg.multipliers
    assert last / first == pytest.approx(1e-3)
    assert betas.betas.shape == (2,)
    assert (betas.chi <= 1.0).all()


def test_a_misfit_with_multiplier_zero_has_no_influence():
    problem = make_joint_problem()
    misfits = [problem.misfits[0], 0.0 * problem.misfits[1]]
    betas = directives.JointBetaSchedule()
    inversion = problem.inversion(problem.terms, [betas, directives.UpdateJointPreconditioner()], misfits=misfits)
    inversion.run(problem.start)
    assert inversion.opt.iter < 30
    assert betas.chi[0] <= 1.0 < betas.chi[1]


def test_a_run_that_misses_its_targets_warns(caplog):
    problem = make_joint_problem()
    betas = directives.JointBetaSchedule(chifact=1e-6)
    logging.getLogger("SimPEG").propagate = True
    inversion = problem.inversion(problem.terms, [betas, directives.UpdateJointPreconditioner()], max_iterations=2)
    before = inversion.opt.stoppers
    inversion.run(problem.start)
    assert "above the target" in caplog.text
    assert inversion.opt.stoppers == before


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: [directives.JointBetaSchedule(), simpeg_directives.BetaSchedule()], ValueError, "BetaSchedule"),
        (
            lambda: [directives.JointBetaSchedule(), simpeg_directives.BetaEstimate_ByEig()],
            ValueError,
            "after BetaEstimate_ByEig",
        ),
    ],
)
def test_other_directives_for_the_trade_off_parameter(make, error, message):
    problem = make_joint_problem()
    with pytest.raises(error, match=message):
        problem.inversion(problem.terms, make())


@pytest.mark.parametrize("directive", [directives.JointBetaSchedule, directives.UpdateJointSensitivityWeights])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_named(directive, value):
    problem = make_joint_problem()
    problem.misfits[1].data.dobs[3] = value
    inversion = problem.inversion(problem.terms, [directive()])
    inversion.invProb.startup(problem.start)
    with pytest.raises(ValueError, match=r"data misfit 1 .*NaN or infinite (data|uncertainties)"):
        inversion.directiveList.call("initialize")


@pytest.mark.parametrize(
    "directive",
    [
        directives.JointBetaSchedule,
        directives.EstimateCouplingWeights,
        directives.UpdateJointSensitivityWeights,
        directives.UpdateJointPreconditioner,
    ],
)
def test_a_sum_within_the_sum_is_named(directive):
    problem = make_joint_problem()
    nested = objective_function.ComboObjectiveFunction(pair_couplings(problem, 2), [1.0], unpack_on_add=False)
    inversion = problem.inversion([*problem.terms, nested], [directive()])
    inversion.invProb.startup(problem.start)
    with pytest.raises(TypeError, match=rf"{directive.__name__}.*a sum within the sum"):
        inversion.directiveList.call("initialize")
