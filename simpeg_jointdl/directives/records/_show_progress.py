"""A table to watch while an inversion runs."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from simpeg.directives import InversionDirective

from ..._problem.minimizers import without_tables
from ._iteration import Iteration, IterationWatcher

_GONE = (OSError, ValueError, SystemExit)  # a closed terminal; rich leaves by SystemExit when a pipe breaks
_FRAME = 8  # lines of the terminal that are not rows of the table


class ShowProgress(IterationWatcher, InversionDirective):
    """Show a live table: each iteration's misfits, betas, couplings and time, and the time left.

    In a terminal it is a table, elsewhere (a file, a pipe, a notebook) one plain line per iteration; both take the
    place of SimPEG's own tables for the length of the run. A terminal that goes away ends the table, never the
    inversion.

    χ is the misfit per datum, β the trade-off parameter of each property beside a
    :class:`JointBetaSchedule` and else the common one; a coupling comes with its value and its multiplier, all
    as the iteration was computed. The time left is that of all iterations the minimizer may still take, so at
    most that, if they go on taking as long as they did on average.

    Parameters
    ----------
    names : sequence of str, optional
        Of the data misfits. By default ``gravity``, ``magnetics``, ..., after their simulations.
    console : rich.console.Console, optional
        Where to show it; standard output when not given.

    Raises
    ------
    ValueError
        If it does not stand before all directives that change something, or the names do not fit.
    """

    def __init__(self, names=None, *, console: Console | None = None, **kwargs):
        super().__init__(names, **kwargs)
        self.console = console
        self._shown: Console | None = None  # none where nobody watches, or any longer
        self._live: Live | None = None
        self._rows: list[Iteration] = []

    def initialize(self):
        """Wait for the minimizer to begin."""
        super().initialize()
        self._rows, self._live = [], None
        self._shown = _LastingConsole() if self.console is None else self.console
        opt = self.inversion.opt
        is_left_over = isinstance(opt, _Watched) and opt.progress is self  # by a run that ended before it began
        self.inversion.opt = opt if is_left_over else _Watched(opt, self)

    @contextmanager
    def _display(self):
        """Show the table as long as the minimizer runs, whatever ends it."""
        self._clock = time.perf_counter()
        try:
            with self._mends():
                if self._shown.is_terminal and not self._shown.is_dumb_terminal:
                    self._live = Live(console=self._shown, auto_refresh=False)
                    self._live.start()
            yield
        finally:
            with self._mends():
                self._stop()

    def endIter(self):
        """Show the iteration that has just ended."""
        if self._shown is None:
            return
        self._rows.append(self._take())
        with self._mends():
            if self._live is not None:
                self._live.update(self._table(max(1, self._shown.height - _FRAME)), refresh=True)
            else:
                self._shown.print(self._line(), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def _mends(self):
        """Go silent if the terminal has gone."""
        try:
            yield
        except _GONE:
            if self._shown is not None:
                self._shown.quiet = True  # what Live still has to take back is not for the screen
            self._shown = None
            # one that could not even start misses the hook it takes back last
            with suppress(*_GONE, IndexError):
                self._stop()

    def _stop(self):
        live, self._live = self._live, None
        if live is not None:
            if self._rows and self._shown is not None:
                live.update(self._table(len(self._rows)))
            live.stop()

    # what it looks like -----------------------------------------------------------------------------------
    def _outlook(self) -> str:
        done, most = self._rows[-1].number, int(self.opt.maxIter)
        mean = sum(row.seconds for row in self._rows) / len(self._rows)
        left = _duration(mean * max(0, most - done))
        return f"iteration {done} of at most {most}, {_duration(mean)} each, at most {left} left"

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
            table.add_row(str(row.number), *chi, *betas, *pairs, _duration(row.seconds))
        return table

    def _line(self) -> str:
        row = self._rows[-1]
        chi = ", ".join(f"{name} {value:.3g}" for name, value in row.chi.items())
        betas = ", ".join(f"{name} {value:.2e}".strip() for name, value in _betas(row).items())
        pairs = [f"{name} {row.values[name]:.2e} × {row.weights[name]:.2e}" for name in row.couplings]
        return "; ".join([self._outlook(), f"χ {chi}", f"β {betas}", *pairs])


class _Watched:
    """Stands in for the minimizer of an inversion until it begins.

    SimPEG tells directives nothing of errors. A display that surrounds the minimizer ends with it in every case, after
    an interrupt from the keyboard, too.
    """

    def __init__(self, minimizer: Any, progress: ShowProgress):
        self.minimizer, self.progress = minimizer, progress

    def minimize(self, *args, **kwargs):
        """Run the minimizer inside of the display, and without SimPEG's own tables."""
        minimizer = self.progress.inversion.opt = self.minimizer
        quiet = minimizer if isinstance(minimizer, _Watched) else without_tables(minimizer)
        with self.progress._display():
            return quiet.minimize(*args, **kwargs)

    def __getattr__(self, name):
        if name in ("minimizer", "progress") or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.minimizer, name)


class _LastingConsole(Console):
    """A console that falls silent when its pipe breaks; rich's own ends the process, inversion and all."""

    def on_broken_pipe(self):
        self.quiet = True


def _betas(row: Iteration) -> dict[str, float]:
    return row.betas or {"": row.beta}


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
