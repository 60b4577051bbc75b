"""SimPEG's minimizers with and without the tables that they print."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from simpeg.optimization import Minimize
from simpeg.utils import get_logger

_Base = Minimize if TYPE_CHECKING else object


class OptionalTables(_Base):
    """Mixin of minimizers that print SimPEG's tables only while `print_tables` is true.

    SimPEG prints a table of iterations, a list of stopping criteria ("STOP!", "DONE!") and remarks on line searches to
    standard output and has no switch for them. Steps do not depend on the switch.
    """

    print_tables: bool = True  # SimPEG's minimizers take any attribute of their class as a keyword

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

    def modifySearchDirection(self, p):
        """Search along a direction; without tables a step that is taken without descent is not announced."""
        x, is_descent = super().modifySearchDirection(p)
        return x, is_descent or not (self.print_tables or self.require_decrease)

    def modifySearchDirectionBreak(self, p):
        """End the minimization after a line search without descent; without tables, silently."""
        is_simpegs = (
            getattr(super().modifySearchDirectionBreak, "__func__", None) is Minimize.modifySearchDirectionBreak
        )
        return (p, False) if is_simpegs and not self.print_tables else super().modifySearchDirectionBreak(p)

    @property
    def callback(self):
        """Function that is called with the model after each iteration, or None."""
        return getattr(self, "_callback", None)

    @callback.setter
    def callback(self, value):
        if self.print_tables:
            Minimize.callback.fset(self, value)  # says so where it replaces another one
        else:
            self._callback = value

    def _remark(self, text: str) -> None:
        """Log a remark on the run, which is shown only beside tables."""
        get_logger().log(logging.INFO if self.print_tables else logging.DEBUG, text)


class _View(OptionalTables):
    """Mixin of views of minimizers that are not ours; a copy of a view is a view of a copy."""

    original: Any
    print_tables = property(lambda self: False, doc="False: a view prints no tables, whatever the minimizer does.")

    def __reduce_ex__(self, protocol):
        return without_tables, (type(self).original,)


def without_tables(minimizer: Minimize) -> Minimize:
    """Return a view of any SimPEG minimizer that prints no tables.

    The view is an instance of the same class and shares all attributes with the minimizer, which stays as it is. Run
    the view in the place of the minimizer: ``inversion.opt = without_tables(inversion.opt)``.

    Parameters
    ----------
    minimizer : simpeg.optimization.Minimize
        SimPEG's, this package's, or anybody's.

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
