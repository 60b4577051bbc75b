"""The weight of couplings where nothing else regularizes."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective

from .._base import JointTerms, chi_factors, per_item

_PROBES = 4


class CoolCouplings(JointTerms, InversionDirective):
    r"""Trade-off parameter of couplings alone, for models that are the weights of a network.

    Begins at

    .. math::
        \beta = r\, \frac{\mathrm{tr}\, \mathbf H_d}{\mathrm{tr}\, \mathbf H_c}

    with :math:`\mathbf H_d` and :math:`\mathbf H_c` the Gauss-Newton Hessians of the misfits and of the couplings, at
    the first model where the latter is not zero; traces are estimates from four seeded random vectors. While a data set
    misses its target, :math:`\beta` is divided by `cooling` every `rate` iterations. Where terms are told which data
    they give way to, it is their multipliers instead: a term stays as strong as it was while its own data are fitted,
    whatever the others ask for.

    Parameters
    ----------
    ratio : float
        :math:`r`.
    cooling : float
    rate : int
    chifact : float or sequence of float
        Targets.
    data : sequence of sequences of int, optional
        For each term of the regularization, the data sets it gives way to, by their place among the misfits; none for
        a term that never does. All data and all terms at once if not given.

    Raises
    ------
    ValueError
        For numbers out of range, and, when an inversion begins, for `data` that are not one per term and targets that
        are not one per data set.
    """

    def __init__(self, ratio: float = 1.0, *, cooling: float = 2.0, rate: int = 2, chifact=1.0, data=None, **kwargs):
        super().__init__(**kwargs)
        if not (ratio > 0.0 and cooling > 1.0 and rate >= 1):
            msg = (
                f"CoolCouplings: got ratio={ratio!r}, cooling={cooling!r}, rate={rate!r}; wanted a ratio above 0, "
                "cooling above 1 and a rate of 1 or more."
            )
            raise ValueError(msg)
        self.ratio, self.cooling, self.rate, self.chifact = float(ratio), float(cooling), int(rate), chifact
        self.data = None if data is None else [np.asarray(some, dtype=int) for some in data]
        self._begun, self._given, self._left = False, None, None

    def initialize(self):
        """Set the first trade-off parameter, if there is something to weigh yet.

        A second run begins with the multipliers that were given, not with what the first one left.
        """
        per_item(self.chifact, len(self.dmisfit.objfcts), "CoolCouplings.chifact", "data misfit")
        self._begun, now = False, [float(one) for one in self.reg.multipliers]
        self._given, self._left = (now if self._left is None or now != self._left else self._given), None
        self.reg.multipliers = list(self._given)
        if self.data is not None and len(self.data) != len(self.reg.multipliers):
            msg = f"CoolCouplings.data: got {len(self.data)}, wanted one per term, {len(self.reg.multipliers)}."
            raise ValueError(msg)
        self._begin(self.invProb.model)

    def endIter(self):
        """Cool where data are not fitted."""
        if not self._begun:
            self._begin(self.opt.xc)
        elif self.opt.iter % self.rate == 0:
            missed = chi_factors(self) / self.chifact > 1.0
            if self.data is not None:
                self._left = [
                    float(multiplier / self.cooling if missed[some].any() else multiplier)
                    for multiplier, some in zip(self.reg.multipliers, self.data, strict=True)
                ]
                self.reg.multipliers = list(self._left)
            elif missed.any():
                self.invProb.beta /= self.cooling

    def _begin(self, model):
        rng, traces = np.random.default_rng(0), np.zeros(2)
        for _ in range(_PROBES):
            probe = rng.choice([-1.0, 1.0], model.size)
            traces += [probe @ term.deriv2(model, probe) for term in (self.dmisfit, self.reg)]
        if np.isfinite(traces).all() and (traces > 0.0).all():
            self.invProb.beta = self.ratio * traces[0] / traces[1]
            self._begun = True

    def checkpoint_state(self) -> dict:
        """Whether it has begun; the inverse problem keeps the trade-off parameter."""
        return {"begun": self._begun}

    def restore_checkpoint_state(self, state: dict):
        """Put it back."""
        self._begun = bool(state["begun"])
