"""A run killed at any moment goes on from its last finished iteration, to the same model."""

import errno
import logging
import os
import shutil
import signal
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg import optimization
from simpeg.regularization import Sparse

from simpeg_jointdl import directives, regularization
from simpeg_jointdl.directives.checkpoint import _file as _checkpoint_file
from simpeg_jointdl.directives.checkpoint._file import read_checkpoint, write_checkpoint
from tests.directives.checkpoint import killed_runs
from tests.directives.problem import make_joint_problem


class Killed(BaseException):
    """In the place of a signal."""


class Die(simpeg_directives.SaveEveryIteration):
    """Ends the process, as it were, after an iteration has been saved."""

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


@pytest.fixture(scope="module", params=PROBLEMS)
def whole(request, tmp_path_factory):
    """A run that was never interrupted, with its checkpoint of every iteration."""
    folder = tmp_path_factory.mktemp("whole")
    inversion, start = make(request.param, folder / "last.npz", saver=KeepAll)
    return SimpleNamespace(name=request.param, folder=folder, model=inversion.run(start), n=inversion.opt.iter)


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


# laws -------------------------------------------------------------------------------------------------------
def test_one_more_iteration_from_any_checkpoint_leaves_the_same_state_to_the_bit(whole, tmp_path):
    """By induction, all iterations do. SaveLog's lines have times in them."""
    assert whole.n == 6
    for k in range(1, whole.n):
        path = tmp_path / "run.npz"
        shutil.copy(whole.folder / f"{k}.npz", path)
        inversion, _ = make(whole.name, path, max_iterations=k + 1, saver=KeepAll)
        model = directives.resume(inversion, path)
        assert inversion.opt.iter == k + 1
        # the minimizer kept its place: what it had found out it does not find out again
        first, second = (read_checkpoint(folder / f"{k + 1}.npz") for folder in (whole.folder, tmp_path))
        assert_same(first, second, but={"SaveLog", "KeepAll"})
        np.testing.assert_array_equal(model, second["model"])


def test_a_run_that_dies_goes_on_to_the_same_model(whole, tmp_path):
    path = tmp_path / "run.npz"
    for after in (2, 4):  # twice, the second time in a run that was resumed
        inversion, start = make(whole.name, path, Die(after))
        with pytest.raises(Killed):
            directives.resume(inversion, path) if path.exists() else inversion.run(start)
    inversion, _ = make(whole.name, path)
    np.testing.assert_array_equal(directives.resume(inversion, path), whole.model)


@pytest.mark.parametrize("name", ["clustered", "sparse"])
def test_the_same_objects_may_go_on_as_well(name, tmp_path):
    """A notebook that was interrupted still has them, as the interruption left them."""
    path = tmp_path / "run.npz"
    inversion, start = make(name, tmp_path / "other.npz")
    model = inversion.run(start)
    inversion, start = make(name, path, Die(3))
    with pytest.raises(Killed):
        inversion.run(start)
    inversion.directiveList.dList.pop()
    np.testing.assert_array_equal(directives.resume(inversion, path), model)


def test_bfgs_and_a_lone_regularization_go_on(tmp_path):
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


def test_sigkill_at_moments_of_its_own(tmp_path):
    """20 random ones: tests/directives/checkpoint/killed_runs.py."""
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
def test_a_finished_run_gives_its_model_and_all_else_at_once(tmp_path, monkeypatch):
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


def test_every_third_iteration_and_the_last(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "simpeg_jointdl.directives.checkpoint._checkpoint.write_checkpoint",
        lambda path, tree: seen.append(tree["state"]["minimizer"]["iter"]),
    )
    inversion, start = make("smooth", tmp_path / "run.npz", max_iterations=5, every=3)
    inversion.run(start)
    assert seen == [3, 5]


