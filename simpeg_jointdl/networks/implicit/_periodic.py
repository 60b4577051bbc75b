"""Activations that oscillate: sines and wavelets."""

from __future__ import annotations

import math

import torch

from ..._core import validation as check
from ._base import BaseActivation


class Sine(BaseActivation):
    r"""Sine activation of SIREN, :math:`\sin \omega x`.

    Initial weights are uniform in :math:`\pm 1 / n` in the first layer and in :math:`\pm \sqrt{6 / n} / \omega` in all
    others, where n is the number of inputs of the layer. The arguments of the sines of hidden layers then have unit
    variance. Initial biases are drawn like the weights, except in the first layer, where they are uniform in
    :math:`\pm 1 / \sqrt n` and set the phases.

    Parameters
    ----------
    omega : float
        Factor ω of hidden layers.
    first_omega : float, optional
        Factor ω of the first layer, which is the highest initial frequency in radians per half width of the domain;
        by default `omega`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number above 0.

    References
    ----------
    Sitzmann, V. et al. (2020). Implicit neural representations with periodic activation functions. NeurIPS 33,
    7462-7473. https://doi.org/10.48550/arXiv.2006.09661

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import Sine
    >>> Sine(omega=30.0)(torch.zeros(3))
    tensor([0., 0., 0.])
    """

    def __init__(self, omega: float = 30.0, first_omega: float | None = None):
        super().__init__()
        self.omega: float = check.positive(f"{type(self).__name__}.omega", omega)
        first_omega = omega if first_omega is None else first_omega
        self.first_omega: float = check.positive(f"{type(self).__name__}.first_omega", first_omega)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / fan_in if first else math.sqrt(6.0 / fan_in) / self.omega

    def bias_limit(self, fan_in: int, first: bool) -> float:
        return super().bias_limit(fan_in, first) if first else self.weight_limit(fan_in, first)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.sin((self.first_omega if first else self.omega) * x)


class Finer(Sine):
    r"""Sine activation whose frequency grows with its argument, :math:`\sin (\omega (|x| + 1) x)`.

    Initial weights are those of :class:`Sine`. Initial biases of the first layer are uniform in ± `first_bias`, so that
    the neurons have different frequencies. Unlike in the authors' code, the factor :math:`|x| + 1` is differentiated.

    Parameters
    ----------
    omega : float
        Factor ω of hidden layers.
    first_omega : float, optional
        Factor ω of the first layer; by default `omega`.
    first_bias : float
        Limit of the initial biases of the first layer.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number above 0.

    References
    ----------
    Liu, Z. et al. (2024). FINER: flexible spectral-bias tuning in implicit neural representation by variable-periodic
    activation functions. CVPR 2024, 2713-2722. https://doi.org/10.1109/CVPR52733.2024.00262

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import Finer
    >>> Finer(omega=5.0)(torch.zeros(2))
    tensor([0., 0.])
    """

    def __init__(self, omega: float = 30.0, first_omega: float | None = None, first_bias: float = 1.0):
        super().__init__(omega, first_omega)
        self.first_bias: float = check.positive("Finer.first_bias", first_bias)

    def bias_limit(self, fan_in: int, first: bool) -> float:
        return self.first_bias if first else super().bias_limit(fan_in, first)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return super().forward((x.abs() + 1.0) * x, first)


class Gabor(BaseActivation):
    r"""Gabor wavelet activation of WIRE in its real form, :math:`\cos (\omega x) \exp(-(s x)^2)`.

    Parameters
    ----------
    omega : float
        Angular frequency ω of the cosine.
    scale : float
        Factor s of the Gaussian.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a finite number above 0.

    Notes
    -----
    Initial weights and biases are uniform in :math:`\pm 1 / \sqrt n`, where n is the number of inputs of the layer.

    References
    ----------
    Saragadam, V. et al. (2023). WIRE: wavelet implicit neural representations. CVPR 2023, 18507-18516.
    https://doi.org/10.1109/CVPR52729.2023.01775

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import Gabor
    >>> Gabor(omega=10.0, scale=3.0)(torch.zeros(2))
    tensor([1., 1.])
    """

    def __init__(self, omega: float = 10.0, scale: float = 3.0):
        super().__init__()
        self.omega: float = check.positive("Gabor.omega", omega)
        self.scale: float = check.positive("Gabor.scale", scale)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.cos(self.omega * x) * torch.exp(-((self.scale * x) ** 2))
