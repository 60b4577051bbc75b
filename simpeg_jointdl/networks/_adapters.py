"""Low-rank changes of the convolutions of a network that is trained already."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from .._core.checks import check_count

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def with_adapters(module: nn.Module, rank: int = 4, *, random_seed: int = 0) -> nn.Module:
    r"""A copy of a network whose convolutions may change by matrices of low rank, and nothing else.

    Weights of a convolution, as a matrix of as many rows as their first axis is long, become

    .. math::
        \mathbf W + \mathbf B \mathbf A, \qquad \mathbf B \in \mathbb R^{n \times r}, \quad
        \mathbf A \in \mathbb R^{r \times k},

    with :math:`\mathbf B = 0` at first, so that the network gives what it gave.

    Parameters
    ----------
    module : torch.nn.Module
        Left as it is.
    rank : int
        :math:`r`, or the smaller side of a matrix where that is less.
    random_seed : int
        Of :math:`\mathbf A`, whose rows are of length one on average.

    Returns
    -------
    torch.nn.Module
        Only its adapters require gradients.

    Raises
    ------
    ValueError
        For a rank below 1, or a network without convolutions.

    References
    ----------
    Hu, E. J. et al. (2022). LoRA: low-rank adaptation of large language models. ICLR.
    https://doi.org/10.48550/arXiv.2106.09685
    """
    rank = check_count("with_adapters.rank", rank)
    adapted = copy.deepcopy(module).requires_grad_(False)
    found = [one for one in adapted.modules() if isinstance(one, _CONVOLUTIONS)]
    if not found:
        msg = f"with_adapters: got a {type(module).__name__} without convolutions, wanted one or more to adapt."
        raise ValueError(msg)
    generator = torch.Generator(device="cpu").manual_seed(random_seed)
    for one in found:
        parametrize.register_parametrization(one, "weight", _LowRank(one.weight, rank, generator))
    return adapted


def without_adapters(module: nn.Module) -> nn.Module:
    """A copy of a network in which every adapter is part of the weights it has changed; no adapters, a plain copy.

    Parameters
    ----------
    module : torch.nn.Module
        For example of `with_adapters`.

    Returns
    -------
    torch.nn.Module
        Of the class and the weights' names it had before.
    """
    plain = copy.deepcopy(module)
    for one in plain.modules():
        if parametrize.is_parametrized(one, "weight") and isinstance(one.parametrizations.weight[0], _LowRank):
            _merge(one)
    return plain


def _merge(convolution: nn.Module):
    """What torch's remove_parametrizations does, without touching the class, which copies have in common."""
    weight = convolution.weight.detach().clone()
    del convolution.parametrizations
    convolution.__class__ = type(convolution).__bases__[0]
    convolution.weight = nn.Parameter(weight)
    convolution.bias = convolution._parameters.pop("bias")  # behind the weights, where it was


class _LowRank(nn.Module):
    """Adds a product of two thin matrices to weights."""

    def __init__(self, weight: torch.Tensor, rank: int, generator: torch.Generator):
        super().__init__()
        rows, columns = len(weight), weight[0].numel()
        rank = min(rank, rows, columns)
        right = torch.randn((rank, columns), generator=generator, device="cpu") / columns**0.5
        self.right = nn.Parameter(right.to(weight))
        self.left = nn.Parameter(torch.zeros((rows, rank)).to(weight))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.left @ self.right).view(weight.shape)
