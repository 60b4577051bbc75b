"""Jacobi preconditioner of a joint problem."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from simpeg.directives import UpdatePreconditioner
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import (
    Smallness,
    SmoothnessFirstOrder,
    SmoothnessSecondOrder,
    SparseSmallness,
    SparseSmoothness,
)

from .._base import JointTerms

# ‖W F m‖² with F fixed where the map is linear; subclasses of these may be something else
_LEAST_SQUARES = (Smallness, SmoothnessFirstOrder, SmoothnessSecondOrder, SparseSmallness, SparseSmoothness)


class UpdateJointPreconditioner(JointTerms, UpdatePreconditioner):
    r"""Jacobi preconditioner with every multiplier honoured, without forming any Hessian.

    .. math::
        \mathbf M^{-1} = \Big[ 2 \sum_i c_i \, \mathrm{diag}(\mathbf J_i^\top \mathbf W_i^2 \mathbf J_i)
        + \beta \sum_k c_k \, \mathrm{diag}(\mathbf H_k) \Big]^{-1}

    SimPEG's own ignores the multipliers of misfits and regularization terms and the 2, and forms every
    regularization's Hessian at every iteration. A term that offers ``hessian_diagonal(model)``, as our
    couplings do, is asked for it; weighted least-squares terms add squared weights through operators that
    are built once.

    Parameters
    ----------
    update_every_iteration : bool
        Build it again after each iteration.
    """

    def __init__(self, update_every_iteration: bool = True, **kwargs):
        super().__init__(update_every_iteration=update_every_iteration, **kwargs)
        self._squared: dict[int, tuple[object, sp.csr_matrix]] = {}

    def initialize(self):
        """Build the preconditioner at the starting model."""
        diagonal = self.diagonal(self.invProb.model)
        inverse = np.zeros_like(diagonal)
        np.divide(1.0, diagonal, out=inverse, where=diagonal > 0)
        self.opt.approxHinv = sp.diags(inverse, format="csr")

    def endIter(self):
        """Build it again, if so wished."""
        if self.update_every_iteration:
            self.initialize()

    def diagonal(self, model: np.ndarray) -> np.ndarray:
        """Diagonal of the Hessian of the whole objective function, (nP,) -> (nP,)."""
        total = float(self.invProb.beta) * self._term_diagonal(self.reg, model)
        for multiplier, misfit in self.dmisfit:
            if multiplier:
                total = total + multiplier * self._misfit_diagonal(misfit, model)
        return total

    @staticmethod
    def _misfit_diagonal(misfit, model) -> np.ndarray:
        if hasattr(misfit, "hessian_diagonal"):
            return misfit.hessian_diagonal(model)
        simulation = misfit.simulation
        if hasattr(simulation, "getJtJdiag"):
            return 2.0 * np.asarray(simulation.getJtJdiag(model, W=misfit.W)).ravel()
        return 2.0 * np.sum(np.square(misfit.W @ simulation.getJ(model)), axis=0)

    def _term_diagonal(self, term, model) -> np.ndarray:
        if hasattr(term, "hessian_diagonal"):
            return term.hessian_diagonal(model)
        if isinstance(term, ComboObjectiveFunction):
            total = np.zeros(model.size)
            for multiplier, part in term:
                if multiplier:
                    total += multiplier * self._term_diagonal(part, model)
            return total
        if type(term) in _LEAST_SQUARES:
            return self._least_squares_diagonal(term, model)
        return np.asarray(term.deriv2(model).diagonal())

    def _least_squares_diagonal(self, term, model) -> np.ndarray:
        """2 diag(Fᵀ W² F); for a linear map F stays, and only the weights change."""
        weights = np.square(term.W.diagonal())
        known = self._squared.get(id(term))
        if known is not None and known[0] is term:
            return 2.0 * (known[1] @ weights)
        derivative = term.f_m_deriv(model)
        if not sp.issparse(derivative):
            return 2.0 * np.asarray((sp.diags(np.sqrt(weights)) @ derivative).power(2).sum(axis=0)).ravel()
        squared = derivative.power(2).T.tocsr()
        if term.mapping.is_linear:
            self._squared[id(term)] = (term, squared)
        return 2.0 * (squared @ weights)
