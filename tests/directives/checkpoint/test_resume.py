"""A run that is killed at any moment continues from its last finished iteration, to the same model."""

import os
import shutil
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg import optimization

from simpeg_jointdl import directives
from simpeg_jointdl.directives.checkpoint._file import read_checkpoint
from tests.directives.checkpoint import killed_runs
from tests.directives.checkpoint.problems import PROBLEMS, Die, KeepAll, Killed, assert_same, make
from tests.directives.problem import make_joint_problem


@pytest.fixture(scope="module", params=PROBLEMS)
def whole(request, tmp_path_factory):
    """A run that was never interrupted, with its checkpoint of every iteration."""
    folder = tmp_path_factory.mktemp("whole")
    inversion, start = make(request.param, folder / "last.npz", saver=KeepAll)
    return SimpleNamespace(name=request.param, folder=folder, model=inversion.run(start), n=inversion.opt.iter)


# laws -------------------------------------------------------------------------------------------------------
def test_one_more_iteration_from_any_checkpoint_leaves_the_same_state_to_the_bit(whole, tmp_path):
    """By induction this holds for all iterations. Lines of SaveLog contain times, so they differ."""
    assert whole.n == 6
    for k in range(1, whole.n):
        path = tmp_path / "run.npz"
        shutil.copy(whole.folder / f"{k}.npz", path)
        inversion, _ = make(whole.name, path, max_iterations=k + 1, saver=KeepAll)
        model = directives.resume(inversion, path)
        assert inversion.opt.iter == k + 1
        # the state after the next iteration is the same, that of the minimizer included
        first, second = (read_checkpoint(folder / f"{k + 1}.npz") for folder in (whole.folder, tmp_path))
        assert_same(first, second, but={"SaveLog", "KeepAll"})
        np.testing.assert_array_equal(model, second["model"])


def test_a_killed_run_continues_to_the_same_model(whole, tmp_path):
    path = tmp_path / "run.npz"
    for after in (2, 4):  # twice, the second time in a run that was resumed
        inversion, start = make(whole.name, path, Die(after))
        with pytest.raises(Killed):
            directives.resume(inversion, path) if path.exists() else inversion.run(start)
    inversion, _ = make(whole.name, path)
    np.testing.assert_array_equal(directives.resume(inversion, path), whole.model)


@pytest.mark.parametrize("name", ["clustered", "sparse"])
def test_a_run_can_be_resumed_with_the_same_objects(name, tmp_path):
    """In a notebook that was interrupted they are still there, as the interruption left them."""
    path = tmp_path / "run.npz"
    inversion, start = make(name, tmp_path / "other.npz")
    model = inversion.run(start)
    inversion, start = make(name, path, Die(3))
    with pytest.raises(Killed):
        inversion.run(start)
    inversion.directiveList.dList.pop()
    np.testing.assert_array_equal(directives.resume(inversion, path), model)


def test_bfgs_and_a_single_regularization_term_are_resumed(tmp_path):
    def make_lone(after=0):
        problem = make_joint_problem(1)
        steps = [simpeg_directives.BetaSchedule(coolingFactor=2, coolingRate=2)]
        steps += [directives.SaveCheckpoint(tmp_path / f"{bool(after)}.npz"), Die(after)]
        inversion = problem.inversion(problem.terms, steps, max_iterations=5)
        opt = optimization.InexactGaussNewton(maxIter=5, cg_rtol=1e-2, tolF=0.0)
        opt.printers, opt.callback, opt.parent = [], inversion._optCallback, inversion.invProb
        inversion.opt = inversion.invProb.opt = opt
        return inversion, problem.start

    inversion, start = make_lone()
    model = inversion.run(start)
    assert inversion.opt._bfgscnt > 1
    inversion, start = make_lone(after=3)
    with pytest.raises(Killed):
        inversion.run(start)
    shutil.copy(tmp_path / "True.npz", tmp_path / "False.npz")
    inversion, _ = make_lone()
    np.testing.assert_array_equal(directives.resume(inversion, tmp_path / "False.npz"), model)


def test_processes_that_are_killed_by_sigkill_are_resumed(tmp_path):
    """tests/directives/checkpoint/killed_runs.py does the same at 20 random moments."""
    folders = [tmp_path / name for name in ("whole", "early", "late")]
    for folder in folders:
        folder.mkdir()
    processes = [killed_runs.spawn(folder, max_iterations=6) for folder in folders[1:]]
    for folder, process, n_done in zip(folders[1:], processes, (1, 3), strict=True):
        killed_runs.wait_until(
            lambda folder=folder, n_done=n_done: killed_runs.last_iteration(folder) >= n_done, process
        )
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    inversion, start = killed_runs.build(folders[0], max_iterations=6)
    model = inversion.run(start)
    for folder in folders[1:]:
        inversion, _ = killed_runs.build(folder, max_iterations=6)
        resumed = directives.resume(inversion, folder / "run.npz")
        assert np.abs(resumed - model).max() <= 1e-8 * np.abs(model).max()
        assert directives.read_log(folder / "log.csv")["iteration"].tolist() == list(range(1, 7))


# the end of a run -------------------------------------------------------------------------------------------
def test_a_finished_run_is_restored_without_running(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"

    def build():
        problem = make_joint_problem()
        turns = directives.TakeTurns(turn_iterations=1)
        steps = [directives.JointBetaSchedule(), turns, directives.SaveCheckpoint(path, every=5)]
        return problem.inversion(problem.terms, steps), problem.start

    inversion, start = build()
    model = inversion.run(start)
    again, _ = build()
    monkeypatch.setattr(again, "run", None)
    np.testing.assert_array_equal(directives.resume(again, path), model)
    np.testing.assert_array_equal(again.m, model)
    assert again.opt.iter == inversion.opt.iter == 2
    assert again.invProb.phi_d == inversion.invProb.phi_d
    assert again.invProb.dmisfit.multipliers == [1.0, 1.0]
    assert (again.opt.lower == -np.inf).all()
    np.testing.assert_array_equal(again.directiveList.dList[0].chi, inversion.directiveList.dList[0].chi)


def test_every_third_iteration_and_the_last_one_are_saved(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "simpeg_jointdl.directives.checkpoint._checkpoint.write_checkpoint",
        lambda path, tree: seen.append(tree["state"]["minimizer"]["iter"]),
    )
    inversion, start = make("smooth", tmp_path / "run.npz", max_iterations=5, every=3)
    inversion.run(start)
    assert seen == [3, 5]


def test_resume_leaves_nothing_behind(tmp_path):
    path = tmp_path / "run.npz"
    inversion, start = make("smooth", path, max_iterations=2)
    inversion.run(start)
    inversion, _ = make("smooth", path, max_iterations=3)
    n_directives = len(inversion.directiveList.dList)
    directives.resume(inversion, path)
    assert os.listdir(tmp_path) == ["run.npz"]
    assert len(inversion.directiveList.dList) == n_directives
    assert not [name for name in vars(inversion.opt) if "resume" in name]
