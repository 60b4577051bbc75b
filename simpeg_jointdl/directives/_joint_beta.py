"""One trade-off parameter per property, each cooled until its own data are fitted."""

from __future__ import annotations

import numpy as np
from simpeg.directives import (
    BetaEstimate_ByEig,
    BetaEstimateMaxDerivative,
    BetaSchedule,
    InversionDirective,
    UpdateIRLS,
    UpdatePreconditioner,
    UpdateSensitivityWeights,
)
from simpeg.optimization import StoppingCriteria
from simpeg.utils import get_logger

from ._problem import (
    JointTerms,
    check_data,
    check_order,
    chi_factors,
    map_support,
    misfit_support,
    per_item,
    smoothness_terms,
    spectral_norm,
)


class JointBetaSchedule(JointTerms, InversionDirective):
    r"""Cool each property's beta until every data set has reached its own target.

    Regularization terms that share parameters share one beta, and keep the multipliers they had relative to
    each other: term :math:`i` of property :math:`k` has multiplier :math:`\beta_k c_i`, with the common
    ``invProb.beta`` taken off. Couplings are left alone. Which data constrain which property is found from the
    sensitivities, so any number of misfits, properties and couplings may come in any order. Each beta starts at

    .. math::
        \beta_k = \text{beta0\_ratio} \cdot \frac{\| \mathbf H_d^{kk} \|_2}{\| \sum_i c_i \mathbf H_i^{kk} \|_2}

    and after each iteration follows the worst of the data sets that constrain it: above the target it is
    divided by at most `cooling_factor`, less when near; more than `tolerance` below, it is raised again. A misfit
    with multiplier zero steers nothing.

    The inversion stops when every :math:`\chi` is at or below its target and no property changes by more
    than `model_tolerance` of its deviation from its mean in an iteration, or at the minimizer's ``maxIter``, with
    a warning that names what is above its target. The minimizer's own criteria on the objective function and
    the model are switched off for the run: they are absolute, and end one in small units before any data are
    fitted.

    Parameters
    ----------
    chifact : float or sequence of float
        Target :math:`\chi`, misfit per datum; one for all data sets or one each.
    beta0_ratio : float or sequence of float
        Start, relative to equally stiff data and regularization; one for all properties or one each.
    cooling_factor : float
        Largest division in one step, above 1.
    cooling_rate : int
        Iterations between changes.
    tolerance : float
        How far below its target a misfit may settle, as a part of it.
    model_tolerance : float
        Relative change of each property at which it is at rest.
    random_seed : int
        Of the power iteration, an estimate.

    Attributes
    ----------
    chi : (n_misfits,) numpy.ndarray
        After each iteration.
    betas : (n_properties,) numpy.ndarray
        Current trade-off parameters, in the order in which the properties' terms come.

    Notes
    -----
    Beside SimPEG's ``UpdateIRLS``, which steers the common beta and decides when to stop, it only shifts
    betas against each other, so that all data sets reach their targets together. Their product stays.
    """

    def __init__(
        self,
        chifact=1.0,
        beta0_ratio=10.0,
        cooling_factor: float = 2.0,
        cooling_rate: int = 1,
        tolerance: float = 0.1,
        model_tolerance: float = 0.02,
        random_seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not cooling_factor > 1.0:
            msg = f"JointBetaSchedule.cooling_factor: got {cooling_factor!r}, wanted a number above 1."
            raise ValueError(msg)
        if int(cooling_rate) < 1:
            msg = f"JointBetaSchedule.cooling_rate: got {cooling_rate!r}, wanted a whole number of at least 1."
            raise ValueError(msg)
        for name, value in (("tolerance", tolerance), ("model_tolerance", model_tolerance)):
            if not 0.0 < value < 1.0:
                msg = f"JointBetaSchedule.{name}: got {value!r}, wanted a number between 0 and 1."
                raise ValueError(msg)
        self.chifact, self.beta0_ratio = chifact, beta0_ratio
        self.cooling_factor, self.cooling_rate = float(cooling_factor), int(cooling_rate)
        self.tolerance, self.model_tolerance = float(tolerance), float(model_tolerance)
        self.random_seed = int(random_seed)
        self.chi: np.ndarray | None = None

    @property
    def betas(self) -> np.ndarray:
        """Current trade-off parameters, one per property."""
        multipliers = self.reg.multipliers
        first = [group[0] for group in self._groups]
        return float(self.invProb.beta) * np.array([multipliers[i] / self._relative[i] for i in first])

    @property
    def targets(self) -> np.ndarray:
        """Target χ of each data set, (n_misfits,)."""
        return per_item(self.chifact, len(self.dmisfit.objfcts), "JointBetaSchedule.chifact", "data misfit")

    def validate(self, directiveList=None):
        """Must stand after sensitivity weights, UpdateIRLS and beta estimators, before preconditioners, and alone."""
        others = directiveList.dList
        check_order(
            self,
            others,
            after=(UpdateSensitivityWeights, UpdateIRLS, BetaEstimate_ByEig, BetaEstimateMaxDerivative),
            before=(UpdatePreconditioner,),
        )
        if any(isinstance(other, BetaSchedule) for other in others):
            msg = "JointBetaSchedule cools the betas itself; take BetaSchedule out of the list of directives."
            raise ValueError(msg)
        return True

    def initialize(self):
        """Find out which data constrain which property, and set the first betas."""
        model, rng = self.invProb.model, np.random.default_rng(self.random_seed)
        self._check_misfits()
        self._steered_by_irls = any(isinstance(other, UpdateIRLS) for other in self.inversion.directiveList)
        self._group_terms(model)
        counts = [multiplier != 0.0 for multiplier in self.dmisfit.multipliers]
        self._counts = np.array(counts)
        reach = [misfit_support(misfit, model, rng) for misfit in self.dmisfit.objfcts]
        self._constrains = np.array([[bool(np.any(d & k)) for k in self._supports] for d in reach])
        self._constrains &= self._counts[:, None]
        idle = np.flatnonzero(self._counts & ~self._constrains.any(axis=1))
        if idle.size:
            msg = (
                f"JointBetaSchedule: data misfit(s) {idle.tolist()} depend on no regularized parameter; "
                "check the maps of the simulations and of the regularization terms."
            )
            raise ValueError(msg)
        self._set_first_betas(model, rng)
        self._stoppers, self.opt.stoppers = self.opt.stoppers, [StoppingCriteria.iteration]

    def _check_misfits(self):
        blind = [i for i, misfit in enumerate(self.dmisfit.objfcts) if not hasattr(misfit, "simulation")]
        if blind:
            msg = (
                f"JointBetaSchedule: data misfit(s) {blind} have no simulation, so no number of data to reach a "
                "target with; wanted data misfits such as simpeg.data_misfit.L2DataMisfit."
            )
            raise TypeError(msg)
        check_data(self.dmisfit)

    def _group_terms(self, model):
        """Terms that share parameters, with the multipliers they have relative to each other."""
        places = [i for i in smoothness_terms(self.reg) if self.reg.multipliers[i] != 0.0]
        self._relative = {i: float(self.reg.multipliers[i]) for i in places}
        self._groups: list[list[int]] = []
        self._supports: list[np.ndarray] = []
        for place in places:
            group, support = [place], map_support(self.reg.objfcts[place].mapping, model)
            for k in reversed(range(len(self._groups))):
                if np.any(self._supports[k] & support):
                    group, support = self._groups.pop(k) + group, self._supports.pop(k) | support
            self._groups.append(group)
            self._supports.append(support)

    def _set_first_betas(self, model, rng):
        ratios = per_item(self.beta0_ratio, len(self._groups), "JointBetaSchedule.beta0_ratio", "property")
        betas = np.ones(len(self._groups))
        for k, (group, support) in enumerate(zip(self._groups, self._supports, strict=True)):
            stiffness = spectral_norm(lambda v, group=group: self._group_product(group, model, v), support, rng)
            data = spectral_norm(lambda v: self.dmisfit.deriv2(model, v), support, rng)
            if stiffness > 0.0 and data > 0.0:
                betas[k] = ratios[k] * data / stiffness
        self._set_betas(betas)

    def _group_product(self, group, model, v):
        return sum(self._relative[i] * self.reg.objfcts[i].deriv2(model, v) for i in group)

    def _set_betas(self, betas):
        multipliers = list(self.reg.multipliers)
        for group, beta in zip(self._groups, betas, strict=True):
            for place in group:
                multipliers[place] = float(beta * self._relative[place] / self.invProb.beta)
        self.reg.multipliers = multipliers

    def endIter(self):
        """Cool, raise or rest; stop when all is fitted and at rest."""
        self.chi = chi_factors(self)
        excess = self.chi / self.targets
        if self.opt.iter % self.cooling_rate == 0:
            self._cool(excess)
        if self.verbose:
            get_logger().info(f"JointBetaSchedule: χ {self.chi}, betas {self.betas}")
        if not self._steered_by_irls and (excess[self._counts] <= 1.0).all() and self._at_rest():
            self.opt.stopNextIteration = True

    def finish(self):
        """Give the minimizer its criteria back, and say which data are not fitted."""
        self.opt.stoppers = self._stoppers
        if self.chi is None:
            return
        above = np.flatnonzero(self._counts & (self.chi > self.targets))
        if above.size and not self._steered_by_irls:
            get_logger().warning(
                f"JointBetaSchedule: stopped after {self.opt.iter} iterations with χ {self.chi[above]} of data "
                f"misfit(s) {above.tolist()} above the target {self.targets[above]}."
            )

    def _cool(self, excess):
        worst = np.where(self._constrains, excess[:, None], 0.0).max(axis=0)  # per property; 0 where no data reach
        factor = np.ones(len(worst))
        above, below = worst > 1.0, (worst > 0.0) & (worst < 1.0 - self.tolerance)
        # aim into the band rather than at its edge, gently when near
        aim = 1.0 - 0.5 * self.tolerance
        factor[above] = np.minimum(self.cooling_factor, (worst[above] / aim) ** 1.5)
        factor[below] = np.maximum(1.0 / self.cooling_factor, worst[below] / aim)
        if self._steered_by_irls:
            factor = np.exp(np.log(factor) - np.log(factor[worst > 0.0]).mean())
            factor[worst == 0.0] = 1.0
        self._set_betas(self.betas / factor)

    def _at_rest(self) -> bool:
        model, last = self.invProb.model, self.opt.x_last
        for support in self._supports:
            here = model[support]
            if np.linalg.norm(here - last[support]) > self.model_tolerance * np.linalg.norm(here - here.mean()):
                return False
        return True
