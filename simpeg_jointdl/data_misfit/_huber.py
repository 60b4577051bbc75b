"""Huber's data misfit: the square of small residuals, the absolute value of large ones."""

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


class HuberDataMisfit(BaseRobustDataMisfit):
    r"""Data misfit with Huber's function [1]_, to be used in place of ``L2DataMisfit``.

    .. math::
        \rho(r) = \begin{cases} r^2 & |r| \leq k \\ 2 k |r| - k^2 & |r| > k \end{cases} \qquad
        w(r) = \min \left( 1, \frac{k}{|r|} \right)

    where :math:`r` is a residual over its uncertainty. Up to the threshold it is exactly SimPEG's ``L2DataMisfit``.
    Beyond the threshold the gradient of a datum no longer grows with its residual. The function is convex, so that it
    has no local minima where the data depend linearly on the model.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties; those of a datum that is not an outlier.
    simulation : simpeg.simulation.BaseSimulation
        Simulation of the data.
    threshold : float
        :math:`k`, in uncertainties. With 1.345 an estimate has 95 % of the efficiency of least squares under Gaussian
        noise.
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
        For a threshold that is not above 0 and finite, or a share of outliers out of range.

    See Also
    --------
    BaseRobustDataMisfit : Gradient, Hessian and misfit factor.
    StudentTDataMisfit : Outliers lose their influence altogether.

    References
    ----------
    .. [1] Huber, P. J. (1964). Robust estimation of a location parameter. The Annals of Mathematical Statistics, 35,
       73-101. https://doi.org/10.1214/aoms/1177703732
    """

    def __init__(
        self,
        data: Data,
        simulation: BaseSimulation,
        *,
        threshold: float = 1.345,
        outliers: float = 0.1,
        W: sp.spmatrix | np.ndarray | None = None,
        counter: Counter | None = None,
        debug: bool = False,
    ):
        super().__init__(data, simulation, outliers=outliers, W=W, counter=counter, debug=debug)
        self._threshold = check.positive(f"{type(self).__name__}.threshold", threshold)

    @property
    def threshold(self) -> float:
        """Size of a residual over its uncertainty beyond which its absolute value counts."""
        return self._threshold

    def density(self, residual: np.ndarray) -> np.ndarray:
        """Compute Huber's function of each residual.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            Penalties, at least 0.
        """
        size = np.abs(residual)
        return np.where(size <= self._threshold, size**2, self._threshold * (2.0 * size - self._threshold))

    def robust_weights(self, residual: np.ndarray) -> np.ndarray:
        """Compute the weight of each datum.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            1 up to the threshold, and the threshold over the residual's size beyond it.
        """
        return self._threshold / np.maximum(np.abs(residual), self._threshold)
