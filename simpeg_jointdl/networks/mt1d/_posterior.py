"""Distribution of the resistivity of each layer: a mixture of Gaussians of its logarithm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..._core.tensors import as_numpy, as_tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Tensor = torch.Tensor

_BISECTIONS = 40  # number of bisections for a quantile
_REACH = 8.0  # half width of the initial interval in standard deviations


def mixture_nll(log_weights: Tensor, means: Tensor, log_deviations: Tensor, y: Tensor) -> Tensor:
    """Return the negative log density at y (n, n_layers) of mixtures (n, n_components, n_layers)."""
    z = (y.unsqueeze(1) - means) * torch.exp(-log_deviations)
    terms = log_weights - 0.5 * z.square() - log_deviations - 0.5 * math.log(2.0 * math.pi)
    return -torch.logsumexp(terms, dim=1)


class LayerPosterior:
    r"""Posterior distribution of the resistivity of each layer, given the data of each station.

    Each distribution is a mixture of Gaussians of :math:`y = \log_{10}\rho`,

    .. math::
        p(y) = \sum_k \frac{w_k}{\sigma_k \sqrt{2 \pi}} \exp \left( -\frac{(y - \mu_k)^2}{2 \sigma_k^2} \right),
        \qquad F(y) = \sum_k w_k \, \Phi \left( \frac{y - \mu_k}{\sigma_k} \right)

    with the standard normal distribution function :math:`\Phi`. The quantile of probability :math:`q` is the
    resistivity :math:`10^y` at which :math:`F(y) = q`. The network is trained with the likelihood and with the squared
    error of the mean (:class:`MT1DUNet`), so that the distribution estimates the marginal posterior under the prior of
    the training set, which may differ from the true prior. The layers are correlated, but their joint distribution is
    not given.

    Parameters
    ----------
    log_weights, means, log_deviations : (n_stations, n_components, n_layers) torch.Tensor
        :math:`\ln w_k`, :math:`\mu_k` and :math:`\ln \sigma_k`, with means and deviations in decades of ohm m. The
        weights of a layer sum to one. None of this is checked.

    References
    ----------
    Bishop, C. M. (1994). Mixture density networks. Technical report NCRG/94/004, Aston University.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import LayerPosterior
    >>> one = torch.zeros(1, 1, 1)  # one Gaussian of one layer, centred at 100 ohm m with 0.1 decades
    >>> posterior = LayerPosterior(one, one + 2.0, one + torch.tensor(0.1).log())
    >>> posterior.quantiles((0.16, 0.84)).ravel().round(0)
    array([ 80., 126.])
    """

    def __init__(self, log_weights: Tensor, means: Tensor, log_deviations: Tensor):
        self._weights, self._means = log_weights.double().exp(), means.double()
        self._deviations = log_deviations.double().exp()

    def mean(self) -> np.ndarray:
        """Return the resistivity at the mean of its logarithm.

        Returns
        -------
        (n_stations, n_layers) numpy.ndarray
            Resistivity in ohm m, the least-squares estimate in decades.
        """
        return 10.0 ** as_numpy((self._weights * self._means).sum(1))

    def std(self) -> np.ndarray:
        """Return the standard deviation of the logarithm of the resistivity.

        Returns
        -------
        (n_stations, n_layers) numpy.ndarray
            Standard deviation in decades.
        """
        mean = (self._weights * self._means).sum(1, keepdim=True)
        return as_numpy((self._weights * (self._deviations**2 + (self._means - mean) ** 2)).sum(1).sqrt())

    def cdf(self, resistivity: ArrayLike) -> np.ndarray:
        """Return the probability that the resistivity is smaller than given values.

        Parameters
        ----------
        resistivity : float, (n_layers,) or (n_stations, n_layers) array_like
            Resistivities in ohm m.

        Returns
        -------
        (n_stations, n_layers) numpy.ndarray
            Cumulative probabilities.

        Raises
        ------
        ValueError
            If a resistivity is not above zero, or the shape does not fit.
        """
        resistivity = np.asarray(resistivity, dtype=float)
        if not (resistivity > 0).all():
            smallest = resistivity.min()
            msg = f"LayerPosterior.cdf.resistivity: the smallest value is {smallest:g}, wanted all above 0 ohm m."
            raise ValueError(msg)
        shape = (self._means.shape[0], self._means.shape[2])
        logs = as_tensor(np.broadcast_to(np.log10(resistivity), shape), self._means.device)
        return as_numpy(self._cdf(logs))

    def quantiles(self, probabilities: ArrayLike = (0.05, 0.25, 0.5, 0.75, 0.95)) -> np.ndarray:
        """Return quantiles of the resistivity of each layer.

        Parameters
        ----------
        probabilities : float or sequence of float
            Probabilities above 0 and below 1.

        Returns
        -------
        (n_probabilities, n_stations, n_layers) numpy.ndarray
            Quantiles in ohm m; without the first axis for a single float.

        Raises
        ------
        ValueError
            If a probability is not above 0 and below 1.
        """
        wanted = np.atleast_1d(np.asarray(probabilities, dtype=float))
        if not ((wanted > 0) & (wanted < 1)).all():
            msg = f"LayerPosterior.quantiles.probabilities: got {probabilities!r}, wanted all above 0 and below 1."
            raise ValueError(msg)
        logs = np.stack([as_numpy(self._quantile(float(p))) for p in wanted])
        return 10.0 ** (logs[0] if np.ndim(probabilities) == 0 else logs)

    def _cdf(self, logs: Tensor) -> Tensor:
        return (self._weights * torch.special.ndtr((logs.unsqueeze(1) - self._means) / self._deviations)).sum(1)

    def _quantile(self, probability: float) -> Tensor:
        """Return a quantile by bisection, since the distribution function has no inverse in closed form."""
        lower = (self._means - _REACH * self._deviations).amin(1)
        upper = (self._means + _REACH * self._deviations).amax(1)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (lower + upper)
            below = self._cdf(middle) < probability
            lower, upper = torch.where(below, middle, lower), torch.where(below, upper, middle)
        return 0.5 * (lower + upper)
