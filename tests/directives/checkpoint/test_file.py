"""Files of checkpoints: what they contain, and what happens when they cannot be written."""

import errno
import logging
import os

import numpy as np
import pytest

from simpeg_jointdl import directives
from simpeg_jointdl.directives.checkpoint._file import read_checkpoint, write_checkpoint
from tests.directives.checkpoint.problems import Killed, assert_same, make
from tests.directives.problem import make_joint_problem


@pytest.mark.parametrize("place", ["missing/run.npz", "file/run.npz", ""])
def test_a_path_that_cannot_be_written_is_refused_at_the_start(place, tmp_path):
    (tmp_path / "file").touch()
    inversion, start = make("smooth", tmp_path / place)
    with pytest.raises(OSError, match=r"SaveCheckpoint\.path: cannot write .*give a path in a folder"):
        inversion.run(start)


def test_the_last_checkpoint_stays_and_the_run_goes_on_when_the_disk_is_full(tmp_path, monkeypatch, caplog):
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


def test_the_last_checkpoint_stays_when_the_process_is_killed_while_writing(tmp_path, monkeypatch):
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
def test_it_must_come_last(late, tmp_path):
    problem = make_joint_problem()
    with pytest.raises(ValueError, match="must stand"):
        problem.inversion(problem.terms, [directives.SaveCheckpoint(tmp_path / "run.npz"), late()])


def test_every_must_be_at_least_1(tmp_path):
    with pytest.raises(ValueError, match=r"SaveCheckpoint\.every: got 0"):
        directives.SaveCheckpoint(tmp_path / "run.npz", every=0)


# the file ------------------------------------------------------------------------------------------------------
def test_trees_are_read_as_they_were_written_and_numpy_reads_the_arrays(tmp_path):
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


def test_a_value_that_is_not_plain_is_named_and_no_file_is_left(tmp_path):
    with pytest.raises(TypeError, match=r"checkpoint\['a'\]\[1\]: got set"):
        write_checkpoint(tmp_path / "tree.npz", {"a": [1, {2}]})
    assert os.listdir(tmp_path) == []
