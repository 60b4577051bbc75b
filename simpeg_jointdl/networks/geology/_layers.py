"""Parts of the geology autoencoder: what it sees of a model, and perceptrons that begin as linear maps."""

from __future__ import annotations

import math

import torch
from torch import nn

Tensor = torch.Tensor

_PATCH = 4
_CHANNELS = 64
_TINY = 1e-6
N_MOMENTS = 11  # per property


class Encoder(nn.Module):
    """Latent means and log-variances of fields of the size of one: convolutions beside moments.

    Where a body is and how it lies is said by its moments in a few numbers, which convolutions would take long to
    learn; what else there is, by the convolutions.

    Parameters
    ----------
    n_properties, n_outputs, width : int
    shape : tuple of 3 int
        Of the grid, multiples of 8.
    points : (n_points, 3) torch.Tensor
        Its cell centres.
    """

    def __init__(self, n_properties: int, shape: tuple[int, int, int], points: Tensor, width: int, n_outputs: int):
        super().__init__()
        channels = 3 * _CHANNELS // 2
        self.convolutions = nn.Sequential(
            nn.Conv3d(n_properties, _CHANNELS, _PATCH, stride=_PATCH),
            nn.SiLU(),
            nn.Conv3d(_CHANNELS, channels, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
        )
        n_features = math.prod(n // (2 * _PATCH) for n in shape) * channels + N_MOMENTS * n_properties
        self.perceptron = Perceptron(n_features, width, n_outputs)
        x, y, depth = points.unbind(1)
        powers = torch.stack(
            [torch.ones_like(x), x, y, depth, x * x, y * y, depth * depth, x * y, x * depth, y * depth]
        )
        self.register_buffer("_powers", powers.T.contiguous() / len(points), persistent=False)

    def forward(self, unit: Tensor) -> Tensor:
        """(n_samples, n_properties, nz, ny, nx) to (n_samples, n_outputs)."""
        return self.perceptron(torch.cat([self.moments(unit), self.convolutions(unit)], dim=1))

    def moments(self, unit: Tensor) -> Tensor:
        """Logarithm of the mean size, share of the sign, mean place, spreads and correlations, of every property.

        Returns
        -------
        (n_samples, 11 n_properties) torch.Tensor
            Zeros for a property that is zero.
        """
        unit = unit.flatten(2)
        mass = unit.abs() @ self._powers  # (n_samples, n_properties, 10)
        size = mass[..., :1]
        signed = unit.mean(-1, keepdim=True)
        place, squares, products = (part / (size + _TINY) for part in mass[..., 1:].split([3, 3, 3], dim=-1))
        spread = torch.sqrt((squares - place**2).clamp(min=_TINY))
        first, second = place[..., [0, 0, 1]], place[..., [1, 2, 2]]
        correlation = (products - first * second) / (spread[..., [0, 0, 1]] * spread[..., [1, 2, 2]])
        features = [0.3 * torch.log(size + _TINY), signed / (size + _TINY), place, spread, correlation]
        return (torch.cat(features, dim=-1) * (size > 0)).flatten(1)


class Perceptron(nn.Module):
    """Two hidden layers beside a linear map, which begins as zero.

    Parameters
    ----------
    n_inputs, width, n_outputs : int
    """

    def __init__(self, n_inputs: int, width: int, n_outputs: int):
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(n_inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, n_outputs)
        )
        self.straight = nn.Linear(n_inputs, n_outputs, bias=False)
        nn.init.zeros_(self.straight.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n_samples, n_inputs) to (n_samples, n_outputs)."""
        return self.hidden(x) + self.straight(x)


def grid_centers(shape) -> Tensor:
    """Cell centres of a grid over the box, (n_points, 3), x fastest: x and y from -1 to 1, depth from 0 to 1."""
    z, y, x = ((torch.arange(n) + 0.5) * (2.0 / n) - 1.0 for n in shape)
    depth, north, east = torch.meshgrid(0.5 * (z + 1.0), y, x, indexing="ij")
    return torch.stack([east, north, depth], dim=-1).reshape(-1, 3)
