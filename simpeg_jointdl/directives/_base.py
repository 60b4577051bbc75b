"""What joint directives share: access to the terms of the inversion, their order, and names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from simpeg.directives import InversionDirective, SaveEveryIteration
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import WeightedLeastSquares

from .._core.protocols import HasSimulation
from .._problem import misfits as _misfits

_Base = InversionDirective if TYPE_CHECKING else object


class JointTerms(_Base):
    """Mixin of directives that read the misfits and terms from the inversion they belong to.

    SimPEG's directives keep the terms of the first inversion they belonged to, and wrap a single regularization in a
    sum of their own, whose multipliers the objective function never sees.
    """

    @property
    def dmisfit(self) -> ComboObjectiveFunction:
        """Sum of the data misfits."""
        return self.invProb.dmisfit

    @dmisfit.setter
    def dmisfit(self, value) -> None:
        _refuse_own(self, "dmisfit", value)

    @property
    def reg(self) -> ComboObjectiveFunction:
        """Sum of the regularization terms, couplings among them."""
        problem = self.invProb
        if isinstance(problem.reg, WeightedLeastSquares):
            problem.reg = 1.0 * problem.reg
        nested = [
            type(term).__name__ for term in problem.reg.objfcts if getattr(term, "regularization_mesh", None) is None
        ]
        if nested:
            msg = (
                f"{type(self).__name__}: the regularization contains {', '.join(nested)}, a sum within the sum; "
                "wanted its terms one by one, as in term_1 + 2.0 * term_2 + coupling."
            )
            raise TypeError(msg)
        return problem.reg

    @reg.setter
    def reg(self, value) -> None:
        _refuse_own(self, "reg", value)


def _refuse_own(directive, name, value):
    """Raise TypeError if a directive is given a term of its own."""
    if value is not None:
        msg = f"{type(directive).__name__}.{name}: got {type(value).__name__}, wanted none. The inversion has it."
        raise TypeError(msg)


def chi_factors(directive) -> np.ndarray:
    """Return χ of every data misfit at the current model, (n_misfits,), without a new forward calculation."""
    return _misfits.chi_factors(directive.dmisfit, directive.invProb.dpred)


def check_simulations(who: str, misfits: Sequence[Any]) -> None:
    """Raise TypeError if a data misfit has no simulation, and so no number of data."""
    blind = [i for i, misfit in enumerate(misfits) if not isinstance(misfit, HasSimulation)]
    if blind:
        msg = (
            f"{who}: data misfit(s) {blind} have no simulation, so their misfit per datum is unknown; wanted data "
            "misfits such as simpeg.data_misfit.L2DataMisfit."
        )
        raise TypeError(msg)


def check_order(
    directive: InversionDirective,
    directives: Sequence[InversionDirective],
    *,
    after: tuple[type, ...] = (),
    before: tuple[type, ...] = (),
) -> None:
    """Raise ValueError if a directive is on the wrong side of another one in the list of directives."""
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
    """Marker of directives that show or save an inversion and do not change it."""


def is_passive(directive: InversionDirective) -> bool:
    """Whether an inversion gives the same model without this directive."""
    return isinstance(directive, (Passive, SaveEveryIteration))


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, with " 2", " 3", ... after those that occur again."""
    taken: list[str] = []
    for name in names:
        count, candidate = 1, name
        while candidate in taken:
            count += 1
            candidate = f"{name} {count}"
        taken.append(candidate)
    return taken
