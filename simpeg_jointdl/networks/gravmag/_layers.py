"""Layers of GravMagUNet: a two-dimensional U-Net, features for each depth, and three-dimensional heads."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from ._inputs import N_CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Tensor = torch.Tensor

_N_STYLE = 64
N_OUTPUTS = 3  # density, susceptibility and boundary


class LiftedDecoder(nn.Module):
    """Two-dimensional U-Net whose last features become depth slices, refined by three-dimensional convolutions.

    Blocks of 2 x 2 cells are stacked as channels, so that all layers have half as many cells along x and y.

    Parameters
    ----------
    shape : (nz, ny, nx)
        Shape of the models.
    widths : sequence of int
        Number of channels of each level of the U-Net. Each level has half as many cells along x and y as the previous
        one.
    n_lifted : int
        Number of channels of a depth slice.
    """

    def __init__(self, shape: tuple[int, int, int], widths: Sequence[int], n_lifted: int):
        super().__init__()
        self.shape: tuple[int, int, int] = shape
        self.n_lifted: int = n_lifted
        pairs = list(pairwise(widths))
        self.style: nn.Module = _style()
        self.stem: nn.Conv2d = nn.Conv2d(4 * (4 + 2 * shape[0]), widths[0], 3, padding=1)
        self.down: nn.ModuleList = nn.ModuleList(PlanBlock(width) for width in widths)
        self.coarser: nn.ModuleList = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.finer: nn.ModuleList = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.up: nn.ModuleList = nn.ModuleList(PlanBlock(width) for width in widths[:-1])
        self.lift: nn.Conv2d = nn.Conv2d(widths[0], shape[0] * n_lifted, 1)
        self.place: nn.Parameter = nn.Parameter(torch.zeros(shape[0], n_lifted, 1, 1, device="cpu"))
        self.mix: nn.Conv2d = nn.Conv2d(n_lifted + 8, n_lifted, 1)
        self.refine: SpaceBlock = SpaceBlock(n_lifted)
        self.head: nn.Conv2d = nn.Conv2d(n_lifted, 4 * N_OUTPUTS, 1)

    def forward(self, planes: Tensor, priors: Tensor, constants: Tensor) -> Tensor:
        """Return the raw outputs, (n, nz, N_OUTPUTS, ny, nx); the arguments are fields of `Inputs`."""
        style = self.style(constants)
        x = torch.cat((planes, priors.flatten(1, 2)), dim=1)
        x, skipped = self.stem(functional.pixel_unshuffle(x, 2)), []
        for block, coarser in zip(self.down[:-1], self.coarser, strict=True):
            skipped.append(block(x, style))
            x = coarser(skipped[-1])
        x = self.down[-1](x, style)
        for block, finer in zip(reversed(self.up), reversed(self.finer), strict=True):
            x = block(finer(x) + skipped.pop(), style)
        volume = self.lift(functional.silu(x)).unflatten(1, (self.shape[0], self.n_lifted)) + self.place
        volume = _sliced(self.mix, torch.cat((volume, _stacked(priors)), dim=2))
        return functional.pixel_shuffle(_sliced(self.head, functional.silu(self.refine(volume, style))), 2)


class PlanBlock(nn.Module):
    """Residual block of two convolutions over the plan, scaled by the constants; initially the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.first: nn.Conv2d = nn.Conv2d(width, width, 3, padding=1)
        self.style: nn.Linear = nn.Linear(_N_STYLE, 2 * width)
        self.second: nn.Conv2d = nn.Conv2d(width, width, 3, padding=1)
        _set_zero(self.second)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style)[:, :, None, None].chunk(2, dim=1)
        inner = self.first(functional.silu(functional.layer_norm(x, x.shape[1:])))
        return x + self.second(functional.silu(inner * (1.0 + scale) + shift))


class SpaceBlock(nn.Module):
    """Residual block as `PlanBlock`, with convolutions over the slices (n, nz, width, ny, nx)."""

    def __init__(self, width: int):
        super().__init__()
        self.first: SpaceConv = SpaceConv(width, width)
        self.style: nn.Linear = nn.Linear(_N_STYLE, 2 * width)
        self.second: SpaceConv = SpaceConv(width, width)
        _set_zero(self.second)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style)[:, None, :, None, None].chunk(2, dim=2)
        inner = self.first(functional.silu(functional.layer_norm(x, x.shape[1:])))
        return x + self.second(functional.silu(inner * (1.0 + scale) + shift))


class SpaceConv(nn.Conv2d):
    """Convolution over 3 x 3 x 3 cells of slices (n, nz, c, ny, nx), computed as one over the plan of three slices.

    The gradients of torch's own three-dimensional convolution were sometimes infinite or NaN in bfloat16 (torch 2.13,
    CPU).
    """

    def __init__(self, n_inputs: int, n_outputs: int):
        super().__init__(3 * n_inputs, n_outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (0, 0, 0, 0, 0, 0, 1, 1))
        return _sliced(super().forward, torch.cat((padded[:, :-2], x, padded[:, 2:]), dim=2))


def _style() -> nn.Module:
    """Return the perceptron from the constants to the features that scale the layers."""
    return nn.Sequential(nn.Linear(N_CONSTANTS, _N_STYLE), nn.SiLU(), nn.Linear(_N_STYLE, _N_STYLE), nn.SiLU())


def _set_zero(convolution: nn.Conv2d) -> None:
    """Set the weights and biases to zero, so that a residual block is initially the identity."""
    nn.init.zeros_(convolution.weight)
    nn.init.zeros_(convolution.bias)


def _stacked(priors: Tensor) -> Tensor:
    """Stack blocks of 2 x 2 cells as channels: (n, c, nz, ny, nx) to (n, nz, 4 c, ny / 2, nx / 2)."""
    return functional.pixel_unshuffle(priors.transpose(1, 2), 2)


def _sliced(layer: Callable[[Tensor], Tensor], slices: Tensor) -> Tensor:
    """Apply a layer over the plan to every slice of (n, nz, c, ny, nx)."""
    return layer(slices.flatten(0, 1)).unflatten(0, slices.shape[:2])
