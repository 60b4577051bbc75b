"""The table shows every iteration, and never disturbs the inversion."""

import io
import re

import numpy as np
import pytest
from rich.console import Console
from simpeg import directives as simpeg_directives
from simpeg import optimization

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


class Broken(io.StringIO):
    """A terminal that goes away after a number of writes."""

    def __init__(self, error, after):
        super().__init__()
        self.error, self.left = error, after

    def write(self, text):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().write(text)


def make(progress, *more, max_iterations=3):
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [progress, directives.JointBetaSchedule(), directives.EstimateCouplingWeights(), *more]
    inversion = problem.inversion([*problem.terms, coupling], steps, max_iterations=max_iterations)
    return inversion, problem.start


def assert_as_it_was(inversion):
    """The user's minimizer is the inversion's own again, and none of its methods has been replaced."""
    assert inversion.opt is inversion.invProb.opt
    assert type(inversion.opt) is optimization.ProjectedGNCG
    assert not {name for name in vars(inversion.opt) if callable(getattr(optimization.Minimize, name, None))}


def terminal(file=None, **options):
    return Console(file=file or io.StringIO(), force_terminal=True, width=140, height=30, **options)


def shown(console):
    """What was written, without the codes that move the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())


def last_table(console):
    """The whole table at the end; its first lines are those after the last movement upwards."""
    return shown(console)[shown(console).rindex("χ gravity") - 20 :]


@pytest.fixture(scope="module")
def quiet_model():
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [directives.JointBetaSchedule(), directives.EstimateCouplingWeights()]
    return problem.inversion([*problem.terms, coupling], steps, max_iterations=3).run(problem.start)


def test_the_table_in_a_terminal_shows_every_iteration_and_changes_nothing(capsys, quiet_model):
    console = terminal()
    log = directives.SaveLog()
    inversion, start = make(directives.ShowProgress(console=console), max_iterations=3)
    inversion.directiveList.dList.insert(0, log)
    log.inversion = inversion
    np.testing.assert_array_equal(inversion.run(start), quiet_model)
    table = last_table(console)
    for title in ("χ gravity", "χ magnetics", "β gravity", "β magnetics", "CrossGradient", "× weight", "time"):
        assert title in table
    for group, form in {
        "chi": "{:.3g}",
        "beta": "{:.2e}",
        "coupling_value": "{:.2e}",
        "coupling_weight": "{:.2e}",
    }.items():
        for values in log.history[group].values():
            assert all(form.format(value) in table for value in values)
    assert re.search(r"iteration 3 of at most 3, \d+\.\d s each, at most 0\.0 s left", table)
    # SimPEG's own tables are hidden during the run only
    assert "GNCG" not in capsys.readouterr().out
    inversion.opt.printInit()
    assert "GNCG" in capsys.readouterr().out
    assert_as_it_was(inversion)


def test_lines_that_others_print_appear_above_the_table():
    class Talk(simpeg_directives.InversionDirective):
        def endIter(self):
            print(f"a word after iteration {self.opt.iter}")  # noqa: T201

    console = terminal()
    inversion, start = make(directives.ShowProgress(console=console), Talk(), max_iterations=2)
    inversion.run(start)
    assert "a word after iteration 2" in shown(console)


def test_a_terminal_with_few_lines_shows_the_last_iterations_and_all_of_them_at_the_end():
    console = Console(file=io.StringIO(), force_terminal=True, width=140, height=9)
    inversion, start = make(directives.ShowProgress(console=console), max_iterations=4)
    inversion.run(start)
    assert all(re.search(rf"│ +{i} │", last_table(console)) for i in (1, 2, 3, 4))


def test_a_file_gets_one_plain_line_per_iteration(capsys):
    console = Console(file=io.StringIO(), width=40)
    inversion, start = make(directives.ShowProgress(["Bouguer [mGal]", "TMI"], console=console), max_iterations=2)
    inversion.run(start)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2
    number = r"\d[\d.e+-]*"
    assert re.fullmatch(
        rf"iteration 1 of at most 2, {number} s each, at most {number} s left; "
        rf"χ Bouguer \[mGal\] {number}, TMI {number}; β Bouguer \[mGal\] {number}, TMI {number}; "
        rf"CrossGradient {number} × {number}",
        lines[0],
    )
    assert "\x1b" not in console.file.getvalue()
    assert "GNCG" not in capsys.readouterr().out


def test_it_writes_to_standard_output_without_a_console(capsys):
    inversion, start = make(directives.ShowProgress(), max_iterations=1)
    inversion.run(start)
    assert "iteration 1 of" in capsys.readouterr().out


def test_a_second_run_works_after_an_error_before_the_minimizer_began():
    class Fails(simpeg_directives.InversionDirective):
        fails = True

        def initialize(self):
            if self.fails:
                raise ArithmeticError

    console, fails = Console(file=io.StringIO(), width=40), Fails()
    inversion, start = make(directives.ShowProgress(console=console), fails, max_iterations=1)
    with pytest.raises(ArithmeticError):
        inversion.run(start)
    assert inversion.opt.maxIter == 1
    fails.fails = False
    inversion.run(start)
    assert len(console.file.getvalue().splitlines()) == 1
    assert_as_it_was(inversion)


@pytest.mark.parametrize("kind", ["terminal", "file"])
@pytest.mark.parametrize("after", [0, 2, 5])
@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), BrokenPipeError(), ValueError("I/O operation on closed file")], ids=repr
)
def test_a_terminal_that_goes_away_does_not_end_the_inversion(error, after, kind, quiet_model, monkeypatch):
    # rich redirects standard output to nowhere when a pipe breaks
    monkeypatch.setattr("os.dup2", lambda *descriptors: None)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.FileIO(1, "w", closefd=False)))
    console = terminal(Broken(error, after)) if kind == "terminal" else Console(file=Broken(error, after))
    progress = directives.ShowProgress(console=console)
    inversion, start = make(progress)
    np.testing.assert_array_equal(inversion.run(start), quiet_model)
    assert_as_it_was(inversion)


def test_its_own_console_shows_nothing_any_more_when_the_pipe_breaks():
    from simpeg_jointdl.directives.records._show_progress import _LastingConsole

    console = _LastingConsole(file=Broken(BrokenPipeError(), 0))
    console.print("lost")
    assert console.quiet


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_terminal_is_usable_after_an_error_or_an_interrupt(error, monkeypatch):
    import sys

    class Interrupt(simpeg_directives.InversionDirective):
        def endIter(self):
            if self.opt.iter == 2:
                raise error

    before = sys.stdout, sys.stderr
    console = terminal()
    inversion, start = make(directives.ShowProgress(console=console), Interrupt())
    with pytest.raises(error):
        inversion.run(start)
    assert (sys.stdout, sys.stderr) == before
    written = console.file.getvalue()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")  # the cursor is visible again
    assert re.search(r"│ +2 │", last_table(console))
    assert_as_it_was(inversion)
    console.print("free")
    assert written in console.file.getvalue()
    assert not console._live_stack


def test_a_resumed_run_is_shown_from_the_iteration_where_it_continues(tmp_path):
    inversion, start = make(
        directives.ShowProgress(), directives.SaveCheckpoint(tmp_path / "run.npz"), max_iterations=1
    )
    inversion.run(start)
    console = Console(file=io.StringIO(), width=40)
    again, _ = make(directives.ShowProgress(console=console), directives.SaveCheckpoint(tmp_path / "run.npz"))
    directives.resume(again, tmp_path / "run.npz")
    assert [line.split(",")[0] for line in console.file.getvalue().splitlines()] == [
        "iteration 2 of at most 3",
        "iteration 3 of at most 3",
    ]


def test_the_same_directive_serves_a_second_run():
    console = Console(file=io.StringIO(), width=40)
    inversion, start = make(directives.ShowProgress(console=console), max_iterations=1)
    inversion.run(start)
    inversion.run(start)
    assert len(console.file.getvalue().splitlines()) == 2


def test_it_must_come_before_directives_that_change_something():
    problem = make_joint_problem()
    with pytest.raises(ValueError, match="ShowProgress must stand before JointBetaSchedule"):
        problem.inversion(problem.terms, [directives.JointBetaSchedule(), directives.ShowProgress()])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 01 s"), (3599.6, "1 h 00 min"), (7300, "2 h 01 min")],
)
def test_durations(seconds, text):
    from simpeg_jointdl.directives.records._show_progress import duration_text

    assert duration_text(seconds) == text
