"""Directives are pickled before a run, and copied with their inversion after it."""

import copy
import pickle

import numpy as np
import pytest

from simpeg_jointdl import directives, optimization, regularization
from tests.optimization.problem import make_problem

MAKERS = {
    "BalanceMisfits": lambda: directives.BalanceMisfits([1.0, 2.0]),
    "CoolCouplings": lambda: directives.CoolCouplings(data=[[0], [1]]),
    "EstimateCouplingWeights": lambda: directives.EstimateCouplingWeights(0.5, growth=2.0),
    "JointBetaSchedule": lambda: directives.JointBetaSchedule(cooling_factor=3.0),
    "SaveCheckpoint": lambda: directives.SaveCheckpoint("run.npz"),
    "SaveLog": lambda: directives.SaveLog("log.csv"),
    "ShowProgress": lambda: directives.ShowProgress(),
    "TakeTurns": lambda: directives.TakeTurns([1, 0]),
    "UpdateDataSpacePreconditioner": lambda: directives.UpdateDataSpacePreconditioner(every=2),
    "UpdateFuzzyClusters": lambda: directives.UpdateFuzzyClusters(adaptive=True),
    "UpdateJointIRLS": lambda: directives.UpdateJointIRLS(n_steps=3),
    "UpdateJointPreconditioner": lambda: directives.UpdateJointPreconditioner(),
    "UpdateJointSensitivityWeights": lambda: directives.UpdateJointSensitivityWeights(every_iteration=True),
}


def test_every_directive_is_here():
    assert set(MAKERS) == {name for name in directives.__all__ if name[0].isupper()}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_a_new_directive_is_copied_with_its_settings(name, copied):
    directive = MAKERS[name]()
    other = copied(directive)
    assert type(other) is type(directive)
    for key, value in vars(directive).items():
        np.testing.assert_equal(vars(other)[key], value)


def an_inversion(preconditioner):
    problem = make_problem(on_tensors=True)  # SimPEG's own simulations cannot be copied after a run
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [
        directives.SaveLog(),
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(),
        preconditioner,
    ]
    return problem.inversion([*problem.terms, coupling], steps, max_iterations=2), problem.start


@pytest.mark.parametrize(
    "make",
    [directives.UpdateJointPreconditioner, directives.UpdateDataSpacePreconditioner],
    ids=lambda one: one.__name__,
)
def test_a_copied_inversion_runs_on_its_own_and_to_the_same_model(make):
    inversion, start = an_inversion(make())
    model = inversion.run(start)
    other = copy.deepcopy(inversion)
    assert other.directiveList.dList[0].invProb is other.invProb
    np.testing.assert_array_equal(other.run(start), inversion.run(start))
    assert not np.shares_memory(other.invProb.model, model)


def test_an_inversion_with_a_minimizer_of_this_package_is_pickled_after_a_run():
    problem = make_problem(on_tensors=True)
    steps = [directives.SaveLog(), directives.JointBetaSchedule(), directives.UpdateDataSpacePreconditioner()]
    inversion, start = problem.inversion(problem.terms, steps), problem.start
    opt = optimization.BoundedGaussNewton(maxIter=2, print_tables=False)
    opt.parent, opt.callback = inversion.invProb, inversion._optCallback
    inversion.opt = inversion.invProb.opt = opt
    inversion.stoppers = []  # SimPEG's inversion never reads them, and their lambda functions cannot be pickled
    inversion.run(start)
    other = pickle.loads(pickle.dumps(inversion))
    np.testing.assert_array_equal(other.run(start), inversion.run(start))
