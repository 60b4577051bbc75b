"""Synthetic gravity and magnetic measurements: any field and height, with noise, trends and gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from ._inputs import HIGHEST, LOWEST, GravMagGrids
from ._physics import SLAB, convolved, gravity_kernels, magnetic_kernels, prism_spectra

Tensor = torch.Tensor

_N_HEIGHTS = 3  # number of different heights in a batch
_FLOORS = (3e-3, 3e-4)  # rms of the data in g/cc and SI below which the noise no longer decreases


@dataclass(frozen=True)
class GravMagMeasurement:
    """Noise, trends and gaps of the grids of a training set.

    Attributes
    ----------
    noise : (float, float)
        Range of the standard deviation over the rms of the exact data, log-uniform per grid.
    correlated : float
        Fraction of the grids whose noise is correlated over about three cells.
    trend : float
        Fraction of the grids with a regional trend: the sum of a constant, a plane and a wave longer than the grid,
        with an rms up to that of the data. The network learns to ignore it.
    missing : float
        Fraction of the samples without gravity data, and also of those without magnetic data.
    masked : float
        Fraction of the grids with gaps: margins, patches or scattered cells.
    """

    noise: tuple[float, float] = (0.01, 0.1)
    correlated: float = 0.25
    trend: float = 0.3
    missing: float = 0.08
    masked: float = 0.25


class SampleHeights(NamedTuple):
    """Heights of the data of a batch, with only a few different ones, since their spectra are expensive.

    Attributes
    ----------
    heights : (n_heights,) torch.Tensor
        Heights in cells.
    spectra : (n_heights, 6, nz, 2 ny, nx + 1) torch.Tensor
        Spectra from `prism_spectra`.
    indices : (n, 2) torch.Tensor
        Index of the height of the gravity and of the magnetic data of each sample.
    """

    heights: Tensor
    spectra: Tensor
    indices: Tensor

    @classmethod
    def draw(
        cls, n: int, shape: tuple[int, int, int], generator: torch.Generator, device: torch.device
    ) -> SampleHeights:
        """Draw log-uniform heights; in half of the samples both grids have the same height."""
        low, high = math.log(LOWEST), math.log(HIGHEST)
        unit = torch.rand(_N_HEIGHTS, generator=generator, device=generator.device)
        heights = torch.exp(low + (high - low) * unit).to(device)
        number = torch.arange(n, device=device)
        indices = torch.stack((number, number + number // _N_HEIGHTS % 2), dim=1) % _N_HEIGHTS
        return cls(heights, prism_spectra(heights, shape), indices)


class Sample(NamedTuple):
    """Models of a batch with their measured and exact data.

    Attributes
    ----------
    models : (n, 2, nz, ny, nx) torch.Tensor
        Density in g/cc and susceptibility in SI.
    grids : GravMagGrids
        Measured data, with noise, trends and gaps.
    exact : (n, 2, ny, nx) torch.Tensor
        Exact data in the units of the grids.
    kernels : tuple of torch.Tensor
        Kernels of gravity and of magnetics, for `simulate`.
    """

    models: Tensor
    grids: GravMagGrids
    exact: Tensor
    kernels: tuple[Tensor, Tensor]

    def chi(self, models: Tensor, exact: bool = True) -> Tensor:
        """Return the mean squared misfit over the variance of the noise, (n, 2), to the exact or the measured data."""
        simulated = simulate(models, self.kernels)
        data = self.exact if exact else torch.stack((self.grids.gravity, self.grids.magnetic), 1)
        noise = torch.stack((self.grids.gravity_noise, self.grids.magnetic_noise), 1)[:, :, None, None]
        masks = torch.stack((self.grids.gravity_mask, self.grids.magnetic_mask), 1)
        squares = ((simulated - data) / noise).square() * masks
        return squares.sum((2, 3)) / masks.sum((2, 3)).clamp(min=1)


def simulate(models: Tensor, kernels: tuple[Tensor, Tensor]) -> Tensor:
    """Return the exact data of models, (n, 2, ny, nx), in the units of GravMagGrids."""
    gravity = convolved(models[:, 0], kernels[0]) / SLAB
    return torch.stack((gravity, convolved(models[:, 1], kernels[1])), dim=1)


def measure(
    models: Tensor, heights: SampleHeights, generator: torch.Generator, measurement: GravMagMeasurement
) -> Sample:
    """Return measured grids of models (n, 2, nz, ny, nx) in inducing fields of random direction."""
    draw, n = _Draw(generator, models), len(models)
    direction = draw.direction(n)
    gravity, magnetic = (heights.spectra[indices] for indices in heights.indices.unbind(1))
    kernels = (gravity_kernels(gravity), magnetic_kernels(magnetic, direction))
    exact = simulate(models, kernels)
    floors = torch.tensor(_FLOORS).to(exact)
    rms = (exact.square().mean((2, 3)) + floors.square()).sqrt()
    low, high = (math.log(value) for value in measurement.noise)
    noise = rms * torch.exp(draw.uniform((n, 2), low, high))
    values = exact + noise[:, :, None, None] * _noise(draw, exact.shape, measurement.correlated)
    level = rms * draw.uniform((n, 2)) * draw.chance((n, 2), measurement.trend)
    values = values + level[:, :, None, None] * _trend(draw, exact.shape)
    masks = _masks(draw, exact.shape, measurement.masked)
    chance = draw.uniform((n,))
    is_missing = torch.stack((chance < measurement.missing, chance > 1.0 - measurement.missing), 1)
    masks &= ~is_missing[:, :, None, None]
    values = torch.where(masks, values, 0.0)
    own_heights = heights.heights[heights.indices].unbind(1)
    grids = GravMagGrids(*values.unbind(1), *masks.unbind(1), *noise.unbind(1), direction, *own_heights)
    return Sample(models, grids, exact, kernels)


class _Draw:
    """Random tensors from a generator, on the device and in the type of another tensor."""

    def __init__(self, generator: torch.Generator, like: Tensor):
        self._generator, self._like = generator, like

    def uniform(self, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Tensor:
        unit = torch.rand(shape, generator=self._generator, device=self._generator.device)
        return (low + (high - low) * unit).to(self._like)

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=self._generator.device).to(self._like)

    def chance(self, shape: Sequence[int], probability: float) -> Tensor:
        return self.uniform(shape) < probability

    def direction(self, n: int) -> Tensor:
        """Return unit vectors of any inclination and declination, (n, 3)."""
        dip, azimuth = self.uniform((n,), -0.5 * math.pi, 0.5 * math.pi), self.uniform((n,), 0.0, 2.0 * math.pi)
        return torch.stack((dip.cos() * azimuth.sin(), dip.cos() * azimuth.cos(), -dip.sin()), dim=-1)


def _noise(draw: _Draw, shape: Sequence[int], correlated: float) -> Tensor:
    """Return noise of unit variance, which is a moving average in a fraction of the grids."""
    white = draw.normal(shape)
    smooth = 3.0 * functional.avg_pool2d(functional.pad(white, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return torch.where(draw.chance((*shape[:2], 1, 1), correlated), smooth, white)


def _trend(draw: _Draw, shape: Sequence[int]) -> Tensor:
    """Return the sum of a constant, a plane and a long wave, of rms 1."""
    n, k, ny, nx = shape
    y = torch.linspace(-1.0, 1.0, ny).to(draw.uniform((1,)))[:, None]
    x = torch.linspace(-1.0, 1.0, nx).to(y)
    level, east, north, wave = draw.normal((4, n, k, 1, 1))
    azimuth, phase = draw.uniform((2, n, k, 1, 1), 0.0, 2.0 * math.pi)
    wavenumber = draw.uniform((n, k, 1, 1), 0.5, 2.0)  # rad per half width of the grid
    wave = wave * torch.cos(wavenumber * (azimuth.cos() * x + azimuth.sin() * y) + phase)
    trend = 0.7 * level + east * x + north * y + wave
    return trend / trend.square().mean((2, 3), keepdim=True).sqrt().clamp(min=0.1)


def _masks(draw: _Draw, shape: Sequence[int], masked: float) -> Tensor:
    """Return where there are data; in a fraction of the grids margins, patches or scattered cells are missing."""
    n, k, ny, nx = shape
    kind = torch.floor(draw.uniform((n, k, 1, 1), 0.0, 3.0))
    row, column = torch.arange(ny)[:, None], torch.arange(nx)
    sides = torch.floor(draw.uniform((4, n, k, 1, 1), 0.0, 0.3 * min(ny, nx)))
    row, column = row.to(sides), column.to(sides)
    inside = (row >= sides[0]) & (row < ny - sides[1]) & (column >= sides[2]) & (column < nx - sides[3])
    rough = draw.uniform(shape)
    smooth = functional.interpolate(draw.uniform((n, k, ny // 4, nx // 4)), size=(ny, nx), mode="bilinear")
    patches, scattered = smooth > draw.uniform((n, k, 1, 1), 0.1, 0.4), rough > draw.uniform((n, k, 1, 1), 0.0, 0.6)
    kept = torch.where(kind == 0, inside, torch.where(kind == 1, patches, scattered))
    return kept | ~draw.chance((n, k, 1, 1), masked)
