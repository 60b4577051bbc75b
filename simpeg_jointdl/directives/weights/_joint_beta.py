"""One trade-off parameter per property, each cooled until its own data are fitted."""

from __future__ import annotations

from functools import partial

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
from simpeg.utils import get_logger

from ..._problem.misfits import check_data, misfit_support
from ..._problem.spectra import spectral_norm
from ..._problem.terms import group_terms, smoothness_terms
from .._base import JointTerms, check_order, chi_factors, per_item
from ._criteria import RunCriteria
from ._pace import Pace


class JointBetaSchedule(JointTerms, InversionDirective):
    r"""Cool each property's beta until every data set has reached its own target.

    Regularization terms that share parameters share one beta, and keep the multipliers they had relative to
    each other: term :math:`i` of property :math:`k` has multiplier :math:`\beta_k c_i`, with the common
    ``invProb.beta`` taken off. Couplings are left alone. Which data constrain which property is found from the
    sensitivities, so any number of misfits, properties and couplings may come in any order. Each beta starts at

    .. math::
        \beta_k = \text{beta0\_ratio} \cdot \frac{\| \mathbf H_d^{kk} \|_2}{\| \sum_i c_i \mathbf H_i^{kk} \|_2}

    and after each iteration follows the worst of the data sets that constrain it: above the target it is divided by at
    most `cooling_factor`, less when near; more than `tolerance` below, it is raised again. A misfit with multiplier
    zero steers nothing. Beside SimPEG's ``UpdateIRLS``, which steers the common beta and decides when to stop, it only
    shifts betas against each other, so that all data sets reach their targets together. Their product stays.

    The inversion stops when every :math:`\chi` is at its target, at most `tolerance` below, and no property changes by
    more than `model_tolerance` of its deviation from its mean in an iteration; data fitted better than that stop it
    after `patience` such iterations. Or it stops at ``maxIter``, with a warning that names what is above. Switched off
    for the run are the minimizer's own criteria, which are absolute, and its stop where a line search finds nothing.

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
    tolerance, model_tolerance : float
        How far below its target a misfit may settle, as a part of it; relative change of a property that is at rest.
    patience : int
        Iterations at rest that are granted to data which are fitted too well.
    random_seed : int
        Of the power iteration, an estimate.

    Attributes
    ----------
    chi : (n_misfits,) numpy.ndarray
        After each iteration.
    betas : (n_properties,) numpy.ndarray
        Current trade-off parameters, in the order in which the properties' terms come.
    steering : (n_properties,) numpy.ndarray of bool
        Whose betas follow their data now; :class:`TakeTurns` holds those of properties that wait (see `steer`).
    done : bool
        Whether all that are steering have come to the end described above.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range; in a list with ``BetaSchedule``, or on the wrong side of another directive; when the
        inversion begins, for data that are not finite or depend on no regularized parameter, misfits without
        simulation, sums among the terms of the regularization, and a `chifact` that is not one per data set.
    """

    def __init__(
        self,
        chifact=1.0,
        beta0_ratio=10.0,
        cooling_factor: float = 2.0,
        cooling_rate: int = 1,
        tolerance: float = 0.1,
        model_tolerance: float = 0.02,
        patience: int = 10,
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
        self.patience, self.random_seed = int(patience), int(random_seed)
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

    @property
    def groups(self) -> list[list[int]]:
        """Places of the regularization terms of each property, in the order of `betas`."""
        return [list(group) for group in self._groups]

    @property
    def supports(self) -> list[np.ndarray]:
        """Model parameters of each property, (nP,) of bool."""
        return [support.copy() for support in self._supports]

    @property
    def constrains(self) -> np.ndarray:
        """Which data set constrains which property, (n_misfits, n_properties) of bool."""
        return self._constrains.copy()

    @property
    def fitted(self) -> np.ndarray:
        """Whether all data that constrain a property are at their target, (n_properties,); not before an iteration."""
        if self.chi is None:
            return np.zeros(len(self._groups), dtype=bool)
        return ~np.any(self._constrains & (self.chi > self.targets)[:, None], axis=0)

    @property
    def resting(self) -> np.ndarray:
        """Whether a property changed by no more than `model_tolerance` in the last iteration, (n_properties,)."""
        model, last = self.invProb.model, self.opt.x_last
        changes = [np.linalg.norm(model[support] - last[support]) for support in self._supports]
        deviations = [np.linalg.norm(model[support] - model[support].mean()) for support in self._supports]
        return np.array(changes) <= self.model_tolerance * np.array(deviations)

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
        model, weights = self.invProb.model, self.reg.multipliers
        self._check_misfits()
        _ = self.targets  # refuses those that are not one per data set
        self._steered_by_irls = any(isinstance(other, UpdateIRLS) for other in self.inversion.directiveList)
        self._relative = {i: float(weights[i]) for i in smoothness_terms(self.reg) if weights[i]}
        self._groups, self._supports = group_terms(self.reg, self._relative, model)
        self._counts = np.array([multiplier != 0.0 for multiplier in self.dmisfit.multipliers])
        reach = [misfit_support(misfit, model, self._rng(i)) for i, misfit in enumerate(self.dmisfit.objfcts)]
        self._constrains = np.array([[bool(np.any(d & k)) for k in self._supports] for d in reach])
        self._constrains &= self._counts[:, None]
        idle = np.flatnonzero(self._counts & ~self._constrains.any(axis=1))
        if idle.size:
            msg = (
                f"JointBetaSchedule: data misfit(s) {idle.tolist()} depend on no regularized parameter; "
                "check the maps of the simulations and of the regularization terms."
            )
            raise ValueError(msg)
        self.chi = None
        self.steer(np.ones(len(self._groups), dtype=bool))
        self._pace = Pace(len(self._groups), self.cooling_factor, self.tolerance)
        self.set_first_betas()
        self._criteria = RunCriteria(self.opt)

    def steer(self, properties: np.ndarray):
        """Only these, (n_properties,) of bool, follow their data from now on, with all patience."""
        self.steering, self._patience_left, self.done = np.array(properties, dtype=bool), self.patience, False

    def _rng(self, place):
        # one each, so that a property starts alike whatever stands beside it
        return np.random.default_rng((self.random_seed, place))

    def _check_misfits(self):
        blind = [i for i, misfit in enumerate(self.dmisfit.objfcts) if not hasattr(misfit, "simulation")]
        if blind:
            msg = (
                f"JointBetaSchedule: data misfit(s) {blind} have no simulation, so no number of data to reach a "
                "target with; wanted data misfits such as simpeg.data_misfit.L2DataMisfit."
            )
            raise TypeError(msg)
        check_data(self.dmisfit)

    def set_first_betas(self):
        """Betas of the start, for the terms as they are now."""
        model = self.invProb.model
        ratios = per_item(self.beta0_ratio, len(self._groups), "JointBetaSchedule.beta0_ratio", "property")
        betas = np.ones(len(self._groups))
        for k, (group, support) in enumerate(zip(self._groups, self._supports, strict=True)):
            product = partial(self._group_product, group, model)
            stiffness = spectral_norm(product, support, self._rng(k))
            data = spectral_norm(partial(self.dmisfit.deriv2, model), support, self._rng(k))
            if stiffness > 0.0 and data > 0.0:
                betas[k] = ratios[k] * data / stiffness
        self.set_betas(betas)

    def _group_product(self, group, model, v):
        return sum(self._relative[i] * self.reg.objfcts[i].deriv2(model, v) for i in group)

    def set_betas(self, betas):
        """Other trade-off parameters from here on, (n_properties,)."""
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
        on = self.steering
        self.done = self._is_done(excess[self._counts & (on.all() | self._constrains[:, on].any(axis=1))])
        if self.done and on.all() and not self._steered_by_irls:
            self.opt.stopNextIteration = True

    def _is_done(self, excess) -> bool:
        # others may still have steps to take: sparse norms, couplings that wait
        settled = all(getattr(other, "settled", True) for other in self.inversion.directiveList)
        if not (settled and (excess <= 1.0).all() and self.resting[self.steering].all()):
            return False
        self._patience_left -= 1
        return bool((excess >= 1.0 - self.tolerance).all()) or self._patience_left < 0

    def finish(self):
        """Give the minimizer its criteria back, and say which data are not fitted."""
        self._criteria.give_back()
        if self.chi is None:
            return
        above = np.flatnonzero(self._counts & (self.chi > self.targets))
        if above.size and not self._steered_by_irls:
            get_logger().warning(
                f"JointBetaSchedule: stopped after {self.opt.iter} iterations with χ {self.chi[above]} of data "
                f"misfit(s) {above.tolist()} above the target {self.targets[above]}."
            )

    def _cool(self, excess):
        worst = np.where(self._constrains, excess[:, None], 0.0).max(axis=0)  # 0 where no data reach
        cut_short = getattr(self.opt, "cg_count", 0) >= getattr(self.opt, "cg_maxiter", np.inf)
        factor = self._pace.factors(worst, self.steering, cut_short or self.opt.iterLS > 0)
        if self._steered_by_irls:
            factor = np.exp(np.log(factor) - np.log(factor[worst > 0.0]).mean())
            factor[worst == 0.0] = 1.0
        self.set_betas(self.betas / factor)


def beta_schedule(directive) -> JointBetaSchedule:
    """The JointBetaSchedule beside a directive."""
    found = [other for other in directive.inversion.directiveList if isinstance(other, JointBetaSchedule)]
    if len(found) != 1:
        msg = f"{type(directive).__name__}: found {len(found)} JointBetaSchedule in the directives; give it one."
        raise ValueError(msg)
    return found[0]
