"""Base class of robust data misfits: a penalty of each normalised residual, and weights in place of its curvature."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from simpeg.data import Data
from simpeg.data_misfit import BaseDataMisfit
from simpeg.fields import Fields
from simpeg.simulation import BaseSimulation
from simpeg.utils import Counter, timeIt

from .._core import validation as check
from .._core.protocols import HasTensorJacobian
from .._tensor_path import Crossing, Diagonal, Transposed, gauss_newton
from ._penalty import Penalty

if TYPE_CHECKING:
    from collections.abc import Callable

    import scipy.sparse as sp
    import torch


class BaseRobustDataMisfit(Penalty, BaseDataMisfit):
    r"""Data misfit with a penalty that grows more slowly than the square of the residual.

    .. math::
        \phi_d(\mathbf m) = \sum_i \rho(r_i), \qquad
        \mathbf r = \mathbf W \left( \mathbf d_\mathrm{pred}(\mathbf m) - \mathbf d_\mathrm{obs} \right)

    where :math:`\mathbf W` holds the inverse uncertainties and :math:`\rho(r) = r^2` to second order, so that it equals
    SimPEG's ``L2DataMisfit`` where residuals are small. With the weights :math:`w(r) = \rho'(r) / 2 r \geq 0` of
    iteratively reweighted least squares [1]_, the gradient and the Gauss-Newton Hessian are

    .. math::
        \nabla \phi_d = 2 \mathbf J^\top \mathbf W^\top \mathrm{diag}(w_i) \, \mathbf r, \qquad
        \mathbf H = 2 \mathbf J^\top \mathbf W^\top \mathrm{diag}(w_i) \, \mathbf W \mathbf J

    The Hessian is positive semi-definite. Where the data depend linearly on the model, the quadratic model that it
    defines lies above the penalty everywhere, so that a full Gauss-Newton step never increases the misfit.

    A subclass implements :meth:`density` and :meth:`robust_weights`.

    The misfit of the true model depends on the number of outliers, which is not known. The misfit factor :math:`\chi`
    is therefore computed from the other data: it is the mean of :math:`\rho` over the data with :math:`|r| \leq 3`,
    divided by the expectation of this mean under Gaussian noise. At most the share `outliers` of the data is left out,
    so that a model which does not explain many data yet has a large :math:`\chi`.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties, real numbers.
    simulation : simpeg.simulation.BaseSimulation
        Simulation of the data.
    outliers : float
        Largest share of the data that :math:`\chi` leaves out, from 0 (none) to less than 0.5.
    W : (n_data, n_data) scipy.sparse matrix or (n_data,) numpy.ndarray, optional
        Weights of the residuals in place of the inverse uncertainties.
    counter : simpeg.utils.Counter, optional
        Counts evaluations and measures their time.
    debug : bool
        SimPEG's debugging output.

    Raises
    ------
    TypeError
        For complex data, or a share that is not a number.
    ValueError
        For a share out of range.

    Notes
    -----
    SimPEG's directives compute their target from the number of data. They need ``chifact=misfit.chifact``, and a larger
    value where there are outliers. Directives and minimizers of this package use :meth:`chi`. With SimPEG's
    ``MultiTargetMisfits`` each of several misfits needs its own ``chifact``. SimPEG's preconditioners and sensitivity
    weights use the uncertainties without the robust weights.

    References
    ----------
    .. [1] Farquharson, C. G. and Oldenburg, D. W. (1998). Non-linear inversion using general measures of data misfit
       and model structure. Geophysical Journal International, 134, 213-227.
       https://doi.org/10.1046/j.1365-246x.1998.00555.x
    """

    def __init__(
        self,
        data: Data,
        simulation: BaseSimulation,
        *,
        outliers: float = 0.1,
        W: sp.spmatrix | np.ndarray | None = None,
        counter: Counter | None = None,
        debug: bool = False,
    ):
        super().__init__(data, simulation, debug=debug, counter=counter)
        if W is not None:
            self.W = W
        name = type(self).__name__
        self._outliers = check.number(f"{name}.outliers", outliers, least=0.0, below=0.5)
        if np.iscomplexobj(self.data.dobs):
            msg = f"{name}.data: got complex data, wanted real ones. Give real and imaginary parts as separate data."
            raise TypeError(msg)

    @abstractmethod
    def robust_weights(self, residual: np.ndarray) -> np.ndarray:
        r"""Compute the weight :math:`w(r)` of each datum.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            Weights from 0 to 1; with 1 a datum counts as in least squares.
        """

    # SimPEG's interface -------------------------------------------------------------------------------
    @timeIt
    def __call__(self, m: np.ndarray, f: Fields | None = None) -> float:
        """Compute the misfit of a model, (nP,)."""
        return self.penalty(self.W @ self.residual(m, f=f))

    @timeIt
    def deriv(self, m: np.ndarray, f: Fields | None = None) -> np.ndarray:
        """Compute the gradient of the misfit.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Model.
        f : simpeg.fields.Fields, optional
            Fields of the simulation at this model, where they are known.

        Returns
        -------
        (nP,) numpy.ndarray
            Gradient.
        """
        f = self.simulation.fields(m) if f is None else f
        residual = self.W @ self.residual(m, f=f)
        return 2.0 * self.simulation.Jtvec(m, self.W.T @ (self.robust_weights(residual) * residual), f=f)

    @timeIt
    def deriv2(self, m: np.ndarray, v: np.ndarray, f: Fields | None = None) -> np.ndarray:
        """Compute the product of the Gauss-Newton Hessian with a vector.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Model.
        v : (nP,) numpy.ndarray
            Vector.
        f : simpeg.fields.Fields, optional
            Fields of the simulation at this model, where they are known.

        Returns
        -------
        (nP,) numpy.ndarray
            Product.
        """
        f = self.simulation.fields(m) if f is None else f
        weights = self.robust_weights(self.W @ self.residual(m, f=f))
        tangent = self.W @ self.simulation.Jvec_approx(m, v, f=f)
        return 2.0 * self.simulation.Jtvec_approx(m, self.W.T @ (weights * tangent), f=f)

    def tensor_hessian(self, model: np.ndarray, crossing: Crossing) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Return the product with the Gauss-Newton Hessian on tensors.

        Parameters
        ----------
        model : (nP,) numpy.ndarray
            Model.
        crossing : Crossing
            Device and dtype of the tensors.

        Returns
        -------
        callable or None
            Product, (nP,) -> (nP,); None where the simulation or a map has no tensor path.
        """
        if not isinstance(self.simulation, HasTensorJacobian):
            return None
        uncertainties = crossing.operator(self, "W", self.W)
        jacobian = None if uncertainties is None else self.simulation.tensor_jacobian(model)
        if jacobian is None:
            return None
        roots = crossing.send(np.sqrt(self.robust_weights(self.W @ self.residual(model))))
        there = crossing.cast(jacobian.device, jacobian.dtype)
        return gauss_newton(there, jacobian, Transposed(there), uncertainties, Diagonal(roots))
