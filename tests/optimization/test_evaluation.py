"""The objective function that seldom collects garbage gives the values and attributes of SimPEG's function."""

import gc

import numpy as np
import pytest
from simpeg import inverse_problem
from simpeg.utils import Counter

from simpeg_jointdl.optimization import BoundedGaussNewton, ProjectedGNCG, TorchMinimize
from tests.optimization.linear_problem import make_linear_problem


def run(opt, **options):
    inversion = make_linear_problem(2).inversion(opt, **options)
    return inversion.run(np.zeros(40)), inversion.invProb


def test_models_and_attributes_are_those_of_simpegs_function():
    mine, problem = run(ProjectedGNCG(maxIter=4, cg_rtol=1e-3, print_tables=False))
    inversion = make_linear_problem(2).inversion(ProjectedGNCG(maxIter=4, cg_rtol=1e-3, print_tables=False))
    inversion.invProb.counter = Counter()  # calls are counted by SimPEG's function alone
    np.testing.assert_array_equal(inversion.run(np.zeros(40)), mine)
    for name in ("phi_d", "phi_m", "phi_d_last", "phi_m_last"):
        assert getattr(problem, name) == getattr(inversion.invProb, name)
    np.testing.assert_array_equal(problem.dpred, inversion.invProb.dpred)


@pytest.mark.parametrize("parts", [(False, False), (True, False), (False, True), (True, True)])
def test_every_part_is_simpegs_to_the_bit(parts):
    opt = TorchMinimize(maxIter=1, print_tables=False)
    model, problem = run(opt)
    found, wanted = opt.evalFunction(model, *parts), problem.evalFunction(model, *parts)
    assert isinstance(found, tuple) == isinstance(wanted, tuple)
    assert (found[0] if any(parts) else found) == (wanted[0] if any(parts) else wanted)
    if parts[0]:
        np.testing.assert_array_equal(found[1], wanted[1])
    if parts[1]:
        np.testing.assert_array_equal(found[-1] @ model, wanted[-1] @ model)


def test_fields_of_a_line_search_are_kept_for_the_next_step():
    opt = TorchMinimize(maxIter=1, print_tables=False)
    model, problem = run(opt)
    opt.evalFunction(model, return_g=False, return_H=False)
    assert problem.warmstart[0][0] is model


@pytest.mark.parametrize("minimizer", [ProjectedGNCG, BoundedGaussNewton])
def test_garbage_is_collected_rarely_and_no_setting_of_the_process_changes(minimizer, monkeypatch):
    calls, frozen, thresholds = [], gc.get_freeze_count(), gc.get_threshold()
    monkeypatch.setattr(gc, "collect", lambda *args: calls.append(args))
    run(minimizer(maxIter=4, cg_rtol=1e-3, print_tables=False))
    assert len(calls) <= 1
    assert gc.get_freeze_count() <= frozen
    assert gc.get_threshold() == thresholds
    assert gc.isenabled()


def test_a_function_of_somebody_elses_problem_is_left_alone():
    class Mine(inverse_problem.BaseInvProblem):
        calls = 0

        def evalFunction(self, *args, **kwargs):
            self.calls += 1
            return super().evalFunction(*args, **kwargs)

    opt = ProjectedGNCG(maxIter=2, cg_rtol=1e-3, print_tables=False)
    inversion = make_linear_problem().inversion(opt)
    old = inversion.invProb
    inversion.invProb = Mine(old.dmisfit, old.reg, opt, beta=1.0, init_bfgs=False, print_version=False)
    inversion.run(np.zeros(40))
    assert inversion.invProb.calls > 2


def test_calls_are_counted_where_a_counter_asks_for_it():
    opt = ProjectedGNCG(maxIter=2, cg_rtol=1e-3, print_tables=False)
    inversion = make_linear_problem().inversion(opt)
    inversion.invProb.counter = Counter()
    inversion.run(np.zeros(40))
    assert "BaseInvProblem.evalFunction" in inversion.invProb.counter._timeList
