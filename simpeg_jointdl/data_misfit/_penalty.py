"""A penalty of residuals: its expectation under Gaussian noise, and the misfit factor χ that follows from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.integrate import quad

# Residual over its uncertainty beyond which a datum is an outlier; 3 in 1000 Gaussian residuals are larger.
_OUTLIER = 3.0
# Ends of the pieces of a quadrature over a Gaussian, which is zero in float64 beyond the last one.
_ENDS = (0.0, 1.0, 2.0, 4.0, 8.0, 40.0)


class Penalty:
    """Statistics of a penalty of normalised residuals; a subclass implements :meth:`density`."""

    _outliers: float
    nD: int

    @property
    def outliers(self) -> float:
        """Largest share of the data that χ leaves out."""
        return self._outliers

    @abstractmethod
    def density(self, residual: np.ndarray) -> np.ndarray:
        r"""Compute the penalty :math:`\rho(r)` of each datum.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        (n_data,) numpy.ndarray
            Penalties, at least 0.
        """

    @cached_property
    def expected_per_datum(self) -> float:
        """Expectation of the penalty of one residual under unit Gaussian noise, by quadrature."""
        return _gaussian_mean(self.density)

    @property
    def expected_value(self) -> float:
        """Expectation of the misfit under Gaussian noise of the given uncertainties, without outliers."""
        return self.nD * self.expected_per_datum

    @property
    def chifact(self) -> float:
        """The expected misfit over the number of data, for SimPEG's ``TargetMisfit(chifact=...)`` and similar."""
        return self.expected_per_datum

    def chi(self, residual: np.ndarray) -> float:
        r"""Compute the misfit factor :math:`\chi` from the data that are not outliers.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        float
            1 where these data are fitted to their noise.
        """
        size = np.sort(np.abs(residual))
        n_kept = max(np.searchsorted(size, _OUTLIER, side="right"), math.ceil((1.0 - self._outliers) * size.size))
        return float(np.mean(self.density(size[:n_kept]))) / self._expected_without_outliers

    @cached_property
    def _expected_without_outliers(self) -> float:
        share = math.erf(_OUTLIER / math.sqrt(2.0))
        return _gaussian_mean(self.density, (*(end for end in _ENDS if end < _OUTLIER), _OUTLIER)) / share

    def penalty(self, residual: np.ndarray) -> float:
        """Compute the misfit from residuals.

        Parameters
        ----------
        residual : (n_data,) numpy.ndarray
            Residuals over their uncertainties.

        Returns
        -------
        float
            Sum of the penalties of all data.
        """
        return float(np.sum(self.density(residual)))


def _gaussian_mean(density: Callable[[np.ndarray], np.ndarray], ends: tuple[float, ...] = _ENDS) -> float:
    """Compute the mean of an even function under a unit Gaussian, with zero beyond the last end."""

    def integrand(r):
        return float(density(np.array([r]))[0]) * math.exp(-0.5 * r * r)

    parts = [quad(integrand, a, b, epsabs=1e-14, epsrel=1e-10, limit=200)[0] for a, b in pairwise(ends)]
    return sum(parts) * math.sqrt(2.0 / math.pi)
