"""One trade-off parameter for each property, cooled until the data of the property are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from simpeg.directives import (
    BetaEstimate_ByEig,
    BetaEstimateMaxDerivative,
    BetaSchedule,
    DirectiveList,
    InversionDirective,
    UpdateIRLS,
    UpdatePreconditioner,
    UpdateSensitivityWeights,
)
from simpeg.utils import get_logger

from ..._core import validation as check
from ..._core.protocols import Settles
from ..._problem.misfits import check_data
from .._base import JointTerms, check_order, check_simulations, chi_factors
from ._criteria import RunCriteria
from ._pace import Pace
from ._property_betas import PropertyBetas


class JointBetaSchedule(PropertyBetas, InversionDirective):
    r"""Cool the trade-off parameter of each property until every data set has reached its own target.

    Regularization terms that share parameters share one trade-off parameter, and keep the multipliers they had relative
    to each other: term :math:`i` of property :math:`k` has the multiplier :math:`\beta_k c_i`, divided by
    ``invProb.beta``. Couplings are left alone. The sensitivities tell which data constrain which property, so any
    number of misfits, properties and couplings may be given in any order. Each trade-off parameter starts at

    .. math::
        \beta_k = \text{beta0\_ratio} \cdot \frac{\| \mathbf H_d^{kk} \|_2}{\| \sum_i c_i \mathbf H_i^{kk} \|_2} .

    After each iteration it follows the worst fitted data set that constrains its property. Above the target it is
    divided by at most `cooling_factor`, by less near the target; where the misfit is more than `tolerance` below the
    target, it is raised again. A data misfit with multiplier zero has no influence. Beside SimPEG's ``UpdateIRLS``,
    which changes the common trade-off parameter and decides when to stop, this directive only changes the trade-off
    parameters relative to each other, so that all data sets reach their targets together; their product stays.

    The inversion stops when every :math:`\chi` is at its target, at most `tolerance` below it, and no property changes
    in an iteration by more than `model_tolerance` of its deviation from its mean. If data are fitted better than that,
    it stops after `patience` further iterations without change. At the latest it stops at ``maxIter``, with a warning
    that names the data above their targets. For the length of the run the minimizer's own stopping criteria, which are
    absolute, are switched off, and a line search that finds no descent leaves the model as it is, instead of ending
    the inversion.

    Parameters
    ----------
    chifact : float or sequence of float
        Target :math:`\chi`, the misfit per datum; one for all data sets, or one each.
    beta0_ratio : float or sequence of float
        First trade-off parameter, relative to that at which data and regularization are equally stiff; one for all
        properties, or one each.
    cooling_factor : float
        Largest division in one step, above 1.
    cooling_rate : int
        Iterations between changes.
    tolerance : float
        Part of its target by which a misfit may stay below it, between 0 and 1.
    model_tolerance : float
        Relative change of a property below which it counts as unchanged, between 0 and 1.
    patience : int
        Iterations without change after which the inversion stops though data are fitted too well.
    random_seed : int
        Seed of the power iteration that estimates spectral norms.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`. With ``verbose=True`` misfits and trade-off
        parameters are logged.

    Attributes
    ----------
    chi : (n_misfits,) numpy.ndarray or None
        Misfit per datum of each data set after the last iteration.
    betas : (n_properties,) numpy.ndarray
        Current trade-off parameters, in the order of the properties' first terms.
    steering : (n_properties,) numpy.ndarray of bool
        Properties whose trade-off parameters follow their data now; see :meth:`steer`, which :class:`TakeTurns` calls.
    done : bool
        Whether the inversion could stop, as described above, if only the properties that are steering counted.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range; in a list with ``BetaSchedule``, or on the wrong side of another directive; when the
        inversion begins, for data that are not finite or depend on no regularized parameter, misfits without
        simulation, sums among the terms of the regularization, and a `chifact` that is not one per data set.

    Examples
    --------
    >>> from simpeg_jointdl.directives import JointBetaSchedule
    >>> JointBetaSchedule(chifact=[1.0, 0.9], cooling_factor=1.5).tolerance
    0.1
    """

    steering: np.ndarray
    done: bool

    def __init__(
        self,
        chifact: float | Sequence[float] = 1.0,
        beta0_ratio: float | Sequence[float] = 10.0,
        cooling_factor: float = 2.0,
        cooling_rate: int = 1,
        tolerance: float = 0.1,
        model_tolerance: float = 0.02,
        patience: int = 10,
        random_seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = "JointBetaSchedule"
        self.chifact: float | Sequence[float] = chifact
        self.beta0_ratio: float | Sequence[float] = beta0_ratio
        self.cooling_factor: float = check.number(f"{who}.cooling_factor", cooling_factor, above=1.0)
        self.cooling_rate: int = check.whole(f"{who}.cooling_rate", cooling_rate)
        self.tolerance: float = check.share(f"{who}.tolerance", tolerance, zero=False, one=False)
        self.model_tolerance: float = check.share(f"{who}.model_tolerance", model_tolerance, zero=False, one=False)
        self.patience: int = check.whole(f"{who}.patience", patience, 0)
        self.random_seed: int = check.whole(f"{who}.random_seed", random_seed, 0)
        self.chi: np.ndarray | None = None
        self._criteria: RunCriteria | None = None

    @property
    def targets(self) -> np.ndarray:
        """Target χ of each data set, (n_misfits,)."""
        n_misfits = len(self.dmisfit.objfcts)
        return check.per_item("JointBetaSchedule.chifact", self.chifact, n_misfits, "data misfit", above=0.0)

    @property
    def fitted(self) -> np.ndarray:
        """Whether all data that constrain a property are at their targets, (n_properties,); False before a run."""
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

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError if it is on the wrong side of another directive, or with SimPEG's ``BetaSchedule``.

        It must come after sensitivity weights, UpdateIRLS and estimates of the trade-off parameter, and before
        preconditioners.

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
        check_order(
            self,
            others,
            after=(UpdateSensitivityWeights, UpdateIRLS, BetaEstimate_ByEig, BetaEstimateMaxDerivative),
            before=(UpdatePreconditioner,),
        )
        if any(isinstance(other, BetaSchedule) for other in others):
            msg = "JointBetaSchedule changes the trade-off parameters itself; take BetaSchedule out of the list."
            raise ValueError(msg)
        return True

    def initialize(self) -> None:
        """Find out which data constrain which property, and set the first trade-off parameters."""
        check_simulations("JointBetaSchedule", self.dmisfit.objfcts)
        check_data(self.dmisfit)
        _ = self.targets  # raises if there is not one per data set
        self._steered_by_irls = any(isinstance(other, UpdateIRLS) for other in self.inversion.directiveList)
        self._find_properties()
        self.chi = None
        self.steer(np.ones(len(self._groups), dtype=bool))
        self._pace = Pace(len(self._groups), self.cooling_factor, self.tolerance)
        self.set_first_betas()
        self._criteria = RunCriteria(self.opt)

    def steer(self, properties: np.ndarray) -> None:
        """Let only these properties follow their data from now on, and start to count `patience` again.

        Parameters
        ----------
        properties : (n_properties,) numpy.ndarray of bool
            Properties that follow their data.
        """
        self.steering, self._patience_left, self.done = np.array(properties, dtype=bool), self.patience, False

    def endIter(self) -> None:
        """Change the trade-off parameters, and stop when all data are fitted and the model does not change."""
        self.chi = chi_factors(self)
        excess = self.chi / self.targets
        if self.opt.iter % self.cooling_rate == 0:
            self._cool(excess)
        if self.verbose:
            get_logger().info(f"JointBetaSchedule: χ {self.chi}, trade-off parameters {self.betas}")
        on = self.steering
        self.done = self._is_done(excess[self._counts & (on.all() | self._constrains[:, on].any(axis=1))])
        if self.done and on.all() and not self._steered_by_irls:
            self.opt.stopNextIteration = True

    def _is_done(self, excess: np.ndarray) -> bool:
        # other directives may still change the function: sparse norms, couplings that wait
        settled = all(other.settled for other in self.inversion.directiveList if isinstance(other, Settles))
        if not (settled and (excess <= 1.0).all() and self.resting[self.steering].all()):
            return False
        self._patience_left -= 1
        return bool((excess >= 1.0 - self.tolerance).all()) or self._patience_left < 0

    def finish(self) -> None:
        """Restore the minimizer's stopping criteria, and warn of data that are not fitted."""
        criteria, self._criteria = self._criteria, None
        if criteria is not None:
            criteria.give_back()
        if self.chi is None:
            return
        above = np.flatnonzero(self._counts & (self.chi > self.targets))
        if above.size and not self._steered_by_irls:
            get_logger().warning(
                f"JointBetaSchedule: stopped after {self.opt.iter} iterations with χ {self.chi[above]} of data "
                f"misfit(s) {above.tolist()} above the target {self.targets[above]}."
            )

    def _cool(self, excess: np.ndarray) -> None:
        worst = np.where(self._constrains, excess[:, None], 0.0).max(axis=0)  # 0 where no data constrain a property
        cut_short = getattr(self.opt, "cg_count", 0) >= getattr(self.opt, "cg_maxiter", np.inf)
        factor = self._pace.factors(worst, self.steering, cut_short or self.opt.iterLS > 0)
        if self._steered_by_irls:
            factor = np.exp(np.log(factor) - np.log(factor[worst > 0.0]).mean())
            factor[worst == 0.0] = 1.0
        self.set_betas(self.betas / factor)


def beta_schedule(directive: JointTerms) -> JointBetaSchedule:
    """Return the JointBetaSchedule in the list of a directive; ValueError unless there is exactly one.

    Parameters
    ----------
    directive : simpeg.directives.InversionDirective
        Directive of an inversion.

    Returns
    -------
    JointBetaSchedule
        The schedule in the list of directives of the inversion.
    """
    found = [other for other in directive.inversion.directiveList if isinstance(other, JointBetaSchedule)]
    if len(found) != 1:
        msg = f"{type(directive).__name__}: found {len(found)} JointBetaSchedule in the list of directives, wanted one."
        raise ValueError(msg)
    return found[0]
