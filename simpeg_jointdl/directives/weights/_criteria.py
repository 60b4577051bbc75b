"""Stopping criteria of a minimizer for the length of a run in which a directive decides when to stop."""

from __future__ import annotations

from simpeg.optimization import Minimize, StoppingCriteria


def _trials_left(minimizer: Minimize) -> int:
    """Return 1 while a line search may go on, and 0 after its last trial without descent.

    The model then goes back to where the search began. The inverse problem is evaluated there again, so that its model
    and data are those of the model that is kept.
    """
    is_last = minimizer.iterLS + 1 >= minimizer.maxIterLS
    if not (is_last and minimizer.require_decrease) or _is_descent(minimizer):
        return 1
    if minimizer._LS_xt is not minimizer.xc:
        minimizer._LS_xt = minimizer.xc
        minimizer._LS_ft = minimizer.evalFunction(minimizer.xc, return_g=False, return_H=False)
    return 0


def _is_descent(minimizer: Minimize) -> bool:
    """Whether the trial satisfies all conditions of the line search, such as that of Armijo."""
    conditions = [one for one in minimizer.stoppersLS if one["stopType"] == "optimal"]
    return bool(conditions) and all(one["left"](minimizer) <= one["right"](minimizer) for one in conditions)


def _none(minimizer: Minimize) -> int:
    return 0


def _without_keep(stoppers: list) -> list:
    return [one for one in stoppers if one != KEEP_MODEL]


KEEP_MODEL = {
    "str": "%d : trials left = %3d     <= none        = %3d",
    "left": _trials_left,
    "right": _none,
    "stopType": "critical",
}


class RunCriteria:
    """Stopping criteria of a run: the largest number of iterations only, and no end by a line search.

    SimPEG's own criteria are absolute. A line search that finds no descent ends SimPEG's minimization, although another
    property may have its turn next, or a sparse norm its next step; here the model stays as it is for one iteration.
    Both are set through the minimizer's lists ``stoppers`` and ``stoppersLS``.

    Parameters
    ----------
    minimizer : simpeg.optimization.Minimize
        Minimizer of the run.
    """

    def __init__(self, minimizer: Minimize):
        self._minimizer = minimizer
        # after a run that ended by an error the lists are still those of that run
        self._given = getattr(minimizer.stoppers, "given", minimizer.stoppers)
        minimizer.stoppers = _Stoppers(self._given)
        minimizer.stoppersLS = [*_without_keep(minimizer.stoppersLS), KEEP_MODEL]

    def give_back(self) -> None:
        """Give the minimizer its own criteria back."""
        if self._given is not None:
            self._minimizer.stoppers = self._given
            self._minimizer.stoppersLS = _without_keep(self._minimizer.stoppersLS)
            self._given = None  # lists of SimPEG's criteria cannot be pickled


class _Stoppers(list):
    """The largest number of iterations as the only criterion, with the list that it replaces."""

    def __init__(self, given: list):
        super().__init__([StoppingCriteria.iteration])
        self.given = given
