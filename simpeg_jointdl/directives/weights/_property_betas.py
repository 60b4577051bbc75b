"""Trade-off parameters of properties, as multipliers of their regularization terms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ..._core import validation as check
from ..._problem.misfits import misfit_support
from ..._problem.spectra import spectral_norm
from ..._problem.terms import group_terms, smoothness_terms
from .._base import JointTerms


class PropertyBetas(JointTerms):
    """Mixin of a directive that gives each property a trade-off parameter of its own.

    Terms that share parameters belong to one property. The multiplier of a term is the trade-off parameter of its
    property times its multiplier at the beginning, divided by ``invProb.beta``.
    """

    beta0_ratio: float | Sequence[float]
    random_seed: int

    @property
    def betas(self) -> np.ndarray:
        """Current trade-off parameters, (n_properties,)."""
        multipliers = self.reg.multipliers
        first = [group[0] for group in self._groups]
        return float(self.invProb.beta) * np.array([multipliers[i] / self._relative[i] for i in first])

    @property
    def groups(self) -> list[list[int]]:
        """Positions of the regularization terms of each property, in the order of `betas`."""
        return [list(group) for group in self._groups]

    @property
    def supports(self) -> list[np.ndarray]:
        """Model parameters of each property, each (nP,) of bool."""
        return [support.copy() for support in self._supports]

    @property
    def constrains(self) -> np.ndarray:
        """Which data set constrains which property, (n_misfits, n_properties) of bool."""
        return self._constrains.copy()

    def set_betas(self, betas: np.ndarray) -> None:
        """Set the trade-off parameters of all properties.

        Parameters
        ----------
        betas : (n_properties,) numpy.ndarray
            Trade-off parameters, in the order of `betas`.
        """
        multipliers = list(self.reg.multipliers)
        for group, beta in zip(self._groups, betas, strict=True):
            for place in group:
                multipliers[place] = float(beta * self._relative[place] / self.invProb.beta)
        self.reg.multipliers = multipliers

    def set_first_betas(self) -> None:
        """Set the trade-off parameters of the start, for the terms as they are now."""
        model = self.invProb.model
        n_properties = len(self._groups)
        ratios = check.per_item("JointBetaSchedule.beta0_ratio", self.beta0_ratio, n_properties, "property", above=0.0)
        betas = np.ones(n_properties)
        for k, (group, support) in enumerate(zip(self._groups, self._supports, strict=True)):
            product = partial(self._group_product, group, model)
            stiffness = spectral_norm(product, support, self._rng(k))
            data = spectral_norm(partial(self.dmisfit.deriv2, model), support, self._rng(k))
            if stiffness > 0.0 and data > 0.0:
                betas[k] = ratios[k] * data / stiffness
        self.set_betas(betas)

    def _group_product(self, group, model, v):
        """Product of the Hessian of one property's regularization with a vector."""
        return sum(self._relative[i] * self.reg.objfcts[i].deriv2(model, v) for i in group)

    def _find_properties(self) -> None:
        """Group terms by the parameters they share, and find which data sets constrain which property."""
        model, weights = self.invProb.model, self.reg.multipliers
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

    def _rng(self, place: int) -> np.random.Generator:
        # a generator of its own, so that the start of a property does not depend on the other properties
        return np.random.default_rng((self.random_seed, place))
