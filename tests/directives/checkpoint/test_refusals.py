"""Checkpoints that are refused, with a message that says why, and left as they are."""

import shutil
import zipfile

import numpy as np
import pytest
from simpeg.regularization import Sparse

from simpeg_jointdl import directives
from simpeg_jointdl.directives.checkpoint import _file as _checkpoint_file
from simpeg_jointdl.directives.checkpoint._file import read_checkpoint, write_checkpoint
from tests.directives.checkpoint.problems import make, smooth
from tests.directives.problem import make_joint_problem


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
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(spoil, reason, saved, tmp_path):
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
def test_a_checkpoint_of_another_problem_is_refused_and_kept(change, reason, saved, tmp_path):
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


def test_other_directives_make_another_problem_unless_they_only_show_or_save(saved, tmp_path):
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


def test_a_new_run_replaces_its_own_checkpoint_only_with_overwrite(saved, tmp_path):
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
