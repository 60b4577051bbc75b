"""Activations that do not oscillate, and the choice of an activation by its name."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch.nn import functional

from ..._core import validation as check
from ._base import BaseActivation
from ._periodic import Finer, Gabor, Sine

ActivationName: TypeAlias = Literal["sine", "finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu"]


class Gauss(BaseActivation):
    r"""Gaussian activation, :math:`\exp(-(s x)^2)`.

    Parameters
    ----------
    scale : float
        Factor s.

    Raises
    ------
    TypeError, ValueError
        If the factor is not a finite number above 0.

    Notes
    -----
    Initial weights and biases are uniform in :math:`\pm 1 / \sqrt n`, where n is the number of inputs of the layer.

    References
    ----------
    Ramasinghe, S. and Lucey, S. (2022). Beyond periodicity: towards a unifying framework for activations in
    coordinate-MLPs. ECCV 2022, 142-158. https://doi.org/10.1007/978-3-031-19827-4_9

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import Gauss
    >>> Gauss(scale=3.0)(torch.zeros(2))
    tensor([1., 1.])
    """

    def __init__(self, scale: float = 3.0):
        super().__init__()
        self.scale: float = check.positive("Gauss.scale", scale)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.exp(-((self.scale * x) ** 2))


class LeakyReLU(BaseActivation):
    """Leaky rectified linear activation, x above zero and a x below.

    Initial weights are uniform with He's variance, 2 / ((1 + a²) n), where n is the number of inputs of the layer.

    Parameters
    ----------
    slope : float
        Slope a below zero.

    Raises
    ------
    TypeError, ValueError
        If the slope is not a finite number above 0.

    References
    ----------
    He, K., Zhang, X., Ren, S. and Sun, J. (2015). Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification. ICCV 2015, 1026-1034. https://doi.org/10.1109/ICCV.2015.123

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import LeakyReLU
    >>> LeakyReLU(slope=0.5)(torch.tensor([-2.0, 2.0]))
    tensor([-1.,  2.])
    """

    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope: float = check.positive("LeakyReLU.slope", slope)

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(6.0 / ((1.0 + self.slope**2) * fan_in))

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return functional.leaky_relu(x, self.slope)


class Tanh(BaseActivation):
    """Hyperbolic tangent activation, tanh x.

    Notes
    -----
    Initial weights are uniform with variance 1 / n, where n is the number of inputs of the layer, and initial biases
    are uniform in ± 1 / √n.

    References
    ----------
    LeCun, Y., Bottou, L., Orr, G. B. and Müller, K.-R. (1998). Efficient BackProp. Neural Networks: Tricks of the
    Trade, Springer, 9-50. https://doi.org/10.1007/3-540-49430-8_2

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import Tanh
    >>> Tanh()(torch.zeros(2))
    tensor([0., 0.])
    """

    def __init__(self):
        super().__init__()

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(3.0 / fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.tanh(x)


class GELU(BaseActivation):
    """Gaussian error linear unit, x Φ(x), where Φ is the standard normal distribution function.

    Notes
    -----
    Initial weights are uniform with variance 2 / n, He's value for a rectifier, where n is the number of inputs of the
    layer. Initial biases are uniform in ± 1 / √n.

    References
    ----------
    Hendrycks, D. and Gimpel, K. (2016). Gaussian error linear units (GELUs). https://doi.org/10.48550/arXiv.1606.08415

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import GELU
    >>> GELU()(torch.zeros(2))
    tensor([0., 0.])
    """

    def __init__(self):
        super().__init__()

    def weight_limit(self, fan_in: int, first: bool) -> float:
        return math.sqrt(6.0 / fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        return functional.gelu(x)


_ACTIVATIONS: dict[str, type[BaseActivation]] = {
    "sine": Sine,
    "finer": Finer,
    "gauss": Gauss,
    "gabor": Gabor,
    "leaky_relu": LeakyReLU,
    "tanh": Tanh,
    "gelu": GELU,
}


def make_activation(who: str, activation: ActivationName | BaseActivation) -> BaseActivation:
    """Return the activation of a name with its default options, or the given activation itself."""
    if isinstance(activation, BaseActivation):
        return activation
    mend = "Or pass an activation of simpeg_jointdl.networks."
    return _ACTIVATIONS[check.one_of(who, activation, _ACTIVATIONS, mend=mend)]()
