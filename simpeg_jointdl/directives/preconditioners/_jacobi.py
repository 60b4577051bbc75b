"""Jacobi preconditioner of a joint inverse problem."""

from __future__ import annotations

from typing import Any

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

from ..._core.protocols import HasHessianDiagonal
from .._base import JointTerms

# ‖W F m‖² with a constant F where the map is linear; subclasses may be something else
_LEAST_SQUARES = (Smallness, SmoothnessFirstOrder, SmoothnessSecondOrder, SparseSmallness, SparseSmoothness)


class UpdateJointPreconditioner(JointTerms, UpdatePreconditioner):
    r"""Jacobi preconditioner with all multipliers, made without any Hessian matrix.

    .. math::
        \mathbf M^{-1} = \Big[ 2 \sum_i c_i \, \mathrm{diag}(\mathbf J_i^\top \mathbf W_i^2 \mathbf J_i)
        + \beta \sum_k c_k \, \mathrm{diag}(\mathbf H_k) \Big]^{-1}

    SimPEG's own preconditioner leaves out the multipliers of misfits and regularization terms and the factor 2, and
    forms the Hessian matrix of every regularization term at every iteration. Here a term that has
    ``hessian_diagonal(model)``, as our couplings do, is asked for it. The diagonal of a weighted least-squares term is
    a product of squared weights with a matrix that is made once.

    Parameters
    ----------
    update_every_iteration : bool
        Whether to make it again after each iteration.
    **kwargs
        Further keywords of :class:`simpeg.directives.UpdatePreconditioner`.

    Raises
    ------
    TypeError
        If a `dmisfit` or `reg` is given, and for a regularization with sums among its terms.

    Examples
    --------
    >>> from simpeg_jointdl.directives import UpdateJointPreconditioner
    >>> UpdateJointPreconditioner(update_every_iteration=False).update_every_iteration
    False
    """

    update_every_iteration: bool

    def __init__(self, update_every_iteration: bool = True, **kwargs: Any):
        super().__init__(update_every_iteration=update_every_iteration, **kwargs)
        self._squared: dict[int, tuple[object, sp.csr_matrix]] = {}

    def initialize(self) -> None:
        """Make the preconditioner at the current model."""
        diagonal = self.diagonal(self.invProb.model)
        inverse = np.zeros_like(diagonal)
        np.divide(1.0, diagonal, out=inverse, where=diagonal > 0)
        self.opt.approxHinv = sp.diags(inverse, format="csr")

    def endIter(self) -> None:
        """Make the preconditioner again, if it follows the model."""
        if self.update_every_iteration:
            self.initialize()

    def diagonal(self, model: np.ndarray) -> np.ndarray:
        """Return the diagonal of the Hessian of the whole objective function.

        Parameters
        ----------
        model : (nP,) numpy.ndarray
            Model at which the Hessian is taken.

        Returns
        -------
        (nP,) numpy.ndarray
            Gauss-Newton diagonal, multipliers and trade-off parameter included.
        """
        total = float(self.invProb.beta) * self._term_diagonal(self.reg, model)
        for multiplier, misfit in self.dmisfit:
            if multiplier:
                total = total + multiplier * misfit_diagonal(misfit, model)
        return total

    def _term_diagonal(self, term, model) -> np.ndarray:
        """Diagonal of the Hessian of a regularization term or of a sum of terms, (nP,)."""
        if isinstance(term, HasHessianDiagonal):
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
        """2 diag(Fᵀ W² F); with a linear map F is constant, and only the weights change."""
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


def misfit_diagonal(misfit: Any, model: np.ndarray) -> np.ndarray:
    """Return the diagonal of the Gauss-Newton Hessian of a data misfit at a model, (nP,), without its multiplier.

    Parameters
    ----------
    misfit : simpeg.data_misfit.BaseDataMisfit
        Misfit of one data set.
    model : (nP,) numpy.ndarray
        Model at which the Hessian is taken.

    Returns
    -------
    (nP,) numpy.ndarray
        Diagonal, without the multiplier of the misfit.
    """
    if isinstance(misfit, HasHessianDiagonal):
        return misfit.hessian_diagonal(model)
    simulation = misfit.simulation
    diagonal = getattr(simulation, "getJtJdiag", None)
    if diagonal is not None:
        return 2.0 * np.asarray(diagonal(model, W=misfit.W)).ravel()
    return 2.0 * np.sum(np.square(misfit.W @ simulation.getJ(model)), axis=0)
