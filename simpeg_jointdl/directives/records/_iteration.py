"""The numbers of one iteration, from which both the live table and the log are made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simpeg.directives import DirectiveList

from ..._problem.terms import couplings
from .._base import JointTerms, Passive, check_simulations, chi_factors, is_passive, unique_names
from ..weights import JointBetaSchedule
from ._names import names_of_data


@dataclass(frozen=True)
class Iteration:
    """One finished iteration: misfits and values of its model, and the weights it was computed with."""

    number: int
    seconds: float
    phi_d: float
    phi_m: float
    beta: float  # trade-off parameter of the inverse problem
    chi: dict[str, float]  # of each data set
    betas: dict[str, float]  # of each property; empty without a JointBetaSchedule
    values: dict[str, float]  # of each term of the regularization
    weights: dict[str, float]  # multiplier of each term
    couplings: tuple[str, ...]  # names of the terms that are couplings

    def columns(self) -> dict[str, float]:
        """Return all numbers under the names of their columns in a log."""
        groups = {"chi": self.chi, "beta": self.betas, "value": self.values, "weight": self.weights}
        single = {
            "iteration": self.number,
            "seconds": self.seconds,
            "phi_d": self.phi_d,
            "phi_m": self.phi_m,
            "beta": self.beta,
        }
        return single | {f"{group}_{name}": value for group, row in groups.items() for name, value in row.items()}


class IterationWatcher(Passive, JointTerms):
    """Mixin of directives that record each iteration and change nothing.

    They come first in the list of directives. So they see each iteration as it was computed, before other directives
    change trade-off parameters, weights and cluster centres for the next one.

    Parameters
    ----------
    names : sequence of str, optional
        Names of the data sets; by default those of their methods.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.
    """

    def __init__(self, names: Sequence[str] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.names: list[str] | None = None if names is None else list(names)

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError unless it comes before every directive that changes something.

        Parameters
        ----------
        directiveList : simpeg.directives.DirectiveList
            All directives of the inversion, in their order.

        Returns
        -------
        bool
            True.
        """
        others = directiveList.dList
        for other in others[: others.index(self)]:
            if not is_passive(other):
                own = type(self).__name__
                msg = (
                    f"{own} must stand before {type(other).__name__}: it records what an iteration was computed with, "
                    f"before other directives change it for the next one. Put {own} first in the list of directives."
                )
                raise ValueError(msg)
        return True

    def initialize(self) -> None:
        """Find the names of the data sets and start the clock."""
        who, misfits = type(self).__name__, self.dmisfit.objfcts
        check_simulations(who, misfits)
        self._misfit_names = names_of_data(who, misfits, self.names)
        self._clock = time.perf_counter()

    def _take(self) -> Iteration:
        """Return the record of the iteration that has just ended, and restart the clock."""
        now = time.perf_counter()
        seconds, self._clock = now - self._clock, now
        problem, reg = self.invProb, self.reg
        names = unique_names(type(term).__name__ for term in reg.objfcts)
        # costs nothing for couplings: they keep what they computed at this model
        values = [float(term(problem.model)) for term in reg.objfcts]
        return Iteration(
            number=int(self.opt.iter),
            seconds=seconds,
            phi_d=float(problem.phi_d),
            phi_m=float(problem.phi_m),
            beta=float(problem.beta),
            chi=dict(zip(self._misfit_names, map(float, chi_factors(self)), strict=True)),
            betas=self._betas_of_properties(),
            values=dict(zip(names, values, strict=True)),
            weights=dict(zip(names, map(float, reg.multipliers), strict=True)),
            couplings=tuple(names[i] for i in couplings(reg)),
        )

    def _betas_of_properties(self) -> dict[str, float]:
        """Trade-off parameter of each property, under the names of the data that constrain it."""
        for schedule in self.inversion.directiveList:
            if isinstance(schedule, JointBetaSchedule):
                data = [
                    [name for name, reaches in zip(self._misfit_names, column, strict=True) if reaches]
                    for column in schedule.constrains.T
                ]
                names = unique_names("+".join(some) or "no data" for some in data)
                return dict(zip(names, map(float, schedule.betas), strict=True))
        return {}
