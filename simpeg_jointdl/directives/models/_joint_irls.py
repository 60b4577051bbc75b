"""Sparse norms, for each property from the moment its own data are fitted."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective, UpdateIRLS, UpdatePreconditioner
from simpeg.regularization import SmoothnessFirstOrder, Sparse
from simpeg.utils import get_logger

from .._base import JointTerms, check_order
from ..weights import EstimateCouplingWeights, JointBetaSchedule, beta_schedule


class UpdateJointIRLS(JointTerms, InversionDirective):
    r"""Iteratively reweighted least squares of every :class:`simpeg.regularization.Sparse` term, each in its own time.

    A term is smooth (norms of 2) until all data that constrain its property have reached their target; then its
    own norms :math:`p` apply, with :math:`\epsilon` at the given percentile of the model, divided by
    `cooling_factor` in each of `n_steps` iterations [1]_:

    .. math::
        w_j \propto \big( f_j^2 + \epsilon^2 \big)^{p / 2 - 1}

    Afterwards weights go on following the model at that last :math:`\epsilon`. SimPEG's ``UpdateIRLS`` starts all
    properties at once, on the sum of the misfits, and steers one common beta; here
    :class:`JointBetaSchedule`, which must stand before, keeps every data set at its own target throughout and
    decides when to stop, after all steps are done.

    Parameters
    ----------
    n_steps : int
        Steps in which the thresholds fall.
    cooling_factor : float
        Division of the thresholds in each, at least 1. With the default of 15 steps by 1.3 they end at 1/51.
    percentile : float
        Of the absolute values of the model (less its reference), from which the thresholds start.
    verbose : bool
        Log when a term turns sparse.

    Raises
    ------
    ValueError
        For less than one step, a cooling factor below 1, or a percentile that is not above 0, up to 100; in a list
        without a :class:`JointBetaSchedule` before it, with SimPEG's ``UpdateIRLS``, or where it stands after
        :class:`EstimateCouplingWeights` or a preconditioner; when the inversion begins, without any sparse term.
    TypeError
        For a regularization with sums among its terms; for a `dmisfit` or `reg` given.

    References
    ----------
    .. [1] Fournier, D. and Oldenburg, D. W. (2019). Inversion using spatially variable mixed lp norms.
       Geophysical Journal International, 218, 268-282. https://doi.org/10.1093/gji/ggz156
    """

    def __init__(self, n_steps: int = 15, cooling_factor: float = 1.3, percentile: float = 100.0, **kwargs):
        super().__init__(**kwargs)
        if int(n_steps) < 1:
            msg = f"UpdateJointIRLS.n_steps: got {n_steps!r}, wanted a whole number of at least 1."
            raise ValueError(msg)
        if not cooling_factor >= 1.0:
            msg = f"UpdateJointIRLS.cooling_factor: got {cooling_factor!r}, wanted a number of at least 1."
            raise ValueError(msg)
        if not 0.0 < percentile <= 100.0:
            msg = f"UpdateJointIRLS.percentile: got {percentile!r}, wanted a number above 0, up to 100."
            raise ValueError(msg)
        self.n_steps, self.cooling_factor = int(n_steps), float(cooling_factor)
        self.percentile = float(percentile)
        self._norms: dict[int, list] = {}
        self._steps: dict[int, int] = {}

    @property
    def settled(self) -> bool:
        """Whether every sparse term of a property whose turn it is has gone through all its steps."""
        schedule = beta_schedule(self)
        places = [i for group, on in zip(schedule.groups, schedule.steering, strict=True) if on for i in group]
        return all(self._steps.get(i, self.n_steps) >= self.n_steps for i in places)

    def validate(self, directiveList=None):
        """Must stand after JointBetaSchedule and before coupling weights and preconditioners, without UpdateIRLS."""
        others = directiveList.dList
        check_order(self, others, after=(JointBetaSchedule,), before=(EstimateCouplingWeights, UpdatePreconditioner))
        if not any(isinstance(other, JointBetaSchedule) for other in others):
            msg = "UpdateJointIRLS: put a JointBetaSchedule before it; that one knows which data are fitted."
            raise ValueError(msg)
        if any(isinstance(other, UpdateIRLS) for other in others):
            msg = "UpdateJointIRLS does what UpdateIRLS does, for each property; take one of the two."
            raise ValueError(msg)
        return True

    def initialize(self):
        """Remember the norms and begin smooth."""
        places = [i for i, term in enumerate(self.reg.objfcts) if isinstance(term, Sparse)]
        if not places:
            msg = "UpdateJointIRLS: the regularization has no Sparse term; use some, or leave this directive out."
            raise ValueError(msg)
        self._norms = {i: self.reg.objfcts[i].norms for i in places}
        self._steps = dict.fromkeys(places, 0)
        # the first betas of a second run were those of the sparse terms it found
        again = any(self._is_sparse(part) for i in places for part in self.reg.objfcts[i].objfcts)
        for i in places:
            term = self.reg.objfcts[i]
            term.norms = [2.0] * len(term.objfcts)
            term.update_weights(self.invProb.model)
        if again:
            beta_schedule(self).set_first_betas()

    @staticmethod
    def _is_sparse(part) -> bool:
        return "irls" in part.weights_keys and np.ptp(part.get_weights("irls")) > 0.0

    def endIter(self):
        """Turn terms sparse, or take the next step."""
        schedule = beta_schedule(self)
        for k, group in enumerate(schedule.groups):
            for place in group:
                if place not in self._steps or not schedule.steering[k]:
                    continue
                if self._steps[place] > 0:
                    self._follow(place)
                elif schedule.fitted[k]:
                    self._start(place)

    def finish(self):
        """Give back the norms of terms that never turned sparse, for a second run."""
        for place, norms in self._norms.items():
            self.reg.objfcts[place].norms = norms

    def _start(self, place):
        term, model = self.reg.objfcts[place], self.invProb.model
        for part in term.objfcts:
            threshold = np.percentile(np.abs(part.mapping * part._delta_m(model)), self.percentile)
            if isinstance(part, SmoothnessFirstOrder):
                threshold /= term.regularization_mesh.base_length
            part.irls_threshold = threshold
        term.norms = self._norms[place]
        self._steps[place] = 1
        term.update_weights(model)
        if self.verbose:
            get_logger().info(f"UpdateJointIRLS: term {place} turns sparse, norms {term.norms}")

    def _follow(self, place):
        term = self.reg.objfcts[place]
        if self._steps[place] < self.n_steps:
            self._steps[place] += 1
            for part in term.objfcts:
                part.irls_threshold /= self.cooling_factor
        term.update_weights(self.invProb.model)
