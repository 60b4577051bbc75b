"""One assembly for all recipes: misfits, regularization, minimizer and directives become a SimPEG inversion."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from simpeg.directives import InversionDirective
from simpeg.inverse_problem import BaseInvProblem
from simpeg.inversion import BaseInversion
from simpeg.optimization import Minimize

from .. import directives, optimization
from .._core.files import check_writable
from .._problem.minimizers import OptionalTables


@dataclass(frozen=True)
class Records:
    """What a run shows and keeps.

    Attributes
    ----------
    progress : bool
        Whether a live table is shown.
    checkpoint : pathlib.Path or None
        File of the state after every iteration.
    log : pathlib.Path or None
        CSV file with one line per iteration.
    """

    progress: bool = False
    checkpoint: Path | None = None
    log: Path | None = None


#: For inversions that are a part of another one: nothing is shown or kept.
QUIET = Records()


def checked_records(
    who: str, progress: bool, checkpoint: os.PathLike[str] | str | None, log: os.PathLike[str] | str | None
) -> Records:
    """Return the records of a run; OSError if a file cannot be written."""
    paths = {}
    for name, path in (("checkpoint", checkpoint), ("log", log)):
        paths[name] = None if path is None else Path(path)
        if path is not None:
            check_writable(paths[name], f"{who}.{name}")
    return Records(bool(progress), **paths)


def assemble(
    misfits,
    regularization,
    minimizer: Minimize,
    records: Records,
    steps: Sequence[InversionDirective] = (),
    *,
    beta: float = 1.0,
    balance: directives.BalanceMisfits | None = None,
) -> tuple[BaseInversion, directives.SaveLog]:
    """Put an inversion together.

    Parameters
    ----------
    misfits : simpeg.objective_function.ComboObjectiveFunction or list of simpeg.data_misfit.BaseDataMisfit
        Data misfits; a list is added up.
    regularization : simpeg.objective_function.BaseObjectiveFunction or list of these
        Terms of the regularization; a list is added up.
    minimizer : simpeg.optimization.Minimize
        Minimizer; its own tables are switched off, since `records` say what is shown.
    records : Records
        What the run shows and keeps.
    steps : sequence of simpeg.directives.InversionDirective
        Directives that change something, in their order.
    beta : float
        First trade-off parameter.
    balance : directives.BalanceMisfits, optional
        Directive that stands before the others if there is more than one data misfit.

    Returns
    -------
    simpeg.inversion.BaseInversion, directives.SaveLog
        Inversion, and the directive that records it.
    """
    misfits = reduce(add, misfits) if isinstance(misfits, list) else misfits
    regularization = reduce(add, regularization) if isinstance(regularization, list) else regularization
    problem = BaseInvProblem(
        misfits, regularization, _silenced(minimizer), beta=beta, init_bfgs=False, print_version=False
    )
    log = directives.SaveLog(records.log)
    # those that watch stand first: they tell what an iteration was computed with, before others change it for the next
    made = [log, directives.ShowProgress()] if records.progress else [log]
    if balance is not None and len(problem.dmisfit.objfcts) > 1:
        made.append(balance)
    made += steps
    if records.checkpoint is not None:
        made.append(directives.SaveCheckpoint(records.checkpoint))
    inversion = BaseInversion(problem, directiveList=made)
    inversion.stoppers = []  # SimPEG never reads them, and their lambda functions cannot be pickled
    return inversion, log


def _silenced(minimizer: Minimize) -> Minimize:
    """Return a minimizer without tables: ours with them switched off, or a view of any other."""
    if not isinstance(minimizer, OptionalTables):
        return optimization.without_tables(minimizer)
    minimizer.print_tables = False
    return minimizer
