"""A table to watch while an inversion runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table
from simpeg.directives import InversionDirective
from simpeg.optimization import Minimize

from ..._problem.minimizers import without_tables
from ._iteration import Iteration, IterationWatcher

# what a terminal that has gone away raises; rich leaves by SystemExit when a pipe breaks
_TERMINAL_ERRORS = (OSError, ValueError, SystemExit)
_FRAME = 8  # lines of the terminal that are not rows of the table


class ShowProgress(IterationWatcher, InversionDirective):
    """Show each iteration's misfits, trade-off parameters, couplings and time, and the time left.

    In a terminal this is a live table, elsewhere (a file, a pipe, a notebook) one plain line per iteration. Both take
    the place of SimPEG's own tables for the length of the run: the inversion runs a view of the minimizer that prints
    nothing (:func:`simpeg_jointdl.optimization.without_tables`). If the terminal goes away, the table ends and the
    inversion goes on.

    χ is the misfit per datum. β is the trade-off parameter of each property where there is a
    :class:`JointBetaSchedule`, and otherwise that of the inverse problem. For each coupling there are its value and
    its multiplier. All are shown as the iteration was computed. The time left is an upper limit: the mean duration of
    an iteration times the number of iterations that the minimizer may still take.

    Parameters
    ----------
    names : sequence of str, optional
        Names of the data sets. By default the methods of their simulations: ``gravity``, ``magnetics``,
        ``magnetotellurics``, ..., with a number for the second data set of a method.
    console : rich.console.Console, optional
        Where to show it; standard output when not given.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    console : rich.console.Console or None
        Console that was given.

    Raises
    ------
    ValueError
        If it does not come before all directives that change something, or the names are not one for each data set.

    Examples
    --------
    >>> from simpeg_jointdl.directives import ShowProgress
    >>> progress = ShowProgress(names=["Bouguer anomaly", "total field"])
    """

    def __init__(self, names: Sequence[str] | None = None, *, console: Console | None = None, **kwargs: Any):
        super().__init__(names, **kwargs)
        self.console: Console | None = console
        self._shown: Console | None = None  # None before a run, and after the terminal has gone away
        self._live: Live | None = None
        self._rows: list[Iteration] = []

    def initialize(self) -> None:
        """Wait for the minimizer to begin."""
        super().initialize()
        self._rows, self._live = [], None
        self._shown = _LastingConsole() if self.console is None else self.console
        minimizer = self.inversion.opt
        is_left_over = isinstance(minimizer, _Watched) and minimizer.progress is self  # by a run that never began
        self.inversion.opt = minimizer if is_left_over else _Watched(minimizer, self)

    def endIter(self) -> None:
        """Show the iteration that has just ended."""
        if self._shown is None:
            return
        self._rows.append(self._take())
        with self._silent_if_lost():
            if self._live is not None:
                self._live.update(self._table(max(1, self._shown.height - _FRAME)), refresh=True)
            else:
                self._shown.print(self._line(), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def _display(self) -> Iterator[None]:
        """Show the table as long as the minimizer runs, whatever ends it."""
        self._clock = time.perf_counter()
        try:
            with self._silent_if_lost():
                if self._shown.is_terminal and not self._shown.is_dumb_terminal:
                    self._live = Live(console=self._shown, auto_refresh=False)
                    self._live.start()
            yield
        finally:
            with self._silent_if_lost():
                self._stop()

    @contextmanager
    def _silent_if_lost(self) -> Iterator[None]:
        """Show nothing any more if the terminal has gone away."""
        try:
            yield
        except _TERMINAL_ERRORS:
            if self._shown is not None:
                self._shown.quiet = True  # Live still writes when it stops
            self._shown = None
            # a Live that could not start raises IndexError when it is stopped
            with suppress(*_TERMINAL_ERRORS, IndexError):
                self._stop()

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            if self._rows and self._shown is not None:
                live.update(self._table(len(self._rows)))
            live.stop()

    # what is shown ----------------------------------------------------------------------------------------
    def _outlook(self) -> str:
        done, most = self._rows[-1].number, int(self.opt.maxIter)
        mean = sum(row.seconds for row in self._rows) / len(self._rows)
        left = duration_text(mean * max(0, most - done))
        return f"iteration {done} of at most {most}, {duration_text(mean)} each, at most {left} left"

    def _table(self, n_rows: int) -> Table:
        last = self._rows[-1]
        table = Table(caption=self._outlook())
        for title in ("#", *(f"χ {name}" for name in last.chi), *(f"β {name}".strip() for name in _betas(last))):
            table.add_column(title, justify="right")
        for name in last.couplings:
            table.add_column(name, justify="right")
            table.add_column("× weight", justify="right")
        table.add_column("time", justify="right")
        for row in self._rows[-n_rows:]:
            chi = [f"{value:.3g}" for value in row.chi.values()]
            betas = [f"{value:.2e}" for value in _betas(row).values()]
            pairs = [f"{part[name]:.2e}" for name in row.couplings for part in (row.values, row.weights)]
            table.add_row(str(row.number), *chi, *betas, *pairs, duration_text(row.seconds))
        return table

    def _line(self) -> str:
        row = self._rows[-1]
        chi = ", ".join(f"{name} {value:.3g}" for name, value in row.chi.items())
        betas = ", ".join(f"{name} {value:.2e}".strip() for name, value in _betas(row).items())
        pairs = [f"{name} {row.values[name]:.2e} × {row.weights[name]:.2e}" for name in row.couplings]
        return "; ".join([self._outlook(), f"χ {chi}", f"β {betas}", *pairs])


class _Watched:
    """Stands in for the minimizer of an inversion until it begins.

    SimPEG does not tell directives about errors. A display that surrounds the minimizer ends with it in every case,
    also after an interrupt from the keyboard.
    """

    def __init__(self, minimizer: Minimize | _Watched, progress: ShowProgress):
        self.minimizer, self.progress = minimizer, progress

    def minimize(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Give the inversion its minimizer back, and run it inside the display, without SimPEG's own tables."""
        minimizer = self.progress.inversion.opt = self.minimizer
        silent = minimizer if isinstance(minimizer, _Watched) else without_tables(minimizer)
        with self.progress._display():
            return silent.minimize(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in ("minimizer", "progress") or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.minimizer, name)


class _LastingConsole(Console):
    """A console that shows nothing any more when its pipe breaks; rich's own ends the process, inversion and all."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def _betas(row: Iteration) -> dict[str, float]:
    return row.betas or {"": row.beta}


def duration_text(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours as a table shows it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
