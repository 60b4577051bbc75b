"""One-dimensional U-Net."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

Tensor = torch.Tensor


class UNet1d(nn.Module):
    """One-dimensional U-Net with a perceptron at its coarsest level.

    Parameters
    ----------
    n_inputs : int
        Number of input channels; the number of output channels is ``widths[0]``.
    widths : sequence of int
        Number of channels of each level; each level has half as many nodes as the previous one.
    n_nodes : int
        Number of nodes, a multiple of ``2 ** (len(widths) - 1)``.
    n_hidden : int
        Width of the perceptron, which connects all nodes.
    """

    def __init__(self, n_inputs: int, widths: Sequence[int], n_nodes: int, n_hidden: int):
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem: nn.Conv1d = nn.Conv1d(n_inputs, widths[0], 3, padding=1)
        self.place: nn.Parameter = nn.Parameter(torch.zeros(widths[0], n_nodes, device="cpu"))
        self.down: nn.ModuleList = nn.ModuleList(_Block(width) for width in widths)
        self.coarser: nn.ModuleList = nn.ModuleList(nn.Conv1d(a, b, 2, stride=2) for a, b in pairs)
        self.finer: nn.ModuleList = nn.ModuleList(nn.ConvTranspose1d(b, a, 2, stride=2) for a, b in pairs)
        self.up: nn.ModuleList = nn.ModuleList(_Block(width) for width in widths[:-1])
        n_coarse = n_nodes >> len(pairs)
        n_flat = widths[-1] * n_coarse
        self.perceptron: nn.Sequential = nn.Sequential(
            nn.Flatten(),
            nn.LayerNorm(n_flat),
            nn.Linear(n_flat, n_hidden),
            nn.SiLU(),
            nn.Linear(n_hidden, n_flat),
            nn.Unflatten(1, (widths[-1], n_coarse)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, widths[0], n_nodes) of inputs (n, n_inputs, n_nodes)."""
        x, skipped = self.stem(x) + self.place, []
        for block, coarser in zip(self.down[:-1], self.coarser, strict=True):
            skipped.append(block(x))
            x = coarser(skipped[-1])
        x = self.down[-1](x)
        x = x + self.perceptron(x)
        for block, finer in zip(reversed(self.up), reversed(self.finer), strict=True):
            x = block(finer(x) + skipped.pop())
        return x


class _Block(nn.Module):
    """Residual block of two convolutions, initially the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(self.norm(x)))))
