"""Inversions with checkpoints, and a directive that simulates a signal, for the tests of checkpoints."""

from __future__ import annotations

import shutil

import numpy as np
from simpeg import directives as simpeg_directives
from simpeg.regularization import Sparse

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


class Killed(BaseException):
    """Simulates the end of a process by a signal."""


class Die(simpeg_directives.SaveEveryIteration):
    """Simulates the end of the process after an iteration has been saved."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    file_abs_path = None

    def initialize(self):
        """Nothing to save."""

    def endIter(self):
        if self.opt.iter == self.after:
            raise Killed


class KeepAll(directives.SaveCheckpoint):
    """Keeps the checkpoint of every iteration."""

    def endIter(self):
        super().endIter()
        shutil.copy(self.path, self.path.with_name(f"{self.opt.iter}.npz"))


# problems: each from scratch, as a new process would make them -----------------------------------------------
def smooth(problem):
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [
        directives.SaveLog(),
        directives.UpdateJointSensitivityWeights(every_iteration=True),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(),
        directives.UpdateJointPreconditioner(),
    ]
    return [*problem.terms, coupling], steps


def clustered(problem):
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, [[0, 0], [0.8, 0.04]], guidance=0.5)
    steps = [
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(0.1),
        directives.UpdateFuzzyClusters(every=2),
        directives.UpdateJointPreconditioner(update_every_iteration=False),
    ]
    return [*problem.terms, coupling], steps


def sparse(problem):
    steps = [
        simpeg_directives.UpdateSensitivityWeights(),
        simpeg_directives.BetaEstimate_ByEig(beta0_ratio=0.1, random_seed=1),
        simpeg_directives.UpdateIRLS(chifact_start=30.0, verbose=False),
        simpeg_directives.UpdatePreconditioner(),
    ]
    return [Sparse(problem.mesh, mapping=wire, norms=[0, 1, 1, 1]) for _, wire in problem.wires.maps], steps


def own_norms(problem):
    steps = [
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(chifact=20.0),
        directives.UpdateJointIRLS(),
        directives.UpdateJointPreconditioner(),
    ]
    return [Sparse(problem.mesh, mapping=wire) for _, wire in problem.wires.maps], steps


def in_turns(problem):
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [
        directives.JointBetaSchedule(),
        directives.TakeTurns(order=(1, 0), max_rounds=3, turn_iterations=2),
        directives.EstimateCouplingWeights(),
        directives.UpdateJointPreconditioner(),
    ]
    return [*problem.terms, coupling], steps


PROBLEMS = {
    "smooth": smooth,
    "clustered": clustered,
    "sparse": sparse,
    "own norms": own_norms,
    "in turns": in_turns,
}


def make(name, path, *more, max_iterations=6, saver=directives.SaveCheckpoint, problem=None, **options):
    problem = problem or make_joint_problem()
    terms, steps = PROBLEMS[name](problem)
    steps = [*steps, saver(path, **options), *more]
    inversion = problem.inversion(terms, steps, max_iterations=max_iterations, bounded=name == "clustered")
    return inversion, problem.start


def assert_same(first, second, place="", but=()):
    """Two trees are equal to the bit."""
    if isinstance(first, dict):
        assert list(first) == list(second), place
        for key in first:
            if key not in but:
                assert_same(first[key], second[key], f"{place}.{key}", but)
    elif isinstance(first, list):
        for i, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_same(one, other, f"{place}[{i}]", but)
    else:
        np.testing.assert_array_equal(first, second, err_msg=place)
