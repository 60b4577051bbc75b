"""What one iteration did, in numbers: the one place that the table on the screen and the log take them from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..._problem.terms import couplings
from .._base import JointTerms, Passive, chi_factors, is_passive, unique_names
from ..weights import JointBetaSchedule


@dataclass(frozen=True)
class Iteration:
    """One finished iteration: its model's misfits and values, and the betas and multipliers it was computed with."""

    number: int
    seconds: float
    phi_d: float
    phi_m: float
    beta: float  # the common one
    chi: dict[str, float]  # of each misfit
    betas: dict[str, float]  # of each property; empty without a JointBetaSchedule
    values: dict[str, float]  # of each term of the regularization
    weights: dict[str, float]  # their multipliers
    couplings: tuple[str, ...]  # which of the terms are couplings

    def columns(self) -> dict[str, float]:
        """All numbers under the names of their columns."""
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
    """Mixin of directives that watch an inversion and change nothing.

    They stand first in the list, so that they see each iteration as it was computed: other directives change
    betas, weights and centres for the next one.
    """

    def __init__(self, names: Sequence[str] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.names = None if names is None else list(names)

    def validate(self, directiveList=None):
        """Must stand before every directive that changes something."""
        others = directiveList.dList
        for other in others[: others.index(self)]:
            if not is_passive(other):
                own = type(self).__name__
                msg = (
                    f"{own} must stand before {type(other).__name__}: it tells what an iteration was computed with, "
                    f"before directives change it for the next one. Put {own} first in the list of directives."
                )
                raise ValueError(msg)
        return True

    def initialize(self):
        """Check the names and start the clock."""
        self._misfit_names = self._check_names()
        self._clock = time.perf_counter()

    def _check_names(self) -> list[str]:
        owner, misfits = type(self).__name__, self.dmisfit.objfcts
        blind = [i for i, misfit in enumerate(misfits) if not hasattr(misfit, "simulation")]
        if blind:
            msg = f"{owner}: data misfit(s) {blind} have no simulation, so no χ; wanted such as L2DataMisfit."
            raise TypeError(msg)
        if self.names is None:
            return unique_names(_misfit_name(misfit, i) for i, misfit in enumerate(misfits))
        if not all(isinstance(name, str) for name in self.names) or len(set(self.names)) != len(misfits):
            msg = f"{owner}.names: got {self.names!r}, wanted {len(misfits)} different strings, one per data misfit."
            raise ValueError(msg)
        return self.names

    def _take(self) -> Iteration:
        """Row of the iteration that has just ended; the clock starts again."""
        now = time.perf_counter()
        seconds, self._clock = now - self._clock, now
        problem, reg = self.invProb, self.reg
        names = unique_names(type(term).__name__ for term in reg.objfcts)
        # a coupling keeps what it computed at its last model, which is this one
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
        """Beta of each property, which goes by the name of the data that constrain it."""
        for schedule in self.inversion.directiveList:
            if isinstance(schedule, JointBetaSchedule):
                data = [
                    [name for name, reaches in zip(self._misfit_names, column, strict=True) if reaches]
                    for column in schedule.constrains.T
                ]
                names = unique_names("+".join(some) or "no data" for some in data)
                return dict(zip(names, map(float, schedule.betas), strict=True))
        return {}


def _misfit_name(misfit, place: int) -> str:
    """Method of a simulation from its module, as gravity of simpeg.potential_fields.gravity.simulation."""
    package, *parts = type(misfit.simulation).__module__.split(".")
    known = [part for part in parts if not part.startswith(("_", "simulation"))]
    return known[-1] if package in ("simpeg", "simpeg_jointdl") and known else f"misfit {place}"
