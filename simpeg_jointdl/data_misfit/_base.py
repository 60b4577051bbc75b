"""What robust data misfits share: a penalty of each normalised residual, and weights instead of its curvature."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from itertools import pairwise
from numbers import Real

import numpy as np
from scipy.integrate import quad
from simpeg.data_misfit import BaseDataMisfit
from simpeg.utils import timeIt

from .._tensor_path import Diagonal, Transposed, gauss_newton

_FAR = 3.0  # uncertainties beyond which a datum counts as an outlier; 3 in 1000 of a Gaussian are
_ENDS = (0.0, 1.0, 2.0, 4.0, 8.0, 40.0)  # beyond, nothing is left of a Gaussian in float64


class BaseRobustDataMisfit(BaseDataMisfit):
    r"""A data misfit by a penalty that grows less than the square.

    .. math::
        \phi_d(\mathbf m) = \sum_i \rho(r_i), \qquad
        \mathbf r = \mathbf W \left( \mathbf d_\mathrm{pred}(\mathbf m) - \mathbf d_\mathrm{obs} \right)

    with :math:`\mathbf W` the inverse uncertainties and :math:`\rho(r) = r^2` to second order, so that it is
    SimPEG's ``L2DataMisfit`` where residuals are small. With the weights :math:`w(r) = \rho'(r) / 2 r \geq 0` of
    iteratively reweighted least squares [1]_, gradient and Gauss-Newton Hessian are

    .. math::
        \nabla \phi_d = 2 \mathbf J^\top \mathbf W^\top \mathrm{diag}(w_i) \, \mathbf r, \qquad
        \mathbf H = 2 \mathbf J^\top \mathbf W^\top \mathrm{diag}(w_i) \, \mathbf W \mathbf J

    The Hessian is positive semi-definite, and where the data depend linearly on the model its quadratic function
    lies above the penalty everywhere, so that a full Gauss-Newton step always descends.

    A subclass gives :meth:`density` and :meth:`robust_weights`.

    What the value is at the truth depends on how many outliers there are, which nobody knows. So :math:`\chi` is that
    of the other data: the mean of :math:`\rho` over the data :math:`|r| \leq 3`, in parts of what Gaussian noise makes
    of it. No more than the share `outliers` of the data is left out: a model that does not explain many data yet must
    not come to look as if it did.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties, real numbers.
    simulation : simpeg.simulation.BaseSimulation
    outliers : float
        Largest share of the data that χ leaves out, from 0, which counts all, to less than 0.5.
    **kwargs
        Of :class:`simpeg.data_misfit.BaseDataMisfit`.

    Raises
    ------
    TypeError
        For complex data.
    ValueError
        For a share out of range.

    Notes
    -----
    Directives of SimPEG that compute a target from the number of data need ``chifact=misfit.chifact``, and more where
    there are outliers; directives and minimizers of this package look at :meth:`chi`. Several misfits beside SimPEG's
    ``MultiTargetMisfits`` need one ``chifact`` each. Preconditioners and sensitivity weights of SimPEG see the
    uncertainties and not the robust weights.

    References
    ----------
    .. [1] Farquharson, C. G. and Oldenburg, D. W. (1998). Non-linear inversion using general measures of data misfit
       and model structure. Geophysical Journal International, 134, 213-227.
       https://doi.org/10.1046/j.1365-246x.1998.00555.x
    """

    def __init__(self, data, simulation, *, outliers: float = 0.1, **kwargs):
        super().__init__(data, simulation, **kwargs)
        if isinstance(outliers, bool) or not isinstance(outliers, Real) or not 0.0 <= outliers < 0.5:
            msg = f"{type(self).__name__}.outliers: got {outliers!r}, wanted a share of the data from 0 to below 0.5."
            raise ValueError(msg)
        self._outliers = float(outliers)
        if np.iscomplexobj(self.data.dobs):
            msg = (
                f"{type(self).__name__}.data: got complex data, wanted real ones; give their real and imaginary parts "
                "as data of their own."
            )
            raise TypeError(msg)

    @property
    def outliers(self) -> float:
        """Largest share of the data that χ leaves out."""
        return self._outliers

    def _positive(self, name, value) -> float:
        """The number, or ValueError."""
        if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < value < math.inf:
            msg = f"{type(self).__name__}.{name}: got {value!r}, wanted a positive finite number."
            raise ValueError(msg)
        return float(value)

    @abstractmethod
    def density(self, residual: np.ndarray) -> np.ndarray:
        """Penalty of each residual over its uncertainty, (n_data,) -> (n_data,)."""

    @abstractmethod
    def robust_weights(self, residual: np.ndarray) -> np.ndarray:
        """Weight of each, 1 where it counts as in least squares, (n_data,) -> (n_data,), from 0 to 1."""

    # what chi = 1 means -------------------------------------------------------------------------------
    @cached_property
    def expected_per_datum(self) -> float:
        """Expectation of the penalty of one residual under unit Gaussian noise, by quadrature."""
        return _gaussian_mean(self.density)

    @property
    def expected_value(self) -> float:
        """Expectation of the value under Gaussian noise of the given uncertainties, without outliers."""
        return self.nD * self.expected_per_datum

    @property
    def chifact(self) -> float:
        """`expected_value` over the number of data, for SimPEG's ``TargetMisfit(chifact=...)`` and its like."""
        return self.expected_per_datum

    def chi(self, residual: np.ndarray) -> float:
        """1 where the data that are no outliers are fitted to their noise; of a residual over the uncertainties."""
        size = np.sort(np.abs(residual))
        n_near = max(np.searchsorted(size, _FAR, side="right"), math.ceil((1.0 - self._outliers) * size.size))
        return float(np.mean(self.density(size[:n_near]))) / self._expected_near

    @cached_property
    def _expected_near(self) -> float:
        share = math.erf(_FAR / math.sqrt(2.0))
        return _gaussian_mean(self.density, (*(end for end in _ENDS if end < _FAR), _FAR)) / share

    def penalty(self, residual: np.ndarray) -> float:
        """Value at a residual over the uncertainties, (n_data,)."""
        return float(np.sum(self.density(residual)))

    # SimPEG's interface -------------------------------------------------------------------------------
    @timeIt
    def __call__(self, m, f=None) -> float:
        """Value at a model, (nP,)."""
        return self.penalty(self.W @ self.residual(m, f=f))

    @timeIt
    def deriv(self, m, f=None) -> np.ndarray:
        """Gradient at a model, (nP,)."""
        f = self.simulation.fields(m) if f is None else f
        residual = self.W @ self.residual(m, f=f)
        return 2.0 * self.simulation.Jtvec(m, self.W.T @ (self.robust_weights(residual) * residual), f=f)

    @timeIt
    def deriv2(self, m, v, f=None) -> np.ndarray:
        """Gauss-Newton Hessian at a model times a vector, (nP,)."""
        f = self.simulation.fields(m) if f is None else f
        weights = self.robust_weights(self.W @ self.residual(m, f=f))
        tangent = self.W @ self.simulation.Jvec_approx(m, v, f=f)
        return 2.0 * self.simulation.Jtvec_approx(m, self.W.T @ (weights * tangent), f=f)

    def tensor_hessian(self, model, crossing):
        """Its product on tensors, (nP,) -> (nP,); None where the simulation or a map has no tensor path."""
        if not hasattr(self.simulation, "tensor_jacobian"):
            return None
        uncertainties = crossing.operator(self, "W", self.W)
        jacobian = None if uncertainties is None else self.simulation.tensor_jacobian(model)
        if jacobian is None:
            return None
        roots = crossing.send(np.sqrt(self.robust_weights(self.W @ self.residual(model))))
        there = crossing.cast(jacobian.device, jacobian.dtype)
        return gauss_newton(there, jacobian, Transposed(there), uncertainties, Diagonal(roots))


def _gaussian_mean(density, ends=_ENDS) -> float:
    """Mean of an even function of a unit Gaussian, zero beyond the last end."""

    def integrand(r):
        return float(density(np.array([r]))[0]) * math.exp(-0.5 * r * r)

    parts = [quad(integrand, a, b, epsabs=1e-14, epsrel=1e-10, limit=200)[0] for a, b in pairwise(ends)]
    return sum(parts) * math.sqrt(2.0 / math.pi)
