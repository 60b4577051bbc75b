"""One property after the other, each guided by what the others look like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from simpeg.directives import InversionDirective, UpdatePreconditioner
from simpeg.utils import get_logger

from .._base import JointTerms, check_order
from ..weights import EstimateCouplingWeights, JointBetaSchedule, beta_schedule
from ._joint_irls import UpdateJointIRLS


class TakeTurns(JointTerms, InversionDirective):
    r"""Move one property at a time; the others stand still and guide it through the couplings.

    In its turn, the parameters of a property move until an inversion of it alone would stop: its data are fitted, it
    is at rest and its sparse norms have settled (see :class:`JointBetaSchedule`, which must stand before). All others
    are held between equal bounds, and data that constrain none of the moving parameters are left out of the
    objective function, so they cost nothing.
    With one round, each property is guided by those before it (sequential inversion); with more, rounds go on until no
    property has changed in its turn by more than `tolerance` (cooperative inversion).

    Parameters
    ----------
    order : sequence of int, optional
        Properties, numbered as their regularization terms come. Each once, the first of them without guidance; as
        they come if not given.
    max_rounds : int
        Largest number of rounds; 1 is sequential.
    turn_iterations : int
        Largest number of iterations of one turn.
    tolerance : float
        Change of a property between two of its turns, relative to its deviation from its mean, at which it
        counts as unchanged.
    verbose : bool
        Log whose turn it is.

    Attributes
    ----------
    round, turn : int
        Rounds finished, and place in `order` whose turn it is.

    Raises
    ------
    ValueError
        For numbers of rounds or iterations below 1, or a tolerance that is not above 0; in a list where it stands
        before a :class:`JointBetaSchedule` or :class:`UpdateJointIRLS`, or after :class:`EstimateCouplingWeights` or a
        preconditioner; when the inversion begins, without the :class:`JointBetaSchedule`, and for an order that does
        not have each property once.
    TypeError
        When the inversion begins, for a minimizer without bounds, and a regularization with sums among its terms; for
        a `dmisfit` or `reg` given.
    """

    def __init__(
        self,
        order: Sequence[int] | None = None,
        max_rounds: int = 1,
        turn_iterations: int = 40,
        tolerance: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (("max_rounds", max_rounds), ("turn_iterations", turn_iterations)):
            if int(value) < 1:
                msg = f"TakeTurns.{name}: got {value!r}, wanted a whole number of at least 1."
                raise ValueError(msg)
        if not tolerance > 0.0:
            msg = f"TakeTurns.tolerance: got {tolerance!r}, wanted a number above 0."
            raise ValueError(msg)
        self.order = None if order is None else tuple(int(k) for k in order)
        self.max_rounds, self.turn_iterations = int(max_rounds), int(turn_iterations)
        self.tolerance = float(tolerance)
        self.round = self.turn = 0

    def validate(self, directiveList=None):
        """Must stand after JointBetaSchedule and UpdateJointIRLS, before coupling weights and preconditioners."""
        check_order(
            self,
            directiveList.dList,
            after=(JointBetaSchedule, UpdateJointIRLS),
            before=(EstimateCouplingWeights, UpdatePreconditioner),
        )
        return True

    def initialize(self):
        """Give the first property its turn."""
        schedule = beta_schedule(self)
        n_properties = len(schedule.groups)
        if not hasattr(self.opt, "lower"):
            msg = (
                f"TakeTurns: {type(self.opt).__name__} has no bounds, with which properties are held; "
                "use simpeg.optimization.ProjectedGNCG."
            )
            raise TypeError(msg)
        order = tuple(range(n_properties)) if self.order is None else self.order
        if sorted(order) != list(range(n_properties)):
            msg = f"TakeTurns.order: got {order}, wanted each of {list(range(n_properties))} once."
            raise ValueError(msg)
        self._order = order
        size = self.invProb.model.size
        self._bounds = [np.broadcast_to(bound, size).copy() for bound in (self.opt.lower, self.opt.upper)]
        self._multipliers = list(self.dmisfit.multipliers)
        self._ended = [None] * n_properties  # model of each at the end of its last turn
        self._changed = True
        self.round, self.turn = 0, 0
        self._begin()

    def endIter(self):
        """Go on, pass the turn to the next property, or stop."""
        self._iterations += 1
        k, schedule = self._order[self.turn], beta_schedule(self)
        if not schedule.done:
            if self._iterations < self.turn_iterations:
                return
            get_logger().warning(
                f"TakeTurns: the turn of property {k} ended after {self._iterations} iterations, though "
                f"{'it still changed' if schedule.fitted[k] else 'its data were not fitted'}."
            )
        if self._is_last_turn(schedule.supports[k], k):
            self.opt.stopNextIteration = True
        else:
            self._begin()

    def finish(self):
        """Give bounds and multipliers back."""
        self.opt.lower, self.opt.upper = self._bounds
        self.dmisfit.multipliers = self._multipliers

    def _begin(self):
        schedule, k = beta_schedule(self), self._order[self.turn]
        self._iterations = 0
        free, model = schedule.supports[k], self.invProb.model
        lower, upper = self._bounds
        self.opt.lower, self.opt.upper = np.where(free, lower, model), np.where(free, upper, model)
        takes_part = schedule.constrains[:, k]
        self.dmisfit.multipliers = [m * bool(on) for m, on in zip(self._multipliers, takes_part, strict=True)]
        schedule.steer(np.arange(len(self._order)) == k)
        if self.verbose:
            get_logger().info(f"TakeTurns: round {self.round + 1}, property {k}")

    def _is_last_turn(self, support, k) -> bool:
        """Compare with the property's last turn, and pass the turn on."""
        now, before = self.invProb.model[support], self._ended[k]
        change = np.inf if before is None else np.linalg.norm(now - before)
        self._changed = bool(self._changed or change > self.tolerance * np.linalg.norm(now - now.mean()))
        self._ended[k] = now.copy()
        self.turn += 1
        if self.turn < len(self._order):
            return False
        self.round, self.turn = self.round + 1, 0
        has_changed, self._changed = self._changed, False
        return self.round == self.max_rounds or not has_changed
