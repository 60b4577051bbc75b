"""Trade-off parameter of couplings where there is no other regularization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from simpeg.directives import InversionDirective

from ..._core import validation as check
from .._base import JointTerms, chi_factors

_PROBES = 4  # random vectors that the traces are estimated from


class CoolCouplings(JointTerms, InversionDirective):
    r"""Set and cool the trade-off parameter of couplings, for models that are the weights of a network.

    The trade-off parameter begins at

    .. math::
        \beta = r\, \frac{\mathrm{tr}\, \mathbf H_d}{\mathrm{tr}\, \mathbf H_c}

    with :math:`\mathbf H_d` and :math:`\mathbf H_c` the Gauss-Newton Hessians of the data misfits and of the couplings,
    at the first model where both have a positive trace. Traces are estimated from four seeded random vectors. As long
    as a data set misses its target, :math:`\beta` is divided by `cooling` every `rate` iterations. With `data` it is
    the multiplier of each term that is divided, while its own data miss their target, whatever the other data do.

    Parameters
    ----------
    ratio : float
        Strength :math:`r` of the couplings relative to the data at the beginning.
    cooling : float
        Factor by which the trade-off parameter is divided, above 1.
    rate : int
        Iterations between two divisions.
    chifact : float or sequence of float
        Target misfit per datum; one for all data sets, or one each.
    data : sequence of sequences of int, optional
        For each term of the regularization, the positions of the data misfits that weaken it while they miss their
        targets; an empty sequence for a term that is never weakened. By default all data weaken all terms together.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    ratio, cooling, rate, chifact
        As given.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and, when an inversion begins, if `data` does not have one entry per term or `chifact`
        not one per data set.

    Examples
    --------
    >>> from simpeg_jointdl.directives import CoolCouplings
    >>> CoolCouplings(ratio=0.1, rate=5).cooling
    2.0
    """

    def __init__(
        self,
        ratio: float = 1.0,
        *,
        cooling: float = 2.0,
        rate: int = 2,
        chifact: float | Sequence[float] = 1.0,
        data: Sequence[Sequence[int]] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.ratio: float = check.positive("CoolCouplings.ratio", ratio)
        self.cooling: float = check.number("CoolCouplings.cooling", cooling, above=1.0)
        self.rate: int = check.whole("CoolCouplings.rate", rate)
        self.chifact: float | Sequence[float] = chifact
        self.data: list[np.ndarray] | None = None if data is None else [np.asarray(some, dtype=int) for some in data]
        self._begun, self._given, self._left = False, None, None

    def initialize(self) -> None:
        """Set the first trade-off parameter, if the Hessians allow it yet.

        A second run begins with the multipliers of the user, not with those at the end of the first run.
        """
        check.per_item("CoolCouplings.chifact", self.chifact, len(self.dmisfit.objfcts), "data misfit", above=0.0)
        self._begun, now = False, [float(one) for one in self.reg.multipliers]
        self._given, self._left = (now if self._left is None or now != self._left else self._given), None
        self.reg.multipliers = list(self._given)
        if self.data is not None and len(self.data) != len(self.reg.multipliers):
            msg = f"CoolCouplings.data: got {len(self.data)}, wanted one per term, {len(self.reg.multipliers)}."
            raise ValueError(msg)
        self._begin(self.invProb.model)

    def endIter(self) -> None:
        """Weaken couplings while data miss their targets."""
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

    def _begin(self, model: np.ndarray) -> None:
        """Set the trade-off parameter from the traces of the Hessians, if both are positive."""
        rng, traces = np.random.default_rng(0), np.zeros(2)
        for _ in range(_PROBES):
            probe = rng.choice([-1.0, 1.0], model.size)
            traces += [probe @ term.deriv2(model, probe) for term in (self.dmisfit, self.reg)]
        if np.isfinite(traces).all() and (traces > 0.0).all():
            self.invProb.beta = self.ratio * traces[0] / traces[1]
            self._begun = True

    def checkpoint_state(self) -> dict[str, Any]:
        """Return whether couplings have begun; the trade-off parameter belongs to the inverse problem.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        return {"begun": self._begun}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore whether couplings have begun.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._begun = bool(state["begun"])
