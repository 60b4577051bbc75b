"""Weights of data sets that are fitted by one vector of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from simpeg.directives import InversionDirective

from ..._core import validation as check
from .._base import JointTerms, chi_factors

_LEAST = 1e-2  # part of its own multiplier that a data set always keeps


class BalanceMisfits(JointTerms, InversionDirective):
    r"""Weigh each data set by how far its misfit is from its target.

    Where one network represents all properties, no property has a trade-off parameter that could keep its data at
    their noise level. After every iteration the multiplier :math:`c_d` of each misfit becomes

    .. math::
        c_d \leftarrow c_d \left( \frac{\chi_d}{\chi_d^*} \right)^{p}, \qquad 10^{-2} c_d^0 \leq c_d \leq c_d^0 .

    Data that are fitted better than their noise allows lose weight in every iteration until their misfit is back at
    its target, while the other data are being fitted.

    Parameters
    ----------
    chifact : float or sequence of float
        Target :math:`\chi^*`, the misfit per datum; one for all data sets, or one each.
    power : float
        Exponent :math:`p`.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    chifact : float or sequence of float
        Targets as they were given.
    power : float
        Exponent :math:`p`.

    Raises
    ------
    ValueError, TypeError
        If `chifact` or `power` is not above 0, if a `dmisfit` or `reg` is given, and, when an inversion begins, if
        there is not one target for each data set.

    Examples
    --------
    >>> from simpeg_jointdl.directives import BalanceMisfits
    >>> BalanceMisfits([1.0, 0.8]).power
    4.0
    """

    def __init__(self, chifact: float | Sequence[float] = 1.0, *, power: float = 4.0, **kwargs: Any):
        super().__init__(**kwargs)
        check.finite_array("BalanceMisfits.chifact", np.atleast_1d(chifact), (None,), above=0.0)
        self.chifact: float | Sequence[float] = chifact
        self.power: float = check.positive("BalanceMisfits.power", power)
        self._given = self._left = None

    def initialize(self) -> None:
        """Remember the multipliers; a second run begins with these, not with those at the end of the first."""
        check.per_item("BalanceMisfits.chifact", self.chifact, len(self.dmisfit.objfcts), "data misfit", above=0.0)
        now = np.array(self.dmisfit.multipliers, dtype=float)
        self._given = now if self._left is None or not np.array_equal(now, self._left) else self._given
        self.dmisfit.multipliers, self._left = self._given.tolist(), None

    def endIter(self) -> None:
        """Set the multipliers for the next iteration."""
        chi = chi_factors(self) / self.chifact
        now = np.array(self.dmisfit.multipliers, dtype=float) * chi**self.power
        self._left = np.clip(now, _LEAST * self._given, self._given)
        self.dmisfit.multipliers = self._left.tolist()

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the multipliers at the beginning of the run.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        return {"given": self._given}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore the multipliers at the beginning of the run.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._given = np.asarray(state["given"], dtype=float)
