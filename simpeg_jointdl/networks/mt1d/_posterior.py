"""What a network says of every layer: a mixture of Gaussians of the logarithm of its resistivity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..._core.tensors import as_numpy, as_tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Tensor = torch.Tensor

_BISECTIONS = 40
_REACH = 8.0  # standard deviations


def mixture_nll(log_weights: Tensor, means: Tensor, log_deviations: Tensor, y: Tensor) -> Tensor:
    """Minus the logarithm of the density at y (n, n_layers), of mixtures (n, n_components, n_layers)."""
    z = (y.unsqueeze(1) - means) * torch.exp(-log_deviations)
    terms = log_weights - 0.5 * z.square() - log_deviations - 0.5 * math.log(2.0 * math.pi)
    return -torch.logsumexp(terms, dim=1)


class LayerPosterior:
    r"""Distributions of the layers' resistivities given the data, one per layer and station.

    Each is a mixture of Gaussians of :math:`y = \log_{10}\rho`,

    .. math::
        p(y) = \sum_k \frac{w_k}{\sigma_k \sqrt{2 \pi}} \exp \left( -\frac{(y - \mu_k)^2}{2 \sigma_k^2} \right),
        \qquad F(y) = \sum_k w_k \, \Phi \left( \frac{y - \mu_k}{\sigma_k} \right)

    with :math:`\Phi` the distribution function of the standard normal. The quantile of probability :math:`q` is the
    resistivity :math:`10^y` at which :math:`F(y) = q`. Trained by its likelihood, and by the squared error of its mean
    (:class:`MT1DUNet`), it is an estimate of the marginal posterior under the prior of the training set, whatever the
    true one is. Layers are not independent of each other, and nothing is said of how they go together.

    Parameters
    ----------
    log_weights, means, log_deviations : (n_stations, n_components, n_layers) torch.Tensor
        :math:`\ln w_k`, :math:`\mu_k` and :math:`\ln \sigma_k`; means and deviations in decades of ohm m. The weights
        of a layer sum to one. None of this is checked.

    References
    ----------
    Bishop, C. M. (1994). Mixture density networks. Technical report NCRG/94/004, Aston University.
    """

    def __init__(self, log_weights: Tensor, means: Tensor, log_deviations: Tensor):
        self._weights, self._means = log_weights.double().exp(), means.double()
        self._deviations = log_deviations.double().exp()

    def mean(self) -> np.ndarray:
        """Resistivity at the mean of its logarithm, (n_stations, n_layers) in ohm m: least squares in decades."""
        return 10.0 ** as_numpy((self._weights * self._means).sum(1))

    def std(self) -> np.ndarray:
        """Standard deviation of the logarithm, (n_stations, n_layers) in decades."""
        mean = (self._weights * self._means).sum(1, keepdim=True)
        return as_numpy((self._weights * (self._deviations**2 + (self._means - mean) ** 2)).sum(1).sqrt())

    def cdf(self, resistivity: ArrayLike) -> np.ndarray:
        """Probability that the resistivity is less.

        Parameters
        ----------
        resistivity : float, (n_layers,) or (n_stations, n_layers) numpy.ndarray
            In ohm m.

        Returns
        -------
        (n_stations, n_layers) numpy.ndarray

        Raises
        ------
        ValueError
            If some resistivity is not above zero, or their shape is another one.
        """
        resistivity = np.asarray(resistivity, dtype=float)
        if not (resistivity > 0).all():
            msg = f"LayerPosterior.cdf: the least resistivity is {resistivity.min():g}, wanted all above 0 ohm m."
            raise ValueError(msg)
        shape = (self._means.shape[0], self._means.shape[2])
        logs = as_tensor(np.broadcast_to(np.log10(resistivity), shape), self._means.device)
        return as_numpy(self._cdf(logs))

    def quantiles(self, probabilities: ArrayLike = (0.05, 0.25, 0.5, 0.75, 0.95)) -> np.ndarray:
        """Resistivities that are not exceeded with given probabilities.

        Parameters
        ----------
        probabilities : float or sequence of float
            Above 0 and below 1.

        Returns
        -------
        (n_probabilities, n_stations, n_layers) numpy.ndarray
            In ohm m; without the first axis for a single float.

        Raises
        ------
        ValueError
            If some probability is not between 0 and 1.
        """
        wanted = np.atleast_1d(np.asarray(probabilities, dtype=float))
        if not ((wanted > 0) & (wanted < 1)).all():
            msg = f"LayerPosterior.quantiles: got {probabilities!r}, wanted probabilities above 0 and below 1."
            raise ValueError(msg)
        logs = np.stack([as_numpy(self._quantile(float(p))) for p in wanted])
        return 10.0 ** (logs[0] if np.ndim(probabilities) == 0 else logs)

    def _cdf(self, logs: Tensor) -> Tensor:
        return (self._weights * torch.special.ndtr((logs.unsqueeze(1) - self._means) / self._deviations)).sum(1)

    def _quantile(self, probability: float) -> Tensor:
        """By bisection: a mixture's distribution function has no inverse in closed form."""
        lower = (self._means - _REACH * self._deviations).amin(1)
        upper = (self._means + _REACH * self._deviations).amax(1)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (lower + upper)
            below = self._cdf(middle) < probability
            lower, upper = torch.where(below, middle, lower), torch.where(below, upper, middle)
        return 0.5 * (lower + upper)
