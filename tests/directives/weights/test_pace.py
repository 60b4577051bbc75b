"""Trade-off parameters bring misfits into a range below their targets without oscillation, and stop there."""

import logging

import numpy as np
import pytest
from simpeg.directives import InversionDirective

from simpeg_jointdl import directives
from simpeg_jointdl.directives.weights._pace import Pace
from tests.directives.problem import make_joint_problem

ALL = np.array([True, True])


# one step ---------------------------------------------------------------------------------------------------
def test_parameters_are_divided_above_the_range_raised_below_it_and_kept_inside():
    factors = Pace(4, 2.0, 0.1).factors(np.array([3.0, 1.01, 0.95, 0.5]), np.ones(4, dtype=bool))
    assert factors[0] == 2.0
    assert 1.0 < factors[1] < 1.2
    assert factors[2] == 1.0
    assert 0.5 <= factors[3] < 1.0


@pytest.mark.parametrize("excess", [1e-6, 0.3, 0.9, 1.0, 1.1, 1e6])
@pytest.mark.parametrize("cooling", [1.5, 8.0])
def test_no_step_is_larger_than_the_cooling_factor(excess, cooling):
    (factor,) = Pace(1, cooling, 0.1).factors(np.array([excess]), np.array([True]))
    assert 1.0 / cooling <= factor <= cooling


def test_properties_that_wait_or_have_no_data_keep_their_parameter():
    pace = Pace(2, 2.0, 0.1)
    np.testing.assert_array_equal(pace.factors(np.array([5.0, 0.0]), np.array([False, True])), 1.0)
    np.testing.assert_array_equal(pace.side, 0.0)


def test_steps_become_smaller_while_the_side_changes():
    pace = Pace(2, 2.0, 0.1)
    steps = np.array([np.log(pace.factors(np.array([excess, 3.0]), ALL)) for excess in (3.0, 0.3, 3.0, 0.3, 3.0)])
    assert (np.sign(steps[:, 0]) == [1, -1, 1, -1, 1]).all()
    assert (np.diff(np.abs(steps[:, 0])) < 0).all()
    np.testing.assert_allclose(steps[:, 1], np.log(2.0))


def test_whole_steps_come_back_when_the_side_stays():
    pace = Pace(1, 2.0, 0.1)
    one = np.array([True])
    for excess in (3.0, 0.3, 3.0):
        pace.factors(np.array([excess]), one)
    gains = []
    for _ in range(8):
        pace.factors(np.array([3.0]), one)
        gains.append(pace.gain[0])
    assert gains == sorted(gains)
    assert gains[-1] == 1.0


@pytest.mark.parametrize("power", [1.0, 3.0, 6.0])
def test_a_misfit_that_depends_on_any_power_of_its_parameter_settles_in_the_range(power):
    """A sparse model may halve its misfit where a smooth one lowers it by a tenth; whole steps then oscillate."""
    pace, beta = Pace(1, 2.0, 0.1), 30.0
    for _ in range(40):
        chi = beta**power
        beta /= pace.factors(np.array([chi]), np.array([True]))[0]
    assert 0.9 <= beta**power <= 1.0


def test_after_an_inexact_step_it_waits_only_while_the_misfit_falls():
    """With Jacobi preconditioners every step of a large survey is inexact; it once waited four steps each time."""
    factors = {}
    for name, curve in {"falls": [5.0, 4.0, 3.0, 2.5, 2.2, 2.1], "stands": [2.0, 1.99, 1.99]}.items():
        pace, one = Pace(1, 2.0, 0.1), np.array([True])
        factors[name] = [pace.factors(np.array([excess]), one, True)[0] for excess in curve]
    assert factors["falls"] == [1.0, 1.0, 1.0, 1.0, 2.0, 1.0]
    assert factors["stands"] == [1.0, 2.0, 1.0]


# the schedule it serves -------------------------------------------------------------------------------------
def run(problem, schedule, *, max_iterations=40):
    inversion = problem.inversion(
        problem.terms, [schedule, directives.UpdateJointPreconditioner()], max_iterations=max_iterations
    )
    inversion.run(problem.start)
    return inversion


@pytest.mark.parametrize("tolerance", [0.05, 0.3])
def test_the_run_ends_inside_the_range(tolerance):
    schedule = directives.JointBetaSchedule(tolerance=tolerance)
    run(make_joint_problem(), schedule)
    assert schedule.done
    assert (schedule.chi <= 1.0).all()
    assert (schedule.chi >= 1.0 - tolerance).all()


