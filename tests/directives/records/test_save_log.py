"""The log has one line per iteration, with the weights that the iteration was computed with."""

import errno
import logging
import shutil

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg import objective_function

from simpeg_jointdl import directives, plotting, regularization
from tests.directives.problem import make_joint_problem


def make(path, *more, max_iterations=4, steps=None, problem=None, **options):
    problem = problem or make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    log = directives.SaveLog(path, **options)
    if steps is None:
        steps = [directives.JointBetaSchedule(), directives.EstimateCouplingWeights()]
    inversion = problem.inversion([*problem.terms, coupling], [log, *steps, *more], max_iterations=max_iterations)
    return log, inversion, problem.start


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run, its log and the model at each of its iterations."""
    models = []

    class Keep(simpeg_directives.InversionDirective):
        def endIter(self):
            models.append(self.invProb.model.copy())

    path = tmp_path_factory.mktemp("log") / "log.csv"
    log, inversion, start = make(path, Keep())
    inversion.run(start)
    return log, inversion, models


def test_columns_agree_with_each_other(finished):
    log, inversion, models = finished
    table = directives.read_log(log.path)
    terms = ["WeightedLeastSquares", "WeightedLeastSquares 2", "CrossGradient"]
    assert list(table) == [
        *("iteration", "seconds", "phi_d", "phi_m", "beta"),
        *("chi_gravity", "chi_magnetics", "beta_gravity", "beta_magnetics"),
        *(f"value_{term}" for term in terms),
        *(f"weight_{term}" for term in terms),
    ]
    assert table["iteration"].tolist() == [1, 2, 3, 4]
    assert (table["seconds"] > 0).all()
    n_data = [misfit.simulation.survey.nD for misfit in inversion.invProb.dmisfit.objfcts]
    np.testing.assert_allclose(table["phi_d"], n_data[0] * table["chi_gravity"] + n_data[1] * table["chi_magnetics"])
    # with the weights of the iteration, not those that directives have set for the next one
    np.testing.assert_allclose(table["phi_m"], sum(table[f"value_{t}"] * table[f"weight_{t}"] for t in terms))
    np.testing.assert_allclose(table["beta_gravity"], table["beta"] * table["weight_WeightedLeastSquares"])
    assert table["beta_gravity"][0] > inversion.directiveList.dList[1].betas[0]
    for i, model in enumerate(models):
        assert table["value_CrossGradient"][i] == pytest.approx(inversion.invProb.reg.objfcts[2](model))
        assert table["chi_magnetics"][i] == pytest.approx(inversion.invProb.dmisfit.objfcts[1](model) / n_data[1])


def test_numbers_in_memory_and_on_disk_are_the_same_to_the_bit(finished):
    log, _, _ = finished
    table = directives.read_log(log.path)
    for group, prefix in (
        ("chi", "chi_"),
        ("beta", "beta_"),
        ("coupling_value", "value_"),
        ("coupling_weight", "weight_"),
    ):
        for name, values in log.history[group].items():
            assert table[prefix + name].tolist() == values
    assert list(log.history["coupling_value"]) == ["CrossGradient"]


def test_the_history_can_be_plotted(finished):
    assert len(plotting.plot_convergence(finished[0].history).axes) == 5


def test_the_terms_of_the_history_sum_to_the_whole(finished):
    log, _, _ = finished
    terms = log.history["term_value"]
    assert list(terms) == ["WeightedLeastSquares", "WeightedLeastSquares 2", "CrossGradient"]
    np.testing.assert_allclose(np.sum(list(terms.values()), axis=0), directives.read_log(log.path)["phi_m"])


def test_in_memory_only_with_one_common_beta_and_no_coupling():
    problem = make_joint_problem()
    log = directives.SaveLog()
    steps = [log, simpeg_directives.BetaSchedule(coolingFactor=2, coolingRate=1)]
    assert log.history == {}
    problem.inversion(problem.terms, steps, max_iterations=2).run(problem.start)
    assert log.history["beta"] == {"common": [1.0, 0.5]}
    assert set(log.history) == {"chi", "beta", "term_value"}


def test_there_is_a_column_for_every_misfit_of_the_same_method():
    problem = make_joint_problem()
    log = directives.SaveLog()
    inversion = problem.inversion(
        problem.terms, [log], misfits=[*problem.misfits, problem.misfits[0]], max_iterations=1
    )
    inversion.run(problem.start)
    assert list(log.history["chi"]) == ["gravity", "magnetics", "gravity 2"]


def test_names_of_the_user(tmp_path):
    log, inversion, start = make(tmp_path / "log.csv", names=("Bouguer, 2019", "TMI"), max_iterations=1)
    inversion.run(start)
    assert list(log.history["chi"]) == ["Bouguer, 2019", "TMI"]
    assert list(log.history["beta"]) == ["Bouguer, 2019", "TMI"]
    assert "chi_Bouguer, 2019" in directives.read_log(log.path)


@pytest.mark.parametrize("names", [["one"], ["one", "one"], [1, 2], ["a", "b", "c"]])
def test_names_that_do_not_fit(names):
    _, inversion, start = make(None, names=names)
    with pytest.raises((ValueError, TypeError), match=r"SaveLog\.names: got .*, wanted 2 different names"):
        inversion.run(start)


def test_misfits_without_data_have_no_chi():
    problem = make_joint_problem()
    other = objective_function.L2ObjectiveFunction(W=np.eye(problem.start.size))
    inversion = problem.inversion(problem.terms, [directives.SaveLog()], misfits=[*problem.misfits, other])
    with pytest.raises(TypeError, match=r"data misfit\(s\) \[2\] have no simulation"):
        inversion.run(problem.start)


@pytest.mark.parametrize("early", [directives.JointBetaSchedule, simpeg_directives.UpdateSensitivityWeights])
def test_it_must_come_before_directives_that_change_something(early):
    problem = make_joint_problem()
    with pytest.raises(ValueError, match=f"SaveLog must stand before {early.__name__}: .*Put SaveLog first"):
        problem.inversion(problem.terms, [early(), directives.SaveLog()])


# files -------------------------------------------------------------------------------------------------------
def test_an_existing_log_is_replaced_only_with_overwrite(finished, tmp_path):
    path = tmp_path / "log.csv"
    shutil.copy(finished[0].path, path)
    _, inversion, start = make(path)
    with pytest.raises(ValueError, match="holds the log of an earlier run; give another path or overwrite=True"):
        inversion.run(start)
    assert path.read_bytes() == finished[0].path.read_bytes()
    _, inversion, start = make(path, max_iterations=1, overwrite=True)
    inversion.run(start)
    assert len(directives.read_log(path)["iteration"]) == 1


@pytest.mark.parametrize(
    "content", ["a,b\n1,2\n", "iteration,seconds\n", "words", "iteration,seconds,phi_d,phi_m,beta\n1,2\n"]
)
def test_another_file_is_neither_read_nor_replaced(content, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match="is not a log that SaveLog wrote"):
        directives.read_log(path)
    _, inversion, start = make(path, overwrite=True)
    with pytest.raises(ValueError, match="is not a log that SaveLog wrote"):
        inversion.run(start)
    assert path.read_text() == content


def test_a_line_that_is_written_in_part_is_not_read(finished, tmp_path):
    path = tmp_path / "log.csv"
    text = finished[0].path.read_text()
    path.write_text(text[:-30])
    assert directives.read_log(path)["iteration"].tolist() == [1, 2, 3]
    path.write_text(text[: text.index("\n") + 1])
    assert directives.read_log(path)["iteration"].tolist() == []


@pytest.mark.parametrize("place", ["missing/log.csv", ""])
def test_a_path_that_cannot_be_written_is_refused_at_the_start(place, tmp_path):
    _, inversion, start = make(tmp_path / place)
    with pytest.raises(OSError, match=r"SaveLog\.path: cannot write"):
        inversion.run(start)


def test_no_line_is_lost_when_the_disk_was_full_for_a_while(tmp_path, monkeypatch, caplog):
    log, inversion, start = make(tmp_path / "log.csv", max_iterations=3)
    write, calls = log._write, []

    def full_once(path):
        calls.append(1)
        if len(calls) == 2:
            log.path.write_text(log.path.read_text() + "2,0.")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path)

    monkeypatch.setattr(log, "_write", full_once)
    with caplog.at_level(logging.WARNING, logger="SimPEG"):
        inversion.run(start)
    assert caplog.text.count("SaveLog: could not write") == 1
    assert directives.read_log(log.path)["iteration"].tolist() == [1, 2, 3]


def test_a_resumed_run_continues_its_log_without_repeated_or_incomplete_lines(tmp_path):
    def begin(max_iterations):
        saver = directives.SaveCheckpoint(tmp_path / "run.npz")
        return make(tmp_path / "log.csv", saver, max_iterations=max_iterations)

    _, inversion, start = begin(2)
    inversion.run(start)
    first = directives.read_log(tmp_path / "log.csv")
    with (tmp_path / "log.csv").open("a") as file:  # an iteration that was not saved, and a part of the next one
        file.write((tmp_path / "log.csv").read_text().splitlines()[-1].replace("2,", "3,", 1) + "\n4,0.1,3")
    log, inversion, _ = begin(4)
    directives.resume(inversion, tmp_path / "run.npz")
    table = directives.read_log(tmp_path / "log.csv")
    assert table["iteration"].tolist() == [1, 2, 3, 4]
    assert table["seconds"][:2].tolist() == first["seconds"].tolist()
    assert log.history["chi"]["gravity"] == table["chi_gravity"].tolist()


def test_a_new_log_in_a_resumed_run_begins_with_it(tmp_path):
    def begin(max_iterations, *logs):
        problem = make_joint_problem()
        steps = [*logs, directives.JointBetaSchedule(), directives.SaveCheckpoint(tmp_path / "run.npz")]
        return problem.inversion(problem.terms, steps, max_iterations=max_iterations), problem.start

    inversion, start = begin(1)
    inversion.run(start)
    inversion, _ = begin(2, directives.SaveLog(tmp_path / "log.csv"))
    directives.resume(inversion, tmp_path / "run.npz")
    assert directives.read_log(tmp_path / "log.csv")["iteration"].tolist() == [2]
