"""Sequential and cooperative inversion: one property after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from simpeg.directives import DirectiveList, InversionDirective, UpdatePreconditioner
from simpeg.optimization import Bounded
from simpeg.utils import get_logger

from ..._core import validation as check
from .._base import JointTerms, check_order
from ..weights import EstimateCouplingWeights, JointBetaSchedule, beta_schedule
from ._joint_irls import UpdateJointIRLS


class TakeTurns(JointTerms, InversionDirective):
    r"""Invert for one property at a time, while the others stay fixed and guide it through the couplings.

    In its turn, a property moves until an inversion of it alone would stop: its data are fitted, it does not change any
    more, and its sparse norms have settled (see :class:`JointBetaSchedule`, which must come before). All other
    properties are fixed by equal lower and upper bounds. Data that do not constrain the moving property are left out
    of the objective function, so they cost nothing. With one round, each property is guided by those before it
    (sequential inversion). With more rounds, turns go on until no property has changed in its turn by more than
    `tolerance` (cooperative inversion).

    Parameters
    ----------
    order : sequence of int, optional
        Each property once, numbered in the order of their regularization terms; the first one has no guidance. By
        default all, in the order of their terms.
    max_rounds : int
        Largest number of rounds; 1 is sequential inversion.
    turn_iterations : int
        Largest number of iterations of one turn.
    tolerance : float
        Change of a property between two of its turns, relative to its deviation from its mean, below which it counts
        as unchanged.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`. With ``verbose=True`` a message says which property
        has its turn.

    Attributes
    ----------
    round, turn : int
        Number of finished rounds, and position in `order` of the property that is moving.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and if a `dmisfit` or `reg` is given; in a list where it comes before a
        :class:`JointBetaSchedule` or :class:`UpdateJointIRLS`, or after :class:`EstimateCouplingWeights` or a
        preconditioner; when the inversion begins, without the :class:`JointBetaSchedule`, for an order that does not
        have each property once, a minimizer without bounds, and a regularization with sums among its terms.

    Examples
    --------
    >>> from simpeg_jointdl.directives import TakeTurns
    >>> TakeTurns(order=[1, 0], max_rounds=3).turn_iterations
    40
    """

    def __init__(
        self,
        order: Sequence[int] | None = None,
        max_rounds: int = 1,
        turn_iterations: int = 40,
        tolerance: float = 0.02,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.order: tuple[int, ...] | None = None if order is None else tuple(int(k) for k in order)
        self.max_rounds: int = check.whole("TakeTurns.max_rounds", max_rounds)
        self.turn_iterations: int = check.whole("TakeTurns.turn_iterations", turn_iterations)
        self.tolerance: float = check.positive("TakeTurns.tolerance", tolerance)
        self.round: int = 0
        self.turn: int = 0

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError if it is on the wrong side of another directive.

        It must come after JointBetaSchedule and UpdateJointIRLS, and before coupling weights and preconditioners.

        Parameters
        ----------
        directiveList : simpeg.directives.DirectiveList
            All directives of the inversion, in their order.

        Returns
        -------
        bool
            True.
        """
        check_order(
            self,
            directiveList.dList,
            after=(JointBetaSchedule, UpdateJointIRLS),
            before=(EstimateCouplingWeights, UpdatePreconditioner),
        )
        return True

    def initialize(self) -> None:
        """Give the first property its turn."""
        schedule = beta_schedule(self)
        n_properties = len(schedule.groups)
        if not isinstance(self.opt, Bounded):
            msg = (
                f"TakeTurns: {type(self.opt).__name__} has no bounds, which fix the properties that wait; "
                "use simpeg.optimization.ProjectedGNCG."
            )
            raise TypeError(msg)
        order = tuple(range(n_properties)) if self.order is None else self.order
        if sorted(order) != list(range(n_properties)):
            msg = f"TakeTurns.order: got {order}, wanted each of {list(range(n_properties))} once."
            raise ValueError(msg)
        self._order = order
        size = self.invProb.model.size
        given = ((self.opt.lower, -np.inf), (self.opt.upper, np.inf))
        self._bounds = [np.broadcast_to(none if bound is None else bound, size).copy() for bound, none in given]
        self._multipliers = list(self.dmisfit.multipliers)
        self._ended = [None] * n_properties  # each property at the end of its last turn
        self._changed = True
        self.round, self.turn = 0, 0
        self._begin()

    def endIter(self) -> None:
        """Continue the turn, pass it to the next property, or stop."""
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

    def finish(self) -> None:
        """Restore bounds and multipliers."""
        self.opt.lower, self.opt.upper = self._bounds
        self.dmisfit.multipliers = self._multipliers

    def _begin(self) -> None:
        """Let the property whose turn it is move, and fix all others."""
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
        """Compare the property with its last turn, pass the turn on, and say whether this was the last one."""
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
