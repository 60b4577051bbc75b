"""Layers of the geology autoencoder: the encoder, and a perceptron with a linear map beside it."""

from __future__ import annotations

import math

import torch
from torch import nn

Tensor = torch.Tensor

_PATCH = 4  # cells per side of the first convolution
_CHANNELS = 64
_TINY = 1e-6  # smallest size and squared spread
N_MOMENTS = 11  # number of moments per property


class Encoder(nn.Module):
    """Encoder of normalized models: a perceptron whose inputs are convolutional features and moments.

    Moments describe the position and orientation of bodies by a few numbers, which convolutions learn only slowly; the
    convolutions describe the rest.

    Parameters
    ----------
    n_properties : int
        Number of properties.
    shape : tuple of 3 int
        Shape of the grid, multiples of 8.
    points : (n_points, 3) torch.Tensor
        Cell centres of the grid.
    width : int
        Width of the hidden layers of the perceptron.
    n_outputs : int
        Number of outputs.
    """

    def __init__(self, n_properties: int, shape: tuple[int, int, int], points: Tensor, width: int, n_outputs: int):
        super().__init__()
        channels = 3 * _CHANNELS // 2
        self.convolutions: nn.Sequential = nn.Sequential(
            nn.Conv3d(n_properties, _CHANNELS, _PATCH, stride=_PATCH),
            nn.SiLU(),
            nn.Conv3d(_CHANNELS, channels, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
        )
        n_features = math.prod(n // (2 * _PATCH) for n in shape) * channels + N_MOMENTS * n_properties
        self.perceptron: Perceptron = Perceptron(n_features, width, n_outputs)
        x, y, depth = points.unbind(1)
        powers = torch.stack(
            [torch.ones_like(x), x, y, depth, x * x, y * y, depth * depth, x * y, x * depth, y * depth]
        )
        self.register_buffer("_powers", powers.T.contiguous() / len(points), persistent=False)

    def forward(self, unit: Tensor) -> Tensor:
        """Return outputs (n_samples, n_outputs) of models (n_samples, n_properties, nz, ny, nx)."""
        return self.perceptron(torch.cat([self.moments(unit), self.convolutions(unit)], dim=1))

    def moments(self, unit: Tensor) -> Tensor:
        """Return the moments of every property.

        Parameters
        ----------
        unit : (n_samples, n_properties, nz, ny, nx) torch.Tensor
            Normalized models.

        Returns
        -------
        (n_samples, 11 n_properties) torch.Tensor
            Logarithm of the mean absolute value, mean over mean absolute value, mean position, spreads and
            correlations; zeros for a property that is zero everywhere.
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
    """Perceptron with two hidden layers, to which a linear map is added that is initially zero.

    Parameters
    ----------
    n_inputs : int
        Number of inputs.
    width : int
        Width of the hidden layers.
    n_outputs : int
        Number of outputs.
    """

    def __init__(self, n_inputs: int, width: int, n_outputs: int):
        super().__init__()
        self.hidden: nn.Sequential = nn.Sequential(
            nn.Linear(n_inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, n_outputs)
        )
        self.straight: nn.Linear = nn.Linear(n_inputs, n_outputs, bias=False)
        nn.init.zeros_(self.straight.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs (n_samples, n_outputs) of inputs (n_samples, n_inputs)."""
        return self.hidden(x) + self.straight(x)


def grid_centers(shape: tuple[int, ...]) -> Tensor:
    """Return cell centres of a grid over the box, (n_points, 3), x fastest; x and y in [-1, 1], depth in [0, 1]."""
    z, y, x = ((torch.arange(n) + 0.5) * (2.0 / n) - 1.0 for n in shape)
    depth, north, east = torch.meshgrid(0.5 * (z + 1.0), y, x, indexing="ij")
    return torch.stack([east, north, depth], dim=-1).reshape(-1, 3)
