"""Centres that move with the model."""

import numpy as np
import pytest

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem

TARGETS = [[0.0, 0.0], [0.5, 0.03]]


def run(guidance, **options):
    problem = make_joint_problem()
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, TARGETS, guidance=guidance)
    steps = [
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(),
        directives.UpdateFuzzyClusters(**options),
        directives.UpdateJointPreconditioner(),
    ]
    model = problem.inversion([*problem.terms, coupling], steps, max_iterations=8).run(problem.start)
    return coupling, model


def test_guided_centres_move_and_fixed_ones_stay():
    guided, _ = run(1.0)
    fixed, _ = run(np.inf)
    assert not np.allclose(guided.centers, TARGETS)
    np.testing.assert_array_equal(fixed.centers, TARGETS)


def test_free_centres_are_where_the_model_has_them():
    free, model = run(0.0)
    before = free.centers
    free.centers = TARGETS
    for _ in range(60):
        free.update(model)
    assert np.abs(free.centers - before).max() < 0.1 * np.ptp(TARGETS)


def test_every_counts_iterations():
    rarely, _ = run(1.0, every=100)
    np.testing.assert_array_equal(rarely.centers, TARGETS)


def test_bad_input():
    with pytest.raises(ValueError, match=r"UpdateFuzzyClusters\.every: got 0"):
        directives.UpdateFuzzyClusters(every=0)
    problem = make_joint_problem()
    inversion = problem.inversion(problem.terms, [directives.UpdateFuzzyClusters()])
    inversion.invProb.startup(problem.start)
    with pytest.raises(ValueError, match="no cluster coupling"):
        inversion.directiveList.call("initialize")
