"""Low-rank adapters for the convolutions of a trained network."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from .._core import validation as check
from .._core.tensors import seeded_generator

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def with_adapters(module: nn.Module, rank: int = 4, *, random_seed: int = 0) -> nn.Module:
    r"""Return a copy of a network in which only low-rank changes of its convolutions are trained.

    The weights of each convolution, as a matrix with one row per entry of their first axis, become

    .. math::
        \mathbf W + \mathbf B \mathbf A, \qquad \mathbf B \in \mathbb R^{n \times r}, \quad
        \mathbf A \in \mathbb R^{r \times k}.

    Initially :math:`\mathbf B = 0`, so that the copy gives the same output as the network.

    Parameters
    ----------
    module : torch.nn.Module
        Trained network, which is not changed.
    rank : int
        Rank :math:`r` of the adapters, reduced to the smaller side of a matrix where that is less.
    random_seed : int
        Seed of the initial values of :math:`\mathbf A`, whose rows have unit length on average.

    Returns
    -------
    torch.nn.Module
        Copy of the network in which only the adapters require gradients.

    Raises
    ------
    TypeError, ValueError
        If the rank is not a whole number of at least 1, or the network has no convolutions.

    References
    ----------
    Hu, E. J. et al. (2022). LoRA: low-rank adaptation of large language models. ICLR.
    https://doi.org/10.48550/arXiv.2106.09685

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import with_adapters
    >>> adapted = with_adapters(torch.nn.Conv2d(8, 8, 3), rank=2)
    >>> [tuple(p.shape) for p in adapted.parameters() if p.requires_grad]
    [(2, 72), (8, 2)]
    """
    rank = check.whole("with_adapters.rank", rank)
    adapted = copy.deepcopy(module).requires_grad_(False)
    found = [one for one in adapted.modules() if isinstance(one, _CONVOLUTIONS)]
    if not found:
        msg = (
            f"with_adapters.module: got a {type(module).__name__} without convolutions, wanted a network with at "
            f"least one."
        )
        raise ValueError(msg)
    generator = seeded_generator("with_adapters.random_seed", random_seed)
    for one in found:
        parametrize.register_parametrization(one, "weight", _LowRank(one.weight, rank, generator))
    return adapted


def without_adapters(module: nn.Module) -> nn.Module:
    """Return a copy of a network with its adapters merged into the weights.

    Parameters
    ----------
    module : torch.nn.Module
        Network, usually from :func:`with_adapters`. One without adapters is only copied.

    Returns
    -------
    torch.nn.Module
        Copy with the class and the names of weights that the network had before :func:`with_adapters`.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import with_adapters, without_adapters
    >>> list(without_adapters(with_adapters(torch.nn.Conv2d(8, 8, 3))).state_dict())
    ['weight', 'bias']
    """
    plain = copy.deepcopy(module)
    for one in plain.modules():
        if parametrize.is_parametrized(one, "weight") and isinstance(one.parametrizations.weight[0], _LowRank):
            _merge(one)
    return plain


def _merge(convolution: nn.Module) -> None:
    """Merge an adapter into the weights of its convolution.

    This does what torch's ``remove_parametrizations`` does, but leaves the class alone, since copies share it.
    """
    weight = convolution.weight.detach().clone()
    del convolution.parametrizations
    convolution.__class__ = type(convolution).__bases__[0]
    convolution.weight = nn.Parameter(weight)
    convolution.bias = convolution._parameters.pop("bias")  # keeps the original order, weight before bias


class _LowRank(nn.Module):
    """Parametrization that adds the product of two low-rank matrices to the weights."""

    def __init__(self, weight: torch.Tensor, rank: int, generator: torch.Generator):
        super().__init__()
        rows, columns = len(weight), weight[0].numel()
        rank = min(rank, rows, columns)
        right = torch.randn((rank, columns), generator=generator, device="cpu") / columns**0.5
        self.right = nn.Parameter(right.to(weight))
        self.left = nn.Parameter(torch.zeros((rows, rank)).to(weight))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.left @ self.right).view(weight.shape)