def test_data_that_are_fitted_too_well_are_brought_back_into_the_range():
    schedule = directives.JointBetaSchedule(beta0_ratio=1e-5, patience=100)
    inversion = run(make_joint_problem(), schedule, max_iterations=80)
    assert inversion.opt.iter < 80
    assert ((schedule.chi >= 0.9) & (schedule.chi <= 1.0)).all()


def test_patience_ends_a_run_whose_data_cannot_be_fitted_less_well():
    """The noise is overestimated a hundredfold: a constant fits, and no trade-off parameter brings χ up to 1."""
    iterations = []
    for patience in (0, 4):
        problem = make_joint_problem()
        for misfit in problem.misfits:
            misfit.data.standard_deviation = 100.0 * misfit.data.standard_deviation
        schedule = directives.JointBetaSchedule(patience=patience, model_tolerance=0.5, cooling_factor=1.01)
        inversion = run(problem, schedule, max_iterations=60)
        assert (schedule.chi < 0.5).all()
        iterations.append(inversion.opt.iter)
    assert iterations[1] == iterations[0] + 4


def test_only_properties_that_steer_are_cooled_and_decide_the_end(caplog):
    class OnlyTheFirst(InversionDirective):
        def initialize(self):
            self.inversion.directiveList.dList[0].steer([True, False])

    problem = make_joint_problem()
    schedule = directives.JointBetaSchedule()
    logging.getLogger("SimPEG").propagate = True
    inversion = problem.inversion(
        problem.terms, [schedule, directives.UpdateJointPreconditioner(), OnlyTheFirst()], max_iterations=15
    )
    inversion.invProb.startup(problem.start)
    inversion.directiveList.call("initialize")
    first = list(inversion.invProb.reg.multipliers)
    inversion.run(problem.start)
    last = inversion.invProb.reg.multipliers
    assert last[0] != pytest.approx(first[0], rel=1e-2)
    assert last[1] == pytest.approx(first[1])
    assert schedule.chi[0] <= 1.0 < schedule.chi[1]
    assert schedule.done
    assert inversion.opt.iter == 15, "it stopped though one property had not had its turn"
    assert "misfit(s) [1] above the target" in caplog.text


def test_the_first_parameter_of_a_property_does_not_depend_on_the_others():
    betas = []
    for n_properties in (2, 3):
        problem = make_joint_problem(n_properties)
        schedule = directives.JointBetaSchedule()
        inversion = problem.inversion(problem.terms, [schedule])
        inversion.invProb.startup(problem.start)
        inversion.directiveList.call("initialize")
        betas.append(schedule.betas)
    assert betas[1][0] == pytest.approx(betas[0][0], rel=1e-10)


def test_a_line_search_without_descent_leaves_the_model_and_the_run_goes_on():
    """At an optimum no step descends, and SimPEG's minimizer stops though other directives still have steps to take."""

    class Distant(directives.UpdateJointPreconditioner):
        settled = False  # as if it still had steps to take

    problem = make_joint_problem()
    schedule = directives.JointBetaSchedule(tolerance=0.9)
    inversion = problem.inversion(problem.terms, [schedule, Distant()], max_iterations=60)
    inversion.opt.maxIterLS = 1
    model = inversion.run(problem.start)
    assert inversion.opt.iter == 60
    np.testing.assert_array_equal(inversion.invProb.model, model)
    for misfit, chi in zip(problem.misfits, schedule.chi, strict=True):
        assert misfit(model) / misfit.simulation.survey.nD == pytest.approx(chi, rel=1e-9)
    assert inversion.opt.modifySearchDirectionBreak.__self__ is inversion.opt
    assert len(inversion.opt.stoppersLS) == 2


def test_the_minimizer_has_its_own_criteria_again_after_an_error_and_a_second_run():
    class Fails(directives.UpdateJointPreconditioner):
        fails = True

        def endIter(self):
            if self.fails:
                raise ArithmeticError

    problem, fails = make_joint_problem(), Fails()
    inversion = problem.inversion(problem.terms, [directives.JointBetaSchedule(), fails], max_iterations=2)
    stoppers, line_search = inversion.opt.stoppers, list(inversion.opt.stoppersLS)
    with pytest.raises(ArithmeticError):
        inversion.run(problem.start)
    fails.fails = False
    inversion.run(problem.start)
    assert inversion.opt.stoppers is stoppers
    assert inversion.opt.stoppersLS == line_search
