"""One trade-off parameter per property, each cooled until its own data are fitted."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective, UpdateIRLS, UpdatePreconditioner, UpdateSensitivityWeights
from simpeg.optimization import StoppingCriteria
from simpeg.utils import get_logger

from ._problem import (
    check_order,
    chi_factors,
    map_support,
    misfit_support,
    per_item,
    smoothness_terms,
    spectral_norm,
)


class JointBetaSchedule(InversionDirective):
    r"""Cool each property's beta until every data set has reached its own target.

    The betas are the multipliers of the regularization terms that are not couplings, times the common
    ``invProb.beta``. Which data constrain which term is found from the sensitivities, so any number of
    misfits, properties and couplings may come in any order. Each beta starts at

    .. math::
        \beta_k = \text{beta0\_ratio} \cdot \frac{\| \mathbf H_d^{kk} \|_2}{\| \mathbf H_k^{kk} \|_2}

    and after each iteration follows the worst of the data sets that constrain it: above the target it is
    divided by at most `cooling_factor`, less when near; more than `tolerance` below, it is raised again.

    The inversion stops when every :math:`\chi` is at or below its target and no property changes by more
    than `model_tolerance` in an iteration, or at the minimizer's ``maxIter``. The minimizer's own criteria on
    the objective function and the model are switched off: they are absolute, and end a run in small units
    before any data are fitted.

    Parameters
    ----------
    chifact : float or sequence of float
        Target :math:`\chi`, misfit per datum; one for all data sets or one each.
    beta0_ratio : float or sequence of float
        Start, relative to equally stiff data and regularization; one for all terms or one each.
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
    betas : (n_terms,) numpy.ndarray
        Current trade-off parameters of the terms that are not couplings.

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
        """Current trade-off parameters, (n_terms,)."""
        multipliers = self.reg.multipliers
        return float(self.invProb.beta) * np.array([multipliers[i] for i in self._terms], dtype=float)

    @property
    def targets(self) -> np.ndarray:
        """Target χ of each data set, (n_misfits,)."""
        return per_item(self.chifact, len(self.dmisfit.objfcts), "JointBetaSchedule.chifact", "data misfit")

    def validate(self, directiveList=None):
        """Must stand after sensitivity weights and UpdateIRLS, and before preconditioners."""
        check_order(
            self, directiveList.dList, after=(UpdateSensitivityWeights, UpdateIRLS), before=(UpdatePreconditioner,)
        )
        return True

    def initialize(self):
        """Find out which data constrain which term, and set the first betas."""
        model = self.invProb.model
        self.opt.stoppers = [StoppingCriteria.iteration]
        rng = np.random.default_rng(self.random_seed)
        blind = [i for i, misfit in enumerate(self.dmisfit.objfcts) if not hasattr(misfit, "simulation")]
        if blind:
            msg = (
                f"JointBetaSchedule: data misfit(s) {blind} have no simulation, so no number of data to reach a "
                "target with; wanted data misfits such as simpeg.data_misfit.L2DataMisfit."
            )
            raise TypeError(msg)
        self._terms = smoothness_terms(self.reg)
        self._steered_by_irls = any(isinstance(other, UpdateIRLS) for other in self.inversion.directiveList)
        self._supports = [map_support(self.reg.objfcts[i].mapping, model) for i in self._terms]
        misfit_supports = [misfit_support(misfit, model, rng) for misfit in self.dmisfit.objfcts]
        self._constrains = np.array([[bool(np.any(d & k)) for k in self._supports] for d in misfit_supports])
        idle = [i for i, row in enumerate(self._constrains) if not row.any()]
        if idle:
            msg = (
                f"JointBetaSchedule: data misfit(s) {idle} depend on no regularized parameter; "
                "check the maps of the simulations and of the regularization terms."
            )
            raise ValueError(msg)
        self._set_first_betas(model, rng)

    def _set_first_betas(self, model, rng):
        ratios = per_item(self.beta0_ratio, len(self._terms), "JointBetaSchedule.beta0_ratio", "regularization term")
        betas = np.ones(len(self._terms))
        for k, (place, support) in enumerate(zip(self._terms, self._supports, strict=True)):
            term = self.reg.objfcts[place]
            stiffness = spectral_norm(lambda v, term=term: term.deriv2(model, v), support, rng)
            data = spectral_norm(lambda v: self.dmisfit.deriv2(model, v), support, rng)
            if stiffness > 0.0 and data > 0.0:
                betas[k] = ratios[k] * data / stiffness
        self._set_betas(betas)

    def _set_betas(self, betas):
        multipliers = list(self.reg.multipliers)
        for place, beta in zip(self._terms, betas, strict=True):
            multipliers[place] = float(beta / self.invProb.beta)
        self.reg.multipliers = multipliers

    def endIter(self):
        """Cool, raise or rest; stop when all is fitted and at rest."""
        self.chi = chi_factors(self)
        excess = self.chi / self.targets
        if self.opt.iter % self.cooling_rate == 0:
            self._cool(excess)
        if self.verbose:
            get_logger().info(f"JointBetaSchedule: χ {self.chi}, betas {self.betas}")
        if not self._steered_by_irls and (excess <= 1.0).all() and self._at_rest():
            self.opt.stopNextIteration = True

    def _cool(self, excess):
        worst = np.where(self._constrains, excess[:, None], 0.0).max(axis=0)  # (n_terms,); 0 where no data reach
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
            if np.linalg.norm((model - last)[support]) > self.model_tolerance * np.linalg.norm(model[support]):
                return False
        return True
