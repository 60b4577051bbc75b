"""Weights of couplings, estimated from the stiffness of the other terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from simpeg.directives import DirectiveList, InversionDirective, UpdatePreconditioner, UpdateSensitivityWeights
from simpeg.utils import get_logger

from ..._core import validation as check
from ..._core.protocols import HasStrengths, Settles
from ..._problem.terms import couplings, smoothness_terms
from .._base import JointTerms, check_order
from ._joint_beta import JointBetaSchedule, beta_schedule
from ._stiffness import give_sensitivities, stiffness_ratio

Start = Literal["structure", "fitted", "settled"]


@dataclass(frozen=True)
class _Growth:
    """Constants of growing couplings."""

    first_part: float = 0.01  # of the full weight, at the beginning
    largest_fall: float = 4.0  # of trade-off parameters, before the coupling is weakened instead
    least: float = 1.05  # factor at which growth has ended
    near: float = 1.1  # misfit over target up to which data count as fitted


_GROWTH = _Growth()


class EstimateCouplingWeights(JointTerms, InversionDirective):
    r"""Set the multiplier of every coupling from spectral norms.

    Let :math:`\mathbf H^{kk}` be the block of a Hessian that belongs to property :math:`k`; that of the regularization
    includes its multipliers. Over the :math:`N` properties that a coupling acts on at the current model, its multiplier
    is

    .. math::
        \lambda = \text{ratio} \cdot \left( \prod_k
        \frac{\| \mathbf H_\text{reg}^{kk} \|_2}{\| \mathbf H_\text{coupling}^{kk} \|_2} \right)^{1/N}

    so that with a ratio of 1 a coupling is as stiff as the regularization, whatever the units of the properties, the
    cells and the data. A ratio of 0.1 is weak, 10 is strong. Cluster couplings also get ``strengths``, so that this
    holds for each property.

    Norms are taken over the cells where a coupled property differs from its median by more than a tenth of its largest
    difference. Elsewhere they say nothing about strength where it matters: a normalized coupling is stiffest where
    nothing happens, and a regularization in the largest cells of the padding. As long as fewer than two properties have
    any structure, a coupling has nothing to compare and its multiplier is zero, so that a uniform starting model costs
    one iteration. Weights are estimated again after each iteration in which a trade-off parameter has changed.

    Parameters
    ----------
    ratios : float or sequence of float
        Strength of the couplings relative to the regularization; one for all, or one each, in the order of the
        regularization.
    start : {"structure", "fitted", "settled"}
        When couplings begin: as soon as the models have structure; once all data are fitted; or once, in addition,
        every other directive has settled, so that couplings begin from the sparse model of :class:`UpdateJointIRLS`.
        The last two need a :class:`JointBetaSchedule`. Where properties :class:`TakeTurns`, they begin in the last turn
        of the first round.
    growth : float, optional
        Begin with a hundredth of the ratios, and multiply them by this factor in each iteration that leaves all data
        within a tenth of their targets, up to their full size. If trade-off parameters fall to a quarter of their first
        values because the coupling keeps data from their targets, the coupling is weakened by one step, and later steps
        are shorter. A coupling that grows moves the models only along what the data leave undetermined. One that begins
        at full strength overrules the data at first, and the models that it then finds are often wrong.
    sensitivity_weights : bool
        Whether to give each coupling the sensitivity weights of its properties, each with the largest value 1, as its
        weights named ``"sensitivity"``. Without them a cluster coupling makes models worse.
    random_seed : int
        Seed of the power iteration that estimates spectral norms.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`. With ``verbose=True`` the weights are logged.

    Attributes
    ----------
    weights : (n_couplings,) numpy.ndarray
        Current multipliers of the couplings.
    settled : bool
        Whether couplings have begun and grown, or wait for a property whose turn has not come.

    Raises
    ------
    ValueError
        For an unknown start, or a growth that is not above 1; in a list where it comes before sensitivity weights or a
        :class:`JointBetaSchedule`, or after a preconditioner; when the inversion begins, without any coupling, with
        couplings only, and for ratios that are not above 0 or not one per coupling; where `start` or `growth` needs a
        :class:`JointBetaSchedule` and there is none.
    TypeError
        If a `dmisfit` or `reg` is given, and for a regularization with sums among its terms.

    Examples
    --------
    >>> from simpeg_jointdl.directives import EstimateCouplingWeights
    >>> EstimateCouplingWeights(ratios=0.3, start="fitted", growth=2.0).growth
    2.0
    """

    def __init__(
        self,
        ratios: float | Sequence[float] = 1.0,
        *,
        start: Start = "structure",
        growth: float | None = None,
        sensitivity_weights: bool = True,
        random_seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = "EstimateCouplingWeights"
        self.ratios: float | Sequence[float] = ratios
        self.start: Start = check.one_of(f"{who}.start", start, get_args(Start))
        self.growth: float | None = None if growth is None else check.number(f"{who}.growth", growth, above=1.0)
        self.sensitivity_weights: bool = bool(sensitivity_weights)
        self.random_seed: int = check.whole(f"{who}.random_seed", random_seed, 0)
        self._started, self._growth, self._part = False, self.growth, 1.0
        self._first_betas = None
        self._betas = None

    @property
    def settled(self) -> bool:
        """Whether couplings have begun and grown, or wait for a property whose turn has not come."""
        if self._started:
            is_grown = self._growth is None or self._growth <= _GROWTH.least
            return is_grown or self._part >= 1.0 or not self.weights.any()
        schedule = beta_schedule(self)
        return not schedule.fitted[~schedule.steering].all()

    @property
    def weights(self) -> np.ndarray:
        """Current multipliers of the couplings, (n_couplings,)."""
        return np.array([self.reg.multipliers[i] for i in couplings(self.reg)], dtype=float)

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError unless it comes after sensitivity weights and JointBetaSchedule, before preconditioners.

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
            after=(UpdateSensitivityWeights, JointBetaSchedule),
            before=(UpdatePreconditioner,),
        )
        return True

    def initialize(self) -> None:
        """Estimate the weights at the starting model."""
        if not couplings(self.reg):
            msg = "EstimateCouplingWeights: the regularization has no coupling; add one, or leave this directive out."
            raise ValueError(msg)
        if not smoothness_terms(self.reg):
            msg = "EstimateCouplingWeights: the regularization holds couplings only; there is nothing to compare with."
            raise ValueError(msg)
        self._ratio_of_each()  # raises if there is not one per coupling
        self._started = self.start == "structure"
        self._part = 1.0 if self.growth is None else _GROWTH.first_part
        self._growth, self._first_betas = self.growth, None
        if not self._started:
            beta_schedule(self)
        self._update()

    def _ratio_of_each(self) -> np.ndarray:
        n_couplings = len(couplings(self.reg))
        return check.per_item("EstimateCouplingWeights.ratios", self.ratios, n_couplings, "coupling", above=0.0)

    def _may_start(self) -> bool:
        """Whether data are fitted and, where `start` asks for it, other directives have settled."""
        others = [other for other in self.inversion.directiveList if other is not self]
        settled = self.start == "fitted" or all(other.settled for other in others if isinstance(other, Settles))
        return settled and bool(beta_schedule(self).fitted.all())

    def _may_grow(self) -> bool:
        """Whether the data of all properties that are moving are near their targets."""
        schedule = beta_schedule(self)
        constrains = schedule.constrains[:, schedule.steering].any(axis=1)
        return schedule.chi is not None and bool((schedule.chi <= _GROWTH.near * schedule.targets)[constrains].all())

    def _grow_or_shrink(self) -> None:
        """Strengthen the couplings by a step, or weaken them if they keep data from their targets."""
        schedule = beta_schedule(self)
        betas = schedule.betas
        if self._first_betas is None:
            self._first_betas = betas
        least = self._first_betas / _GROWTH.largest_fall
        if (betas < least).any():
            schedule.set_betas(np.maximum(betas, least))
            self._part /= self._growth
            self._growth = np.sqrt(self._growth)  # converges to the strength at which data and coupling agree
        elif self._part < 1.0 and self._may_grow():
            self._part = min(1.0, self._growth * self._part)
        self._betas = None

    def endIter(self) -> None:
        """Estimate the weights again if a trade-off parameter has changed, or if a coupling waits for structure."""
        if not self._started:
            self._started = self._may_start()
        elif self._growth is not None and self._growth > _GROWTH.least:
            self._grow_or_shrink()
        for place in couplings(self.reg):
            coupling = self.reg.objfcts[place]
            if self.sensitivity_weights:
                give_sensitivities(coupling, self.reg, self.invProb.model)
            if isinstance(coupling, HasStrengths):
                coupling.hold_memberships(self.invProb.model)
        if self._betas != self._current_betas() or (self.weights == 0.0).any():
            self._update()

    def _current_betas(self) -> list[float]:
        multipliers = self.reg.multipliers
        return [float(self.invProb.beta), *(float(multipliers[i]) for i in smoothness_terms(self.reg))]

    def _update(self) -> None:
        """Set the multipliers of all couplings."""
        model = self.invProb.model
        multipliers = list(self.reg.multipliers)
        rng = np.random.default_rng(self.random_seed)
        for place, ratio in zip(couplings(self.reg), self._ratio_of_each(), strict=True):
            coupling = self.reg.objfcts[place]
            if self.sensitivity_weights:
                give_sensitivities(coupling, self.reg, model)
            stiffness = stiffness_ratio(coupling, self.reg, model, rng) if self._started else 0.0
            multipliers[place] = float(self._part * ratio * stiffness)
        self.reg.multipliers = multipliers
        self._betas = self._current_betas()
        if self.verbose:
            get_logger().info(f"EstimateCouplingWeights: {self.weights}")
