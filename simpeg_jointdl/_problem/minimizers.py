"""SimPEG's minimizers with and without the tables that they print."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from simpeg.optimization import IterationPrinters, Minimize, StoppingCriteria
from simpeg.utils import get_logger

_Base = Minimize if TYPE_CHECKING else object
_LISTS = ("stoppers", "stoppersLS", "printers", "printersLS")
_OF_A_RUN = ("H", "evalFunction")  # attributes that the next run sets anew


class OptionalTables(_Base):
    """Mixin of minimizers that print SimPEG's tables only while `print_tables` is true, and that can be pickled.

    SimPEG prints a table of iterations, a list of stopping criteria ("STOP!", "DONE!") and remarks on line searches to
    standard output, and has no switch for them. Steps do not depend on the switch. SimPEG's minimizers cannot be
    pickled, because their printers and stoppers contain lambda functions; here the names of these are pickled.
    """

    print_tables: bool = True  # SimPEG's minimizers take any attribute of their class as a keyword
    stoppers: list[dict[str, Any]]
    printers: list[dict[str, Any]]
    evalFunction: Any
    iterLS: int
    stopNextIteration: bool
    name: str
    g: Any

    def printInit(self, inLS: bool = False) -> None:
        """Print the titles of the table of iterations."""
        if self.print_tables:
            super().printInit(inLS)

    def printIter(self, inLS: bool = False) -> None:
        """Print one line of the table of iterations."""
        if self.print_tables:
            super().printIter(inLS)

    def printDone(self, inLS: bool = False) -> None:
        """Print the stopping criteria."""
        if self.print_tables:
            super().printDone(inLS)

    def modifySearchDirection(self, p: np.ndarray) -> tuple[np.ndarray, bool]:
        """Search along a direction; without tables a step that is taken without descent is not announced."""
        x, is_descent = super().modifySearchDirection(p)
        return x, is_descent or not (self.print_tables or self.require_decrease)

    def modifySearchDirectionBreak(self, p: np.ndarray) -> tuple[np.ndarray, bool]:
        """End the minimization after a line search without descent; without tables, silently."""
        is_simpegs = (
            getattr(super().modifySearchDirectionBreak, "__func__", None) is Minimize.modifySearchDirectionBreak
        )
        return (p, False) if is_simpegs and not self.print_tables else super().modifySearchDirectionBreak(p)

    @property
    def callback(self) -> Any:
        """Function that is called with the model after each iteration, or None."""
        return getattr(self, "_callback", None)

    @callback.setter
    def callback(self, value: Any) -> None:
        if self.print_tables:
            Minimize.callback.fset(self, value)  # SimPEG prints a remark if this replaces another callback
        else:
            self._callback = value

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in _OF_A_RUN}
        return state | {name: [_named(one) for one in state[name]] for name in _LISTS if name in state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        vars(self).update({name: [_found(one) for one in state[name]] for name in _LISTS if name in state})

    def _remark(self, text: str) -> None:
        """Log a remark on the run, which is shown only beside tables."""
        get_logger().log(logging.INFO if self.print_tables else logging.DEBUG, text)


def _named(entry: Any) -> Any:
    """Name of one of SimPEG's printers or stoppers, such as ("IterationPrinters", "f"); any other as it is."""
    for kind in (IterationPrinters, StoppingCriteria):
        for name, known in vars(kind).items():
            if known is entry:
                return kind.__name__, name
    return entry


def _found(entry: Any) -> Any:
    """The printer or stopper with a name of :func:`_named`."""
    kinds = {kind.__name__: kind for kind in (IterationPrinters, StoppingCriteria)}
    return getattr(kinds[entry[0]], entry[1]) if isinstance(entry, tuple) else entry


class _View(OptionalTables):
    """Mixin of views of minimizers from outside this package; a copy of a view is a view of a copy."""

    original: Any
    print_tables = property(lambda self: False, doc="False: a view prints no tables.")

    def __reduce_ex__(self, protocol):
        return without_tables, (type(self).original,)


def without_tables(minimizer: Minimize) -> Minimize:
    """Return a view of any SimPEG minimizer that prints no tables.

    The view is an instance of the same class and shares all attributes with the minimizer, which stays as it is. Run
    the view in the place of the minimizer: ``inversion.opt = without_tables(inversion.opt)``.

    Parameters
    ----------
    minimizer : simpeg.optimization.Minimize
        Minimizer of SimPEG, of this package or of any other.

    Returns
    -------
    simpeg.optimization.Minimize
        The view; the minimizer itself if it is a view already.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from simpeg import optimization
    >>> from simpeg_jointdl.optimization import without_tables
    >>> def bowl(x, return_g=True, return_H=True):
    ...     value = 0.5 * np.sum((x - 1.0) ** 2)
    ...     parts = [value] + [x - 1.0] * return_g + [sp.identity(x.size)] * return_H
    ...     return tuple(parts) if len(parts) > 1 else value
    >>> minimizer = optimization.InexactGaussNewton(maxIter=5)
    >>> without_tables(minimizer).minimize(bowl, np.zeros(2))
    array([1., 1.])
    >>> minimizer.iter
    1
    """
    if isinstance(minimizer, _View):
        return minimizer
    kind = type(minimizer)
    view_kind = type(kind.__name__, (_View, kind), {"original": minimizer, "__module__": kind.__module__})
    view = object.__new__(view_kind)
    view.__dict__ = minimizer.__dict__
    return view
