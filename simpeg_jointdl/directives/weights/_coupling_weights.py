"""The weight of a coupling, so that nobody has to guess it."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective, UpdatePreconditioner, UpdateSensitivityWeights
from simpeg.utils import get_logger

from ..._problem.spectra import spectral_norm
from ..._problem.terms import (
    at_cells_of,
    couplings,
    has_structure,
    map_support,
    parameters_of_cells,
    property_maps,
    smoothness_terms,
    structured_cells,
)
from ..._tensor_path import Crossing, hessian_product
from .._base import JointTerms, check_order, per_item
from ._joint_beta import JointBetaSchedule, beta_schedule

_STARTS = ("structure", "fitted", "settled")
_FIRST_PART = 0.01
_YIELD = 4.0  # a coupling that grows may bring betas down by this; then it gives way, not they
_LEAST_GROWTH = 1.05


class EstimateCouplingWeights(JointTerms, InversionDirective):
    r"""Set every coupling's multiplier from spectral norms.

    With the block of property :math:`k` of both Hessians, the regularization's with its multipliers, over the
    :math:`N` properties on which the coupling acts at that model,

    .. math::
        \lambda = \text{ratio} \cdot \left( \prod_k
        \frac{\| \mathbf H_\text{reg}^{kk} \|_2}{\| \mathbf H_\text{coupling}^{kk} \|_2} \right)^{1/N}

    so that with a ratio of 1 a coupling is as stiff as the regularization,
    whatever the units of the properties, the cells and the data. 0.1 is weak, 10 is strong. Clusters also get
    their ``strengths``, so that they are so for each property by itself.

    Norms are taken where the models have structure: over the cells in which any coupled property stands out
    from its median by a tenth of its largest excursion. (A normalised coupling is stiffest where nothing
    happens, and a regularization in the largest cells of the padding; neither says anything about strength
    where it matters.) As long as fewer than two
    properties have any structure, a coupling has nothing to compare and its multiplier is zero: a uniform
    start costs one iteration, not a NaN. Weights are estimated again after each iteration in which a beta
    has changed, and rest when betas rest.

    Parameters
    ----------
    ratios : float or sequence of float
        One for all couplings, or one each, in the order of the regularization.
    start : {"structure", "fitted", "settled"}
        When couplings begin: with the first structure in the models; once all data are fitted; or once,
        besides, every other directive has settled, so that they take the sparse model of
        :class:`UpdateJointIRLS` from there. The last two need a :class:`JointBetaSchedule`. Where properties
        :class:`TakeTurns` they begin in the last turn of the first round.
    growth : float, optional
        Begin with a hundredth of the ratios, and multiply them by this in each iteration that leaves all data within a
        tenth of their targets, up to their full size. Where betas fall to a quarter of what they were because the
        coupling keeps data from their targets, it takes a step back instead, and shorter steps from then on. A
        coupling that grows nudges the models along what the data leave open; one that begins in full overrules the data
        first, and what it settles in then is often wrong.
    sensitivity_weights : bool
        Hand each coupling the sensitivity weights of the properties it couples, each with largest value 1,
        as its weights named ``"sensitivity"``. Without them a cluster coupling makes models worse.
    random_seed : int
        Of the power iteration, an estimate.
    verbose : bool
        Log the weights.

    Attributes
    ----------
    weights : (n_couplings,) numpy.ndarray
        Current multipliers of the couplings.

    Raises
    ------
    ValueError
        For an unknown start, or a growth that is not above 1; in a list where it stands before sensitivity weights or
        a :class:`JointBetaSchedule`, or after a preconditioner; when the inversion begins, without any coupling, with
        nothing but couplings, for ratios that are not above 0 or not one per coupling, and where a later start finds
        no :class:`JointBetaSchedule`, as a growth does after the first iteration.
    TypeError
        For a regularization with sums among its terms; for a `dmisfit` or `reg` given.
    """

    def __init__(
        self,
        ratios=1.0,
        *,
        start: str = "structure",
        growth: float | None = None,
        sensitivity_weights: bool = True,
        random_seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if start not in _STARTS:
            msg = f"EstimateCouplingWeights.start: got {start!r}, wanted one of {', '.join(_STARTS)}."
            raise ValueError(msg)
        if growth is not None and not growth > 1.0:
            msg = f"EstimateCouplingWeights.growth: got {growth!r}, wanted a number above 1, or None for all at once."
            raise ValueError(msg)
        self.ratios, self.start, self._started = ratios, start, False
        self.growth, self._growth, self._part = growth, growth, 1.0
        self._first_betas = None
        self.sensitivity_weights = bool(sensitivity_weights)
        self.random_seed = int(random_seed)
        self._betas = None

    @property
    def settled(self) -> bool:
        """Whether couplings have begun and grown, or wait for a property whose turn has not come."""
        if self._started:
            at_rest = self._growth is None or self._growth <= _LEAST_GROWTH
            return at_rest or self._part >= 1.0 or not self.weights.any()
        schedule = beta_schedule(self)
        return not schedule.fitted[~schedule.steering].all()

    @property
    def weights(self) -> np.ndarray:
        """Current multipliers of the couplings, (n_couplings,)."""
        return np.array([self.reg.multipliers[i] for i in couplings(self.reg)], dtype=float)

    def validate(self, directiveList=None):
        """Must stand after sensitivity weights and JointBetaSchedule, and before preconditioners."""
        check_order(
            self,
            directiveList.dList,
            after=(UpdateSensitivityWeights, JointBetaSchedule),
            before=(UpdatePreconditioner,),
        )
        return True

    def initialize(self):
        """Hand over sensitivity weights and estimate at the starting model."""
        if not couplings(self.reg):
            msg = "EstimateCouplingWeights: the regularization has no coupling; add one, or leave this directive out."
            raise ValueError(msg)
        if not smoothness_terms(self.reg):
            msg = "EstimateCouplingWeights: the regularization holds couplings only; there is nothing to compare with."
            raise ValueError(msg)
        per_item(self.ratios, len(couplings(self.reg)), "EstimateCouplingWeights.ratios", "coupling")
        self._started = self.start == "structure"
        self._part = 1.0 if self.growth is None else _FIRST_PART
        self._growth, self._first_betas = self.growth, None
        if not self._started:
            beta_schedule(self)
        self._update()

    def _may_start(self) -> bool:
        others = [other for other in self.inversion.directiveList if other is not self]
        settled = self.start == "fitted" or all(getattr(other, "settled", True) for other in others)
        return settled and bool(beta_schedule(self).fitted.all())

    def _may_grow(self) -> bool:
        schedule = beta_schedule(self)
        constrains = schedule.constrains[:, schedule.steering].any(axis=1)
        return schedule.chi is not None and bool((schedule.chi <= 1.1 * schedule.targets)[constrains].all())

    def _grow_or_yield(self):
        """Take the next step up; or down, if betas fall on and on because the coupling keeps data from their target."""
        schedule = beta_schedule(self)
        betas = schedule.betas
        if self._first_betas is None:
            self._first_betas = betas
        least = self._first_betas / _YIELD
        if (betas < least).any():
            schedule.set_betas(np.maximum(betas, least))
            self._part /= self._growth
            self._growth = np.sqrt(self._growth)  # so that it comes to rest where data and coupling agree
        elif self._part < 1.0 and self._may_grow():
            self._part = min(1.0, self._growth * self._part)
        self._betas = None

    def endIter(self):
        """Estimate again if a beta has changed, or if a coupling waits for structure."""
        if not self._started:
            self._started = self._may_start()
        elif self._growth is not None and self._growth > _LEAST_GROWTH:
            self._grow_or_yield()
        for place in couplings(self.reg):
            coupling = self.reg.objfcts[place]
            if self.sensitivity_weights:
                self._hand_over_sensitivities(coupling, self.invProb.model)
            if hasattr(coupling, "hold_memberships"):
                coupling.hold_memberships(self.invProb.model)
        if self._betas != self._current_betas() or (self.weights == 0.0).any():
            self._update()

    def _current_betas(self):
        multipliers = self.reg.multipliers
        return [float(self.invProb.beta), *(float(multipliers[i]) for i in smoothness_terms(self.reg))]

    def _update(self):
        model = self.invProb.model
        multipliers = list(self.reg.multipliers)
        places = couplings(self.reg)
        ratios = per_item(self.ratios, len(places), "EstimateCouplingWeights.ratios", "coupling")
        rng = np.random.default_rng(self.random_seed)
        for place, ratio in zip(places, ratios, strict=True):
            coupling = self.reg.objfcts[place]
            if self.sensitivity_weights:
                self._hand_over_sensitivities(coupling, model)
            multipliers[place] = (
                float(self._part * ratio * self._stiffness_ratio(coupling, model, rng)) if self._started else 0.0
            )
        self.reg.multipliers = multipliers
        self._betas = self._current_betas()
        if self.verbose:
            get_logger().info(f"EstimateCouplingWeights: {self.weights}")

    def _stiffness_ratio(self, coupling, model, rng) -> float:
        maps = property_maps(coupling)
        if sum(has_structure(one * model) for one in maps) < 2:
            return 0.0
        cells = structured_cells(maps, model)
        regularization, ratios = self._regularization_product(model), []
        for one in maps:
            block = parameters_of_cells(one, model, cells)
            stiffness = spectral_norm(lambda v: coupling.deriv2(model, v), block, rng)
            if stiffness > 0.0:
                ratios.append(spectral_norm(regularization, block, rng) / stiffness)
        if not ratios or min(ratios) <= 0.0:
            return 0.0
        mean = float(np.exp(np.mean(np.log(ratios))))
        if len(ratios) == len(getattr(coupling, "strengths", ())):  # each property as stiff as its regularization
            coupling.strengths = coupling.strengths * np.array(ratios) / mean
            coupling.hold_memberships(model)
        return mean

    def _regularization_product(self, model):
        """Product of the Hessian of all terms but couplings, with their multipliers; put together once for all."""
        crossing, parts = Crossing("cpu"), []
        for i in smoothness_terms(self.reg):
            multiplier, term = self.reg[i]
            if multiplier:
                parts.append((float(multiplier), hessian_product(term, model, crossing)))

        def product(v):
            sent = crossing.send(v)
            return sum((c * crossing.fetch(part(sent)) for c, part in parts), np.zeros(model.size))

        return product

    def _hand_over_sensitivities(self, coupling, model):
        if not hasattr(coupling, "properties"):
            return  # SimPEG's own couplings take no weights per property
        columns = [self._sensitivity_of(one, model) for one in property_maps(coupling)]
        if all(column is None for column in columns):
            return
        ones = np.ones(coupling.n_cells)
        weights = np.stack([ones if column is None else column / column.max() for column in columns], axis=1)
        known = coupling.get_weights("sensitivity") if "sensitivity" in coupling.weights_keys else None
        if known is None or not np.array_equal(known, weights):
            coupling.set_weights(sensitivity=weights)

    def _sensitivity_of(self, mapping, model) -> np.ndarray | None:
        """Sensitivity weights of the term that regularizes the same parameters, (n_cells,)."""
        own = map_support(mapping, model)
        for i in smoothness_terms(self.reg):
            term = self.reg.objfcts[i]
            if not np.any(own & map_support(term.mapping, model)):
                continue
            for part in getattr(term, "objfcts", [term]):
                if "sensitivity" in part.weights_keys:
                    values = part.get_weights("sensitivity")
                    if values.max() > 0:
                        return at_cells_of(mapping, term.mapping, values, model)
        return None
