"""Student's t: the misfit of noise with heavy tails."""

from __future__ import annotations

import numpy as np

from ._base import BaseRobustDataMisfit


class StudentTDataMisfit(BaseRobustDataMisfit):
    r"""Data misfit by the likelihood of Student's t distribution [1]_, in the place of ``L2DataMisfit``.

    .. math::
        \rho(r) = \nu \log \left( 1 + \frac{r^2}{\nu} \right) = r^2 - \frac{r^4}{2 \nu} + \dots \qquad
        w(r) = \frac{1}{1 + r^2 / \nu}

    with residuals :math:`r` over their uncertainties. It is :math:`2 \nu / (\nu + 1)` times the negative logarithm of
    the likelihood, a constant left out, so that it equals SimPEG's ``L2DataMisfit`` to second order. Beyond
    :math:`\sqrt{\nu}` uncertainties a datum pulls the less the farther off it is. It is not convex: begin at a model
    that fits most data, or with :class:`HuberDataMisfit`.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties of the data that are no outliers.
    simulation : simpeg.simulation.BaseSimulation
    dof : float
        Degrees of freedom :math:`\nu`; infinitely many are least squares, 1 is the Cauchy distribution.
    **kwargs
        ``outliers``, and those of :class:`simpeg.data_misfit.BaseDataMisfit`.

    Raises
    ------
    ValueError
        For degrees of freedom that are not positive and finite.
    TypeError
        For complex data.

    See Also
    --------
    BaseRobustDataMisfit : gradient, Hessian and targets.
    HuberDataMisfit : convex.

    References
    ----------
    .. [1] Lange, K. L., Little, R. J. A. and Taylor, J. M. G. (1989). Robust statistical modeling using the t
       distribution. Journal of the American Statistical Association, 84, 881-896.
       https://doi.org/10.1080/01621459.1989.10478852
    """

    def __init__(self, data, simulation, *, dof: float = 4.0, **kwargs):
        super().__init__(data, simulation, **kwargs)
        self._dof = self._positive("dof", dof)

    @property
    def dof(self) -> float:
        """Degrees of freedom."""
        return self._dof

    def density(self, residual):
        """ν log(1 + r²/ν) of each residual over its uncertainty, (n_data,) -> (n_data,)."""
        return self._dof * np.log1p(np.square(residual) / self._dof)

    def robust_weights(self, residual):
        """1 / (1 + r²/ν), (n_data,) -> (n_data,)."""
        return 1.0 / (1.0 + np.square(residual) / self._dof)
