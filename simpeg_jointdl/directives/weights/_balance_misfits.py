"""Several data sets fitted to their noise by one vector of parameters."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective

from .._base import JointTerms, chi_factors, per_item


class BalanceMisfits(JointTerms, InversionDirective):
    r"""Let every data set count for as much as it still misses its target by.

    Where one network stands for all properties, no trade-off parameter of a property's own can hold a data set
    at its noise. After every iteration the multiplier of each misfit becomes

    .. math::
        c_d \leftarrow c_d \left( \frac{\chi_d}{\chi_d^*} \right)^{p}, \qquad 10^{-2} c_d^0 \leq c_d \leq c_d^0

    so that data which are fitted better than their noise allows lose their weight, the more the longer they are, until
    they drift back, while the others are being fitted.

    Parameters
    ----------
    chifact : float or sequence of float
        Targets :math:`\chi^*`.
    power : float
        :math:`p`.

    Raises
    ------
    ValueError
        For targets or a power that are not above 0, and, when an inversion begins, targets that are not one per data
        set.
    TypeError
        For a `dmisfit` or `reg` given: the directive serves the inversion in whose list it stands.
    """

    def __init__(self, chifact=1.0, *, power: float = 4.0, **kwargs):
        super().__init__(**kwargs)
        self.chifact, self.power = chifact, float(power)
        if not (np.all(np.asarray(chifact) > 0.0) and self.power > 0.0):
            msg = f"BalanceMisfits: got chifact={chifact!r}, power={power!r}, wanted numbers above 0."
            raise ValueError(msg)
        self._given = self._left = None

    def initialize(self):
        """Keep the multipliers that were given; a second run begins with these, not with what the first one left."""
        per_item(self.chifact, len(self.dmisfit.objfcts), "BalanceMisfits.chifact", "data misfit")
        now = np.array(self.dmisfit.multipliers, dtype=float)
        self._given = now if self._left is None or not np.array_equal(now, self._left) else self._given
        self.dmisfit.multipliers, self._left = self._given.tolist(), None

    def endIter(self):
        """Set the multipliers of the next iteration."""
        chi = chi_factors(self) / self.chifact
        now = np.array(self.dmisfit.multipliers, dtype=float) * chi**self.power
        self._left = np.clip(now, 1e-2 * self._given, self._given)
        self.dmisfit.multipliers = self._left.tolist()

    def checkpoint_state(self) -> dict:
        """The multipliers that were given."""
        return {"given": self._given}

    def restore_checkpoint_state(self, state: dict):
        """Put them back."""
        self._given = np.asarray(state["given"], dtype=float)
