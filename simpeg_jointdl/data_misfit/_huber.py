"""Huber's misfit: squares of small residuals, absolute values of large ones."""

from __future__ import annotations

import numpy as np

from ._base import BaseRobustDataMisfit


class HuberDataMisfit(BaseRobustDataMisfit):
    r"""Data misfit by Huber's function [1]_, in the place of ``L2DataMisfit``.

    .. math::
        \rho(r) = \begin{cases} r^2 & |r| \leq k \\ 2 k |r| - k^2 & |r| > k \end{cases} \qquad
        w(r) = \min \left( 1, \frac{k}{|r|} \right)

    with residuals :math:`r` over their uncertainties. Up to the threshold it is SimPEG's ``L2DataMisfit`` exactly;
    beyond, a datum pulls with the strength of one at the threshold, however far off it is. It is convex, so
    that nothing depends on the starting model that would not with least squares.

    Parameters
    ----------
    data : simpeg.data.Data
        Observed data and uncertainties of the data that are no outliers.
    simulation : simpeg.simulation.BaseSimulation
    threshold : float
        :math:`k`, in uncertainties. With 1.345, estimates have 95 % of the efficiency of least squares under
        Gaussian noise.
    **kwargs
        ``outliers``, and those of :class:`simpeg.data_misfit.BaseDataMisfit`.

    Raises
    ------
    ValueError
        For a threshold that is not positive and finite.
    TypeError
        For complex data.

    See Also
    --------
    BaseRobustDataMisfit : gradient, Hessian and targets.
    StudentTDataMisfit : forgets outliers altogether.

    References
    ----------
    .. [1] Huber, P. J. (1964). Robust estimation of a location parameter. The Annals of Mathematical Statistics, 35,
       73-101. https://doi.org/10.1214/aoms/1177703732
    """

    def __init__(self, data, simulation, *, threshold: float = 1.345, **kwargs):
        super().__init__(data, simulation, **kwargs)
        self._threshold = self._positive("threshold", threshold)

    @property
    def threshold(self) -> float:
        """Residual over its uncertainty from which on it counts by its absolute value."""
        return self._threshold

    def density(self, residual):
        """Huber's function of each residual over its uncertainty, (n_data,) -> (n_data,)."""
        size = np.abs(residual)
        return np.where(size <= self._threshold, size**2, self._threshold * (2.0 * size - self._threshold))

    def robust_weights(self, residual):
        """1 up to the threshold, the threshold over the residual beyond, (n_data,) -> (n_data,)."""
        return self._threshold / np.maximum(np.abs(residual), self._threshold)
