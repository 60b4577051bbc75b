"""What joint directives share: the terms of the inversion they serve, and their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from simpeg.directives import SaveEveryIteration
from simpeg.regularization import WeightedLeastSquares

from .._problem import misfits as _misfits


class JointTerms:
    """Mixin of our directives: the misfits and terms of the inversion that a directive serves now.

    SimPEG's directives keep those of the first inversion they served, and wrap a lone regularization in a sum
    of their own, whose multipliers the objective function never sees.
    """

    @property
    def dmisfit(self):
        """Sum of the data misfits."""
        return self.invProb.dmisfit

    @dmisfit.setter
    def dmisfit(self, value):
        _refuse_own(self, "dmisfit", value)

    @property
    def reg(self):
        """Sum of the regularization terms, couplings among them."""
        problem = self.invProb
        if isinstance(problem.reg, WeightedLeastSquares):
            problem.reg = 1.0 * problem.reg
        nested = [type(term).__name__ for term in problem.reg.objfcts if not hasattr(term, "regularization_mesh")]
        if nested:
            msg = (
                f"{type(self).__name__}: the regularization holds {', '.join(nested)}, a sum within the sum; "
                "wanted its terms one by one, as term_1 + 2.0 * term_2 + coupling gives them."
            )
            raise TypeError(msg)
        return problem.reg

    @reg.setter
    def reg(self, value):
        _refuse_own(self, "reg", value)


def _refuse_own(directive, name, value):
    if value is not None:
        msg = f"{type(directive).__name__}: takes no {name}; it serves the inversion whose list it stands in."
        raise TypeError(msg)


def chi_factors(directive) -> np.ndarray:
    """χ of every data misfit at the current model, (n_misfits,), without a new forward run."""
    return _misfits.chi_factors(directive.dmisfit, directive.invProb.dpred)


def per_item(value, n: int, name: str, what: str) -> np.ndarray:
    """One positive number for each of `n` items, from one number or a sequence of them."""
    values = np.array(value, dtype=float)
    if values.shape not in ((), (n,)) or not np.isfinite(values).all() or (values <= 0).any():
        msg = f"{name}: got {value!r}, wanted a positive number, or {n} of them, one per {what}."
        raise ValueError(msg)
    return np.broadcast_to(values, (n,)).copy()


def check_order(directive, directives: Sequence, *, after: tuple[type, ...] = (), before: tuple[type, ...] = ()):
    """Raise ValueError if a directive stands on the wrong side of another."""
    own = directives.index(directive)
    for place, other in enumerate(directives):
        if other is directive:
            continue
        late = isinstance(other, before) and place < own
        early = isinstance(other, after) and place > own
        if late or early:
            msg = (
                f"{type(directive).__name__} must stand {'before' if late else 'after'} {type(other).__name__} "
                "in the list of directives."
            )
            raise ValueError(msg)


class Passive:
    """Marker of directives that show or save an inversion and leave it as it is."""


def is_passive(directive) -> bool:
    """Whether an inversion runs the same without this directive."""
    return isinstance(directive, (Passive, SaveEveryIteration))


def unique_names(names) -> list[str]:
    """Names with " 2", " 3" after those that come again."""
    taken: list[str] = []
    for name in names:
        count, candidate = 1, name
        while candidate in taken:
            count += 1
            candidate = f"{name} {count}"
        taken.append(candidate)
    return taken
