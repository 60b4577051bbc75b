"""Cluster centres follow the model."""

import shutil

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


def test_guided_centres_move_and_fixed_centres_stay():
    guided, _ = run(1.0)
    fixed, _ = run(np.inf)
    assert not np.allclose(guided.centers, TARGETS)
    np.testing.assert_array_equal(fixed.centers, TARGETS)


def test_free_centres_are_the_means_of_the_model():
    free, model = run(0.0)
    before = free.centers
    free.centers = TARGETS
    for _ in range(60):
        free.update(model)
    assert np.abs(free.centers - before).max() < 0.1 * np.ptp(TARGETS)


def test_centres_are_updated_every_few_iterations():
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


# adaptive -----------------------------------------------------------------------------------------------------
UNITS = np.array([[1.0, 0.01], [0.3, 0.05]])


def two_blocks():
    """Two blocks with different ratios of the two properties, in place of the one block of the problem."""
    problem = make_joint_problem()
    x, y, z = problem.mesh.cell_centers.T
    places = [(np.abs(x - at) < 60) & (np.abs(y) < 100) & (z < -20) & (z > -130) for at in (-100, 100)]
    truth = np.concatenate(UNITS.T @ np.array(places, dtype=float))
    rng = np.random.default_rng(0)
    for misfit in problem.misfits:
        clean = misfit.simulation.dpred(truth)
        std = np.full(clean.size, 0.02 * np.abs(clean).max())
        misfit.data.dobs = clean + std * rng.standard_normal(clean.size)
        misfit.data.standard_deviation = std
        misfit.W = 1.0 / std
    problem.truth = truth
    return problem


def adapt(centers, guidance=0.5, *, max_iterations=14, last=(), **options):
    problem = two_blocks()
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, centers, guidance=guidance)
    steps = [
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(),
        directives.UpdateFuzzyClusters(adaptive=True, **options),
        directives.UpdateJointPreconditioner(),
        *last,
    ]
    inversion = problem.inversion([*problem.terms, coupling], steps, max_iterations=max_iterations, bounded=True)
    return coupling, inversion, problem


@pytest.mark.parametrize(
    "start",
    [[[0.0, 0.0], [0.5, 0.03]], [[0.0, 0.0], [0.5, 0.03], [0.2, 0.05], [0.7, 0.0]]],
    ids=["too few", "too many"],
)
def test_finds_the_background_and_both_units(start):
    coupling, inversion, problem = adapt(start)
    model = inversion.run(problem.start)
    assert coupling.n_clusters == 3
    found = coupling.targets[np.argsort(coupling.targets[:, 0])]
    np.testing.assert_allclose(found / UNITS.max(axis=0), [[0, 0], [0.3, 1.0], [1.0, 0.2]], atol=0.12)
    assert coupling.memberships(model).shape == (problem.mesh.n_cells, 3)


def test_fixed_centres_stay_and_get_no_neighbours():
    fixed = [[0.0, 0.0], [1.0, 0.01], [0.0, 0.02]]
    coupling, inversion, problem = adapt(fixed, [np.inf, np.inf, 0.5])
    inversion.run(problem.start)
    np.testing.assert_array_equal(coupling.centers[:2], fixed[:2])
    np.testing.assert_array_equal(coupling.guidance, [np.inf, np.inf, 0.5])
    np.testing.assert_allclose(coupling.targets[2] / UNITS[1], 1.0, atol=0.3)  # the unit that was not known
    told, inversion, problem = adapt(fixed, np.inf, max_iterations=7)
    inversion.run(problem.start)
    np.testing.assert_array_equal(told.centers, fixed)


@pytest.mark.parametrize("most", [2, 3])
def test_number_of_clusters_is_bounded(most):
    coupling, inversion, problem = adapt([[0.0, 0.0], [0.5, 0.03], [0.2, 0.05], [0.7, 0.0]], max_clusters=most)
    inversion.run(problem.start)
    assert coupling.n_clusters == most


def test_a_uniform_model_does_not_change_the_clusters():
    coupling, inversion, problem = adapt([[0.0, 0.0], [0.5, 0.03]], patience=1, search_every=1)
    inversion.invProb.startup(problem.start)
    (directive,) = (d for d in inversion.directiveList.dList if isinstance(d, directives.UpdateFuzzyClusters))
    directive.initialize()
    for model in (problem.start, np.zeros_like(problem.start), problem.start * (1 + 1e-14)):
        inversion.invProb.model = model
        inversion.opt.iter = 3
        directive.endIter()
        np.testing.assert_array_equal(coupling.targets, [[0.0, 0.0], [0.5, 0.03]])


def test_clusters_change_with_hysteresis():
    """The number changes when it was found often enough, and targets when the model's clusters are far from them."""
    coupling, inversion, problem = adapt([[0.0, 0.0], [0.5, 0.03]], patience=3, search_every=2)
    inversion.invProb.startup(problem.start)
    (directive,) = (d for d in inversion.directiveList.dList if isinstance(d, directives.UpdateFuzzyClusters))
    directive.initialize()
    numbers = []
    for iteration in range(1, 8):
        inversion.opt.iter, inversion.invProb.model = iteration, problem.truth
        directive.endIter()
        numbers.append(coupling.n_clusters)
    assert numbers == [2, 2, 2, 2, 2, 3, 3]
    targets = coupling.targets
    for factor, stays in ((1.05, True), (1.3, False)):
        inversion.opt.iter, inversion.invProb.model = 8, factor * problem.truth
        directive.endIter()
        assert np.array_equal(coupling.targets, targets) == stays


class KeepFiles(directives.SaveCheckpoint):
    """Keeps the checkpoint of every iteration."""

    def endIter(self):
        super().endIter()
        shutil.copy(self.path, self.path.with_name(f"{self.opt.iter}.npz"))


@pytest.mark.parametrize("at", [4, 7])  # before and after the number has changed
def test_a_resumed_run_has_the_same_clusters(tmp_path, at):
    whole, inversion, problem = adapt(TARGETS, max_iterations=9, last=[KeepFiles(tmp_path / "run.npz")])
    model = inversion.run(problem.start)
    again, inversion, _ = adapt(TARGETS, max_iterations=9, last=[directives.SaveCheckpoint(tmp_path / "other.npz")])
    resumed = directives.resume(inversion, tmp_path / f"{at}.npz")
    assert whole.n_clusters == again.n_clusters == 3
    np.testing.assert_array_equal(again.centers, whole.centers)
    np.testing.assert_allclose(resumed, model, atol=1e-12 * np.abs(model).max())


@pytest.mark.parametrize("name", ["search_every", "patience", "max_clusters"])
def test_bad_settings_of_the_adaptive_mode(name):
    with pytest.raises(ValueError, match=rf"UpdateFuzzyClusters\.{name}: got 0"):
        directives.UpdateFuzzyClusters(adaptive=True, **{name: 0})
