"""TorchMinimize in SimPEG's inversions, with directives of SimPEG and of this package."""

import logging

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg.data_misfit import L2DataMisfit
from simpeg.objective_function import L2ObjectiveFunction

from simpeg_jointdl import directives
from simpeg_jointdl.data_misfit import HuberDataMisfit
from tests.optimization.linear_problem import N, make_linear_problem
from tests.optimization.torch_optim.problems import START, Cool, adam


class Record(simpeg_directives.InversionDirective):
    """What directives see after each iteration."""

    def initialize(self):
        self.rows = []

    def endIter(self):
        problem = self.invProb
        assert problem.model is self.opt.xc
        self.rows.append((self.opt.iter, problem.model.copy(), problem.phi_d, self.opt.f, self.opt.x_last))


def chi(misfit, model):
    return misfit(model) / misfit.nD


# the noise --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_misfits", [1, 2])
@pytest.mark.parametrize("steps_per_iteration", [1, 7])
@pytest.mark.parametrize("patience", [1, 12])
def test_stops_at_the_noise(n_misfits, steps_per_iteration, patience):
    problem, record = make_linear_problem(n_misfits), Record()
    opt = adam(patience=patience, steps_per_iteration=steps_per_iteration, keep="first")
    found = problem.inversion(opt, [record]).run(START)
    assert opt.stopped_because == "target"
    assert opt.steps == opt.kept_step + patience - 1
    assert opt.iter == len(record.rows) == -(-opt.steps // steps_per_iteration)
    worst = max(chi(one, found) for one in problem.misfits)
    assert 0.8 < worst <= 1.0


def test_every_data_set_must_be_at_its_own_target():
    problem = make_linear_problem(2)
    opt = adam(target_chi=[3.0, 1.2], patience=1)
    found = problem.inversion(opt).run(START)
    assert chi(problem.misfits[0], found) <= 3.0
    assert chi(problem.misfits[1], found) <= 1.2
    one = make_linear_problem(2)
    opt = adam(target_chi=[1e-9, 1.2], patience=1)
    found = one.inversion(opt, misfit=0.0 * one.misfits[0] + one.misfits[1]).run(START)
    assert opt.stopped_because == "target"
    assert chi(one.misfits[1], found) <= 1.2


def test_the_best_fitted_state_is_kept():
    problem, record = make_linear_problem(), Record()
    opt = adam(patience=25, keep="best")
    inversion = problem.inversion(opt, [record], beta=0.5)
    found = inversion.run(START)
    assert opt.stopped_because == "target"
    fitted = [row for row in record.rows if chi(problem.misfits[0], row[1]) <= 1.0]
    best = min(fitted, key=lambda row: row[3])
    np.testing.assert_array_equal(found, best[1])
    assert opt.kept_step == best[0]
    assert inversion.invProb.model is opt.xc
    assert inversion.invProb.phi_d == pytest.approx(best[2])
    assert opt.f == best[3]


def test_directives_see_each_iteration_as_it_is():
    problem, record = make_linear_problem(), Record()
    opt = adam(maxIter=12, steps_per_iteration=3, target_chi=None)
    problem.inversion(opt, [record], beta=0.1).run(START)
    last = START
    for count, (number, model, phi_d, value, before) in enumerate(record.rows, 1):
        assert number == count
        np.testing.assert_allclose(before, last, rtol=1e-15)
        assert phi_d == pytest.approx(problem.misfits[0](model))
        assert value >= phi_d
        last = model


def test_without_a_target_it_goes_on():
    problem = make_linear_problem()
    opt = adam(target_chi=None, maxIter=700)
    found = problem.inversion(opt).run(START)
    assert opt.stopped_because == "maxIter"
    assert chi(problem.misfits[0], found) < 0.9


def test_a_robust_misfit_has_a_target_of_its_own():
    problem = make_linear_problem(make=HuberDataMisfit)
    opt = adam(patience=1)
    found = problem.inversion(opt).run(START)
    (misfit,) = problem.misfits
    assert opt.stopped_because == "target"
    assert 0.9 < misfit.chi(misfit.W @ misfit.residual(found)) <= 1.0


def test_one_evaluation_per_step_and_one_more_where_beta_changes():
    problem = make_linear_problem()
    opt = adam(maxIter=15, target_chi=None, keep="last")
    problem.inversion(opt).run(START)
    assert opt.evaluations == 16
    opt = adam(maxIter=15, target_chi=None, keep="last")
    problem.inversion(opt, [Cool()]).run(START)
    assert opt.evaluations == 16 + 3


def test_values_before_a_change_of_the_trade_off_parameter_are_not_compared():
    """The function grows with the trade-off parameter, so the lowest value of all is not the best one at the end."""

    class Raise(simpeg_directives.InversionDirective):
        def endIter(self):
            if self.opt.iter == 30:
                self.invProb.beta *= 1e6

    problem = make_linear_problem()
    opt = adam(maxIter=60, target_chi=None)
    problem.inversion(opt, [Raise()]).run(START)
    assert opt.kept_step > 30


def test_not_finite_data(caplog):
    """SimPEG raises where predicted data are not finite; the run ends with the last good state."""
    problem = make_linear_problem()
    (misfit,) = problem.misfits
    dpred, count = misfit.simulation.dpred, [0]

    def breaks(m=None, f=None):
        count[0] += 1
        return dpred(m, f=f) * (np.nan if count[0] == 31 else 1.0)

    misfit.simulation.dpred = breaks
    opt, record = adam(), Record()
    inversion = problem.inversion(opt, [record])
    with caplog.at_level(logging.WARNING, "SimPEG"):
        found = inversion.run(START)
    assert opt.stopped_because == "nonfinite"
    assert f"at step {opt.steps}; back to the state after step {opt.kept_step}" in caplog.text
    assert len(record.rows) == opt.steps - 1
    np.testing.assert_array_equal(found, record.rows[-1][1])
    assert inversion.invProb.phi_d == pytest.approx(misfit(found))


def test_other_errors_are_raised():
    problem = make_linear_problem()

    def fails(m=None, f=None):
        msg = "no licence"
        raise ValueError(msg)

    problem.misfits[0].simulation.dpred = fails
    with pytest.raises(ValueError, match="no licence"):
        problem.inversion(adam()).run(START)


# beside directives ------------------------------------------------------------------------------------
def test_simpegs_target_and_betas():
    problem = make_linear_problem()
    opt = adam(target_chi=None, steps_per_iteration=20)
    steps = [simpeg_directives.BetaSchedule(coolingFactor=2.0), simpeg_directives.TargetMisfit()]
    found = problem.inversion(opt, steps, beta=100.0).run(START)
    assert opt.stopped_because == "directive"
    assert chi(problem.misfits[0], found) <= 1.0


def test_our_schedule_decides_when_to_stop():
    problem = make_linear_problem()
    opt = adam(maxIter=80, steps_per_iteration=40, keep="last")
    schedule = directives.JointBetaSchedule(tolerance=0.2)
    log = directives.SaveLog()
    problem.inversion(opt, [log, schedule, directives.UpdateJointPreconditioner()], beta=1.0).run(START)
    assert opt.stopped_because == "directive"
    assert 0.75 < schedule.chi[0] <= 1.0
    assert len(log.history["chi"]["misfit 0"]) == opt.iter


def test_progress_is_shown(capsys):
    from rich.console import Console

    problem = make_linear_problem()
    opt = adam(maxIter=6, steps_per_iteration=5)
    problem.inversion(opt, [directives.ShowProgress(console=Console(width=200))]).run(START)
    shown = capsys.readouterr().out
    assert "iteration 6 of at most 6" in shown


# bad input --------------------------------------------------------------------------------------------
def test_misfits_without_data():
    problem = make_linear_problem()
    blind = L2ObjectiveFunction(nP=N)
    total = problem.misfits[0] + blind
    opt = adam()
    inversion = problem.inversion(opt, misfit=total)
    inversion.invProb.get_dpred = lambda m, f: np.zeros(0)
    with pytest.raises(TypeError, match=r"data misfit\(s\) \[1\] have no simulation, so no χ"):
        inversion.run(START)


def test_a_number_of_targets_that_does_not_fit():
    problem = make_linear_problem(3)
    with pytest.raises(ValueError, match=r"target_chi: got \[1.0, 2.0\], wanted one, or 3, one per misfit"):
        problem.inversion(adam(target_chi=[1.0, 2.0])).run(START)


def test_the_least_squares_misfit_is_simpegs():
    assert type(make_linear_problem().misfits[0]) is L2DataMisfit