def test_nothing_is_left_behind(tmp_path):
    path = tmp_path / "run.npz"
    inversion, start = make("smooth", path, max_iterations=2)
    inversion.run(start)
    inversion, _ = make("smooth", path, max_iterations=3)
    n_directives = len(inversion.directiveList.dList)
    directives.resume(inversion, path)
    assert os.listdir(tmp_path) == ["run.npz"]
    assert len(inversion.directiveList.dList) == n_directives
    assert not [name for name in vars(inversion.opt) if "resume" in name]


# what is refused ---------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A good checkpoint of two iterations."""
    path = tmp_path_factory.mktemp("saved") / "run.npz"
    inversion, start = make("smooth", path, max_iterations=2)
    inversion.run(start)
    return path


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def text(path):
    path.write_text("a model\n")


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    with path.open("wb") as file:
        np.savez(file, model=np.ones(3))


def with_member(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more", "1")


def older(path):
    tree = read_checkpoint(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_checkpoint_file, "_VERSION", 0)
        write_checkpoint(path, tree)


BAD_FILES = {
    truncated: "damaged",
    flipped: "damaged",
    with_member: "damaged",
    foreign: "some other archive",
    text: "some other file",
    empty: "some other file",
    older: "version 0, .* reads version 1",
}


@pytest.mark.parametrize(("spoil", "reason"), BAD_FILES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_file_that_is_no_checkpoint_is_refused_and_left(spoil, reason, saved, tmp_path):
    path = tmp_path / "bad.npz"
    shutil.copy(saved, path)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"bad.npz.*{reason}.*left as it is"):
        directives.resume(make("smooth", path)[0], path)
    inversion, start = make("smooth", path, overwrite=True)
    with pytest.raises(ValueError, match=reason):
        inversion.run(start)
    assert path.read_bytes() == before


def other_data(problem):
    data = problem.misfits[1].data
    data.dobs = data.dobs + 1e-9


def other_uncertainties(problem):
    data = problem.misfits[0].data
    data.standard_deviation = 2 * data.standard_deviation


def other_terms(problem):
    problem.terms[0] = Sparse(problem.mesh, mapping=problem.wires.density)


@pytest.mark.parametrize(
    ("change", "reason"),
    {other_data: "observed data", other_uncertainties: "uncertainties", other_terms: "terms"}.items(),
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_checkpoint_of_another_problem_is_refused_and_left(change, reason, saved, tmp_path):
    path = tmp_path / "other.npz"
    shutil.copy(saved, path)
    problem = make_joint_problem()
    change(problem)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"of another problem: {reason}"):
        directives.resume(make("smooth", path, problem=problem)[0], path)
    inversion, start = make("smooth", path, problem=problem, overwrite=True)
    with pytest.raises(ValueError, match="of another problem"):
        inversion.run(start)
    assert path.read_bytes() == before


def test_other_directives_are_another_problem_but_for_those_that_watch(saved, tmp_path):
    path = tmp_path / "run.npz"
    shutil.copy(saved, path)
    problem = make_joint_problem()
    terms, steps = smooth(problem)
    with pytest.raises(ValueError, match="of another problem: directives"):
        directives.resume(problem.inversion(terms, [*steps[:-1], directives.SaveCheckpoint(path)]), path)
    terms, steps = smooth(problem)
    inversion = problem.inversion(terms, [directives.ShowProgress(), *steps[1:]], max_iterations=3)
    directives.resume(inversion, path)
    assert inversion.opt.iter == 3


def test_a_run_from_its_beginning_replaces_its_own_checkpoint_only_when_told(saved, tmp_path):
    path = tmp_path / "run.npz"
    shutil.copy(saved, path)
    inversion, start = make("smooth", path)
    with pytest.raises(ValueError, match=r"resume\(inversion, path\), or begin again with another path or overwrite"):
        inversion.run(start)
    inversion, start = make("smooth", path, max_iterations=1, overwrite=True)
    inversion.run(start)
    assert read_checkpoint(path)["state"]["minimizer"]["iter"] == 1


def test_resume_without_a_checkpoint_says_what_to_do(tmp_path):
    inversion, _ = make("smooth", tmp_path / "run.npz")
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint .*; begin by inversion.run"):
        directives.resume(inversion, tmp_path / "run.npz")


@pytest.mark.parametrize("place", ["missing/run.npz", "file/run.npz", ""])
def test_a_place_where_nothing_can_be_written_is_found_out_at_once(place, tmp_path):
    (tmp_path / "file").touch()
    inversion, start = make("smooth", tmp_path / place)
    with pytest.raises(OSError, match=r"SaveCheckpoint\.path: cannot write .*give a path in a folder"):
        inversion.run(start)


def test_a_full_disk_leaves_the_last_checkpoint_and_the_run_goes_on(tmp_path, monkeypatch, caplog):
    path = tmp_path / "run.npz"
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("simpeg_jointdl._core.files.os.fsync", fsync)
    inversion, start = make("smooth", path, max_iterations=4)
    with caplog.at_level(logging.WARNING, logger="SimPEG"):
        inversion.run(start)
    assert inversion.opt.iter == 4
    assert read_checkpoint(path)["state"]["minimizer"]["iter"] == 2
    assert os.listdir(tmp_path) == ["run.npz"]
    assert caplog.text.count("could not write") == 2


def test_killed_while_writing_the_last_checkpoint_is_there(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    whole, start = make("smooth", tmp_path / "whole.npz", max_iterations=3)
    model = whole.run(start)
    fsync, calls = os.fsync, []

    def killed(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            os.ftruncate(descriptor, 5000)
            raise Killed
        fsync(descriptor)

    monkeypatch.setattr("simpeg_jointdl._core.files.os.fsync", killed)
    inversion, start = make("smooth", path, max_iterations=3)
    with pytest.raises(Killed):
        inversion.run(start)
    assert "run.npz.part" in os.listdir(tmp_path)
    assert read_checkpoint(path)["state"]["minimizer"]["iter"] == 1
    inversion, _ = make("smooth", path, max_iterations=3)
    np.testing.assert_array_equal(directives.resume(inversion, path), model)
    assert "run.npz.part" not in os.listdir(tmp_path)


@pytest.mark.parametrize("late", [directives.UpdateJointPreconditioner, directives.SaveLog])
def test_it_stands_last(late, tmp_path):
    problem = make_joint_problem()
    with pytest.raises(ValueError, match="must stand"):
        problem.inversion(problem.terms, [directives.SaveCheckpoint(tmp_path / "run.npz"), late()])


def test_every_is_a_number_of_iterations(tmp_path):
    with pytest.raises(ValueError, match=r"SaveCheckpoint\.every: got 0"):
        directives.SaveCheckpoint(tmp_path / "run.npz", every=0)


# the file ------------------------------------------------------------------------------------------------------
def test_trees_come_back_as_they_were_and_numpy_reads_the_arrays(tmp_path):
    ones = np.ones((2, 3), order="F")
    tree = {
        "numbers": [1, 0.1, np.float64(1 / 3), True, None, np.inf, -0.0],
        "by place": {0: (1, 2), 7: []},
        "arrays": [ones, ones.copy(), np.array(3.0), np.zeros(0), np.array(["a", "χ"]), np.array([True])],
    }
    write_checkpoint(tmp_path / "tree.npz", tree)
    back = read_checkpoint(tmp_path / "tree.npz")
    assert_same(tree, back)
    assert [one.dtype for one in back["arrays"]] == [one.dtype for one in tree["arrays"]]
    assert isinstance(back["by place"][0], tuple)
    with np.load(tmp_path / "tree.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) == 6  # the header, and equal arrays once


def test_what_is_not_plain_is_named_and_leaves_no_file(tmp_path):
    with pytest.raises(TypeError, match=r"checkpoint\['a'\]\[1\]: got set"):
        write_checkpoint(tmp_path / "tree.npz", {"a": [1, {2}]})
    assert os.listdir(tmp_path) == []
