"""Data misfit of Student's t distribution, for noise with heavy tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._core import validation as check
from ._base import BaseRobustDataMisfit

if TYPE_CHECKING:
    import scipy.sparse as sp
    from simpeg.data import Data
    from simpeg.simulation import BaseSimulation
    from simpeg.utils import Counter


class StudentTDataMisfit(BaseRobustDataMisfit):
    r"""Data misfit with the likelihood of Student's t distribution [1]_, to be used in place of ``L2DataMisfit``.

    .. math::
        \rho(r) = \nu \log \left( 1 + \frac{r^2}{\nu} \right) = r^2 - \frac{r^4}{2 \nu} + \dots \qquad
        w(r) = \frac{1}{1 + r^2 / \nu}

    where :math:`r` is a residual over its uncertainty. It is :math:`2 \nu / (\nu + 1)` times the negative logarithm of
    the likelihood, without a constant, so that it equals SimPEG's ``L2DataMisfit`` to second order. Beyond
    :math:`\sqrt{\nu}` uncertainties the influence of a datum decreases with its residual. The function is not convex:
    start from a model that fits most data, or use :class:`HuberDataMisfit` first.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties; those of a datum that is not an outlier.
    simulation : simpeg.simulation.BaseSimulation
        Simulation of the data.
    dof : float
        Degrees of freedom :math:`\nu`. The limit of large values is least squares, 1 is the Cauchy distribution.
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
        For complex data, or settings that are not numbers.
    ValueError
        For degrees of freedom that are not above 0 and finite, or a share of outliers out of range.

    See Also
    --------
    BaseRobustDataMisfit : Gradient, Hessian and misfit factor.
    HuberDataMisfit : A convex function.

    References
    ----------
    .. [1] Lange, K. L., Little, R. J. A. and Taylor, J. M. G. (1989). Robust statistical modeling using the t
       distribution. Journal of the American Statistical Association, 84, 881-896.
       https://doi.org/10.1080/01621459.1989.10478852
    """

    def __init__(
        self,
        data: Data,
        simulation: BaseSimulation,
        *,
        dof: float = 4.0,
        outliers: float = 0.1,
        W: sp.spmatrix | np.ndarray | None = None,
        counter: Counter | None = None,
        debug: bool = False,
    ):
        super().__init__(data, simulation, outliers=outliers, W=W, counter=counter, debug=debug)
        self._dof = check.positive(f"{type(self).__name__}.dof", dof)

    @property
    def dof(self) -> float:
        """Degrees of freedom of the distribution."""
        return self._dof

    def density(self, residual: np.ndarray) -> np.ndarray:
        """Compute ν log(1 + r²/ν) of each residual.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            Penalties, at least 0.
        """
        return self._dof * np.log1p(np.square(residual) / self._dof)

    def robust_weights(self, residual: np.ndarray) -> np.ndarray:
        """Compute the weight 1 / (1 + r²/ν) of each datum.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            Weights above 0, at most 1.
        """
        return 1.0 / (1.0 + np.square(residual) / self._dof)
