"""Sparse norms for each property, from the iteration in which its own data are fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from simpeg.directives import DirectiveList, InversionDirective, UpdateIRLS, UpdatePreconditioner
from simpeg.regularization import SmoothnessFirstOrder, Sparse
from simpeg.utils import get_logger

from ..._core import validation as check
from .._base import JointTerms, check_order
from ..weights import EstimateCouplingWeights, JointBetaSchedule, beta_schedule


class UpdateJointIRLS(JointTerms, InversionDirective):
    r"""Iteratively reweighted least squares of sparse terms, for each property on its own.

    A :class:`simpeg.regularization.Sparse` term is smooth (norms of 2) until all data that constrain its property have
    reached their targets. Then its own norms :math:`p` apply, with weights

    .. math::
        w_j \propto \big( f_j^2 + \epsilon^2 \big)^{p / 2 - 1} .

    The threshold :math:`\epsilon` starts at a percentile of the model and is divided by `cooling_factor` in each of
    `n_steps` iterations [1]_. Afterwards it stays, and the weights follow the model. SimPEG's ``UpdateIRLS`` starts all
    properties at once, when the sum of the misfits has reached its target, and changes one common trade-off parameter.
    Here :class:`JointBetaSchedule`, which must come before, keeps every data set at its own target throughout, and
    decides when to stop, after all steps are done.

    Parameters
    ----------
    n_steps : int
        Number of steps in which the thresholds fall.
    cooling_factor : float
        Factor by which thresholds are divided in each step, at least 1. With the defaults, 15 steps with a factor of
        1.3, they end at 1/51 of their first value.
    percentile : float
        Percentile of the absolute values of the model (minus the reference model) at which thresholds start, above 0
        and up to 100.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`. With ``verbose=True`` a message says when a term
        becomes sparse.

    Attributes
    ----------
    n_steps, cooling_factor, percentile
        As given.
    settled : bool
        Whether all sparse terms of properties that are moving have gone through all steps.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and if a `dmisfit` or `reg` is given; in a list without a :class:`JointBetaSchedule`
        before it, with SimPEG's ``UpdateIRLS``, or where it comes after :class:`EstimateCouplingWeights` or a
        preconditioner; when the inversion begins, without any sparse term, or with sums among the terms.

    References
    ----------
    .. [1] Fournier, D. and Oldenburg, D. W. (2019). Inversion using spatially variable mixed lp norms.
       Geophysical Journal International, 218, 268-282. https://doi.org/10.1093/gji/ggz156

    Examples
    --------
    >>> from simpeg_jointdl.directives import UpdateJointIRLS
    >>> UpdateJointIRLS(n_steps=10, cooling_factor=1.5).percentile
    100.0
    """

    def __init__(self, n_steps: int = 15, cooling_factor: float = 1.3, percentile: float = 100.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.n_steps: int = check.whole("UpdateJointIRLS.n_steps", n_steps)
        self.cooling_factor: float = check.number("UpdateJointIRLS.cooling_factor", cooling_factor, least=1.0)
        self.percentile: float = check.number("UpdateJointIRLS.percentile", percentile, above=0.0, most=100.0)
        self._norms: dict[int, list] = {}
        self._steps: dict[int, int] = {}

    @property
    def settled(self) -> bool:
        """Whether all sparse terms of properties that are moving have gone through all steps."""
        schedule = beta_schedule(self)
        places = [i for group, on in zip(schedule.groups, schedule.steering, strict=True) if on for i in group]
        return all(self._steps.get(i, self.n_steps) >= self.n_steps for i in places)

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError unless it comes after JointBetaSchedule, before coupling weights and preconditioners.

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
        check_order(self, others, after=(JointBetaSchedule,), before=(EstimateCouplingWeights, UpdatePreconditioner))
        if not any(isinstance(other, JointBetaSchedule) for other in others):
            msg = "UpdateJointIRLS: put a JointBetaSchedule before it, which tells when data are fitted."
            raise ValueError(msg)
        if any(isinstance(other, UpdateIRLS) for other in others):
            msg = "UpdateJointIRLS does for each property what UpdateIRLS does for all; use one of the two."
            raise ValueError(msg)
        return True

    def initialize(self) -> None:
        """Remember the norms, and begin with smooth terms."""
        places = [i for i, term in enumerate(self.reg.objfcts) if isinstance(term, Sparse)]
        if not places:
            msg = "UpdateJointIRLS: the regularization has no Sparse term; use some, or leave this directive out."
            raise ValueError(msg)
        self._norms = {i: self.reg.objfcts[i].norms for i in places}
        self._steps = dict.fromkeys(places, 0)
        # in a second run terms are sparse at first, and the first trade-off parameters were estimated with them
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

    def endIter(self) -> None:
        """Make terms sparse whose data are fitted, and take the next step with sparse ones."""
        schedule = beta_schedule(self)
        for k, group in enumerate(schedule.groups):
            for place in group:
                if place not in self._steps or not schedule.steering[k]:
                    continue
                if self._steps[place] > 0:
                    self._follow(place)
                elif schedule.fitted[k]:
                    self._start(place)

    def finish(self) -> None:
        """Restore the norms of terms that never became sparse, for a second run."""
        for place, norms in self._norms.items():
            self.reg.objfcts[place].norms = norms

    def _start(self, place: int) -> None:
        """Make a term sparse, with the first thresholds."""
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
            get_logger().info(f"UpdateJointIRLS: term {place} becomes sparse, norms {term.norms}")

    def _follow(self, place: int) -> None:
        """Take the next step of the thresholds, and let the weights follow the model."""
        term = self.reg.objfcts[place]
        if self._steps[place] < self.n_steps:
            self._steps[place] += 1
            for part in term.objfcts:
                part.irls_threshold /= self.cooling_factor
        term.update_weights(self.invProb.model)
