"""Activations of coordinate networks, each with the weights it needs at the start."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from ..._core.checks import check_positive


class BaseActivation(nn.Module):
    """Activation that knows the weights it needs at the start.

    The call takes ``first=True`` in the first layer, where coordinates come in, and False in all others.
    """

    def weight_limit(self, fan_in: int, first: bool) -> float:
        """Weights start uniform between the negative of this and itself."""
        raise NotImplementedError

    def bias_limit(self, fan_in: int, first: bool) -> float:
        """The same for biases."""
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        """Activated values, of the same shape."""
        raise NotImplementedError


class Sine(BaseActivation):
    r"""SIREN's sine, :math:`\sin \omega x`.

    Weights start uniform in :math:`\pm 1 / n` in the first layer and in :math:`\pm \sqrt{6 / n} / \omega` in all
    others, n being a layer's inputs, which keeps the arguments of all sines of hidden layers at unit variance. Biases
    start as one more weight, in the first layer in :math:`\pm 1 / \sqrt n`, which draws the phases.

    Parameters
    ----------
    omega : float
        ω of hidden layers.
    first_omega : float, optional
        ω of the first layer: the highest frequency at the start, in radians per half the domain. As `omega`
        unless given.

    Raises
    ------
    ValueError
        If either is not a finite number above zero.

    References
    ----------
    Sitzmann, V. et al. (2020). Implicit neural representations with periodic activation functions. NeurIPS 33,
    7462-7473. https://doi.org/10.48550/arXiv.2006.09661
    """

    def __init__(self, omega: float = 30.0, first_omega: float | None = None):
        super().__init__()
        self.omega: float = check_positive(f"{type(self).__name__}.omega", omega)
        first_omega = omega if first_omega is None else first_omega
        self.first_omega: float = check_positive(f"{type(self).__name__}.first_omega", first_omega)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / fan_in if first else math.sqrt(6.0 / fan_in) / self.omega

    def bias_limit(self, fan_in: int, first: bool) -> float:
        return super().bias_limit(fan_in, first) if first else self.weight_limit(fan_in, first)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.sin((self.first_omega if first else self.omega) * x)


class Finer(Sine):
    r"""Sine of a frequency that grows with its argument, :math:`\sin (\omega (|x| + 1) x)`.

    Weights start as those of :class:`Sine`; biases of the first layer are uniform in ± `first_bias`, so that
    neurons begin at different frequencies. Unlike in the authors' code the derivative of the factor is kept.

    Parameters
    ----------
    omega, first_omega : float
        See :class:`Sine`.
    first_bias : float

    Raises
    ------
    ValueError
        If one of them is not a finite number above zero.

    References
    ----------
    Liu, Z. et al. (2024). FINER: flexible spectral-bias tuning in implicit neural representation by variable-periodic
    activation functions. CVPR 2024, 2713-2722. https://doi.org/10.1109/CVPR52733.2024.00262
    """

    def __init__(self, omega: float = 30.0, first_omega: float | None = None, first_bias: float = 1.0):
        super().__init__(omega, first_omega)
        self.first_bias: float = check_positive("Finer.first_bias", first_bias)

    def bias_limit(self, fan_in: int, first: bool) -> float:
        return self.first_bias if first else super().bias_limit(fan_in, first)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return super().forward((x.abs() + 1.0) * x, first)


class Gauss(BaseActivation):
    r"""Gaussian bell, :math:`\exp(-(s x)^2)`.

    Parameters
    ----------
    scale : float
        s.

    Raises
    ------
    ValueError
        If it is not a finite number above zero.

    References
    ----------
    Ramasinghe, S. and Lucey, S. (2022). Beyond periodicity: towards a unifying framework for activations in
    coordinate-MLPs. ECCV 2022, 142-158. https://doi.org/10.1007/978-3-031-19827-4_9
    """

    def __init__(self, scale: float = 3.0):
        super().__init__()
        self.scale: float = check_positive("Gauss.scale", scale)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.exp(-((self.scale * x) ** 2))


class Gabor(BaseActivation):
    r"""WIRE's wavelet in its real form, :math:`\cos (\omega x) \exp(-(s x)^2)`.

    Parameters
    ----------
    omega, scale : float
        ω and s.

    Raises
    ------
    ValueError
        If either is not a finite number above zero.

    References
    ----------
    Saragadam, V. et al. (2023). WIRE: wavelet implicit neural representations. CVPR 2023, 18507-18516.
    https://doi.org/10.1109/CVPR52729.2023.01775
    """

    def __init__(self, omega: float = 10.0, scale: float = 3.0):
        super().__init__()
        self.omega: float = check_positive("Gabor.omega", omega)
        self.scale: float = check_positive("Gabor.scale", scale)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.cos(self.omega * x) * torch.exp(-((self.scale * x) ** 2))


class LeakyReLU(BaseActivation):
    """Leaky rectifier, x above zero and a x below.

    Weights start uniform with He's variance, 2 / ((1 + a²) n), n being a layer's inputs.

    Parameters
    ----------
    slope : float
        a.

    Raises
    ------
    ValueError
        If it is not a finite number above zero.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification. ICCV 2015, 1026-1034. https://doi.org/10.1109/ICCV.2015.123
    """

    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope: float = check_positive("LeakyReLU.slope", slope)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(6.0 / ((1.0 + self.slope**2) * fan_in))

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return functional.leaky_relu(x, self.slope)


class Tanh(BaseActivation):
    """Hyperbolic tangent, tanh x.

    Notes
    -----
    Weights start uniform with variance 1 / n, n being a layer's inputs, and biases uniform in ± 1 / √n.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B. and Müller, K.-R. (1998). Efficient BackProp. Neural Networks: Tricks of the
    Trade, Springer, 9-50. https://doi.org/10.1007/3-540-49430-8_2
    """

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(3.0 / fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.tanh(x)


class GELU(BaseActivation):
    """Gaussian error linear unit, x Φ(x), Φ being the distribution function of the standard normal.

    Notes
    -----
    Weights start uniform with variance 2 / n, He's of a rectifier, n being a layer's inputs, and biases uniform in
    ± 1 / √n.

    References
    ----------
    Hendrycks, D. and Gimpel, K. (2016). Gaussian error linear units (GELUs). https://doi.org/10.48550/arXiv.1606.08415
    """

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(6.0 / fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return functional.gelu(x)


_ACTIVATIONS = {
    "sine": Sine,
    "finer": Finer,
    "gauss": Gauss,
    "gabor": Gabor,
    "leaky_relu": LeakyReLU,
    "tanh": Tanh,
    "gelu": GELU,
}


def make_activation(activation) -> BaseActivation:
    """Activation by its name, with its own defaults, or the object itself."""
    if isinstance(activation, str) and activation in _ACTIVATIONS:
        return _ACTIVATIONS[activation]()
    if isinstance(activation, BaseActivation):
        return activation
    names = ", ".join(repr(name) for name in _ACTIVATIONS)
    msg = f"ImplicitNetwork.activation: got {activation!r}, wanted one of {names}, or an activation of networks."
    raise ValueError(msg)
