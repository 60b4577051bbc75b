"""Layers of GravMagUNet: a trunk over the plan, features lifted to depth, and the heads' volumes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from ._gravmag_inputs import N_CONSTANTS

Tensor = torch.Tensor

_N_STYLE = 64
N_OUTPUTS = 3  # density, susceptibility, boundary


class LiftedDecoder(nn.Module):
    """A U-Net over the plan, whose last features become slices that convolutions in space refine.

    Parameters
    ----------
    shape : (nz, ny, nx)
    widths : sequence of int
        Channels of the trunk's levels; the first has half the grid's cells along x and y.
    n_lifted : int
        Channels of a slice.
    """

    def __init__(self, shape, widths, n_lifted: int):
        super().__init__()
        self.shape, self.n_lifted = shape, n_lifted
        pairs = list(pairwise(widths))
        self.style = nn.Sequential(
            nn.Linear(N_CONSTANTS, _N_STYLE), nn.SiLU(), nn.Linear(_N_STYLE, _N_STYLE), nn.SiLU()
        )
        self.stem = nn.Conv2d(4 * (4 + 2 * shape[0]), widths[0], 3, padding=1)
        self.down = nn.ModuleList(Block(width) for width in widths)
        self.coarser = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.finer = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(Block(width) for width in widths[:-1])
        self.lift = nn.Conv2d(widths[0], shape[0] * n_lifted, 1)
        self.place = nn.Parameter(torch.zeros(n_lifted, shape[0], 1, 1, device="cpu"))
        self.mix = nn.Conv3d(n_lifted + 8, n_lifted, 1)
        self.refine = Block(n_lifted, nn.Conv3d)
        self.head = nn.Conv3d(n_lifted, 4 * N_OUTPUTS, 1)

    def forward(self, planes: Tensor, priors: Tensor, constants: Tensor) -> Tensor:
        """(n, N_OUTPUTS, nz, ny, nx)."""
        style = self.style(constants)
        x = torch.cat((planes, priors.flatten(1, 2)), dim=1)
        x, skipped = self.stem(functional.pixel_unshuffle(x, 2)), []
        for block, coarser in zip(self.down[:-1], self.coarser, strict=True):
            skipped.append(block(x, style))
            x = coarser(skipped[-1])
        x = self.down[-1](x, style)
        for block, finer in zip(reversed(self.up), reversed(self.finer), strict=True):
            x = block(finer(x) + skipped.pop(), style)
        volume = self.lift(functional.silu(x)).unflatten(1, (self.n_lifted, self.shape[0])) + self.place
        volume = self.mix(torch.cat((volume, _folded(priors)), dim=1))
        return _unfolded(self.head(functional.silu(self.refine(volume, style))).float())


class VolumeDecoder(nn.Module):
    """A U-Net in space, over the slices of the estimates, with the grids in every slice.

    Parameters
    ----------
    shape : (nz, ny, nx)
    widths : sequence of int
        Channels of the levels; the first has half the grid's cells along x and y, and all of its slices.
    """

    def __init__(self, shape, widths):
        super().__init__()
        pairs = list(pairwise(widths))
        self.style = nn.Sequential(
            nn.Linear(N_CONSTANTS, _N_STYLE), nn.SiLU(), nn.Linear(_N_STYLE, _N_STYLE), nn.SiLU()
        )
        self.plan = nn.Conv2d(16, widths[0], 3, padding=1)
        self.stem = nn.Conv3d(8, widths[0], 3, padding=1)
        self.place = nn.Parameter(torch.zeros(widths[0], shape[0], 1, 1, device="cpu"))
        self.down = nn.ModuleList(Block(width, nn.Conv3d) for width in widths)
        self.coarser = nn.ModuleList(nn.Conv3d(a, b, 2, stride=2) for a, b in pairs)
        self.finer = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(Block(width, nn.Conv3d) for width in widths[:-1])
        self.head = nn.Conv3d(widths[0], 4 * N_OUTPUTS, 1)

    def forward(self, planes: Tensor, priors: Tensor, constants: Tensor) -> Tensor:
        """(n, N_OUTPUTS, nz, ny, nx)."""
        style, skipped = self.style(constants), []
        x = self.stem(_folded(priors)) + self.plan(functional.pixel_unshuffle(planes, 2))[:, :, None] + self.place
        for block, coarser in zip(self.down[:-1], self.coarser, strict=True):
            skipped.append(block(x, style))
            x = coarser(skipped[-1])
        x = self.down[-1](x, style)
        for block, finer in zip(reversed(self.up), reversed(self.finer), strict=True):
            x = block(finer(x) + skipped.pop(), style)
        return _unfolded(self.head(functional.silu(x)).float())


class Block(nn.Module):
    """x plus two convolutions of it, the second of what the constants have scaled; the identity at the start."""

    def __init__(self, width: int, convolution=nn.Conv2d):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.first = convolution(width, width, 3, padding=1)
        self.style = nn.Linear(_N_STYLE, 2 * width)
        self.second = convolution(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style).reshape(len(x), 2, -1, *(1,) * (x.ndim - 2)).unbind(1)
        inner = self.first(functional.silu(self.norm(x)))
        return x + self.second(functional.silu(inner * (1.0 + scale) + shift))


def _folded(volume: Tensor) -> Tensor:
    """Four neighbours in plan as channels: (n, c, nz, ny, nx) to (n, 4 c, nz, ny / 2, nx / 2)."""
    n, c, nz, ny, nx = volume.shape
    parts = volume.reshape(n, c, nz, ny // 2, 2, nx // 2, 2)
    return parts.permute(0, 1, 4, 6, 2, 3, 5).reshape(n, 4 * c, nz, ny // 2, nx // 2)


def _unfolded(volume: Tensor) -> Tensor:
    """And back."""
    n, c, nz, ny, nx = volume.shape
    parts = volume.reshape(n, c // 4, 2, 2, nz, ny, nx)
    return parts.permute(0, 1, 4, 5, 2, 6, 3).reshape(n, c // 4, nz, 2 * ny, 2 * nx)
