"""Synthetic gravity and magnetic grids as they are measured: any field and height, noise, trends, gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from ._inputs import HIGHEST, LOWEST, GravMagGrids
from ._physics import SLAB, convolved, gravity_kernels, magnetic_kernels, prism_spectra

Tensor = torch.Tensor

_N_HEIGHTS = 3
_FLOORS = (3e-3, 3e-4)  # rms in g/cc and SI below which data count as those of nothing


@dataclass(frozen=True)
class GravMagMeasurement:
    """How grids of a training set are measured.

    Attributes
    ----------
    noise : (float, float)
        Standard deviation over the rms of the exact data, log-uniform per grid between these.
    correlated : float
        Part of the grids whose noise is correlated over about three cells.
    trend : float
        Part of the grids with a regional trend: a level, a plane and a wave longer than the grid, together with an
        rms up to that of the data. A network cannot know it and learns to leave it out.
    missing : float
        Part of the samples without gravity, and as many without magnetics.
    masked : float
        Part of the grids with gaps: margins, patches, or scattered cells.
    """

    noise: tuple[float, float] = (0.01, 0.1)
    correlated: float = 0.25
    trend: float = 0.3
    missing: float = 0.08
    masked: float = 0.25


class Flight(NamedTuple):
    """How high data are measured, by a few heights at a time: their spectra cost more than all else of a sample."""

    heights: Tensor  # (n_heights,), in cells
    spectra: Tensor  # of `prism_spectra`
    places: Tensor  # (n, 2), which of them gravity and magnetics of a sample have

    @classmethod
    def draw(cls, n: int, shape, generator: torch.Generator, device: torch.device) -> Flight:
        """Log-uniform heights; every other sample has both grids at the same."""
        low, high = math.log(LOWEST), math.log(HIGHEST)
        unit = torch.rand(_N_HEIGHTS, generator=generator, device=generator.device)
        heights = torch.exp(low + (high - low) * unit).to(device)
        number = torch.arange(n, device=device)
        places = torch.stack((number, number + number // _N_HEIGHTS % 2), dim=1) % _N_HEIGHTS
        return cls(heights, prism_spectra(heights, shape), places)


class Sample(NamedTuple):
    """Models, what was measured over them, and what would have been without noise, trend and gaps."""

    models: Tensor  # (n, 2, nz, ny, nx): density in g/cc, susceptibility in SI
    grids: GravMagGrids
    exact: Tensor  # (n, 2, ny, nx), in the units of the grids
    kernels: tuple[Tensor, Tensor]

    def chi(self, models: Tensor, exact=True) -> Tensor:
        """Mean squared misfits over the noise of what models give, (n, 2): against the exact data, or those told."""
        simulated = simulate(models, self.kernels)
        data = self.exact if exact else torch.stack((self.grids.gravity, self.grids.magnetic), 1)
        noise = torch.stack((self.grids.gravity_noise, self.grids.magnetic_noise), 1)[:, :, None, None]
        masks = torch.stack((self.grids.gravity_mask, self.grids.magnetic_mask), 1)
        squares = ((simulated - data) / noise).square() * masks
        return squares.sum((2, 3)) / masks.sum((2, 3)).clamp(min=1)


def simulate(models: Tensor, kernels: tuple[Tensor, Tensor]) -> Tensor:
    """Exact data (n, 2, ny, nx) in the units of GravMagGrids."""
    gravity = convolved(models[:, 0], kernels[0]) / SLAB
    return torch.stack((gravity, convolved(models[:, 1], kernels[1])), dim=1)


def measure(models: Tensor, flight: Flight, generator: torch.Generator, measurement: GravMagMeasurement) -> Sample:
    """Grids over (n, 2, nz, ny, nx) models in random fields."""
    draw, n = _Draw(generator, models), len(models)
    direction = draw.direction(n)
    gravity, magnetic = (flight.spectra[places] for places in flight.places.unbind(1))
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
    fate = draw.uniform((n,))
    gone = torch.stack((fate < measurement.missing, fate > 1.0 - measurement.missing), 1)
    masks &= ~gone[:, :, None, None]
    values = torch.where(masks, values, 0.0)
    heights = flight.heights[flight.places].unbind(1)
    grids = GravMagGrids(*values.unbind(1), *masks.unbind(1), *noise.unbind(1), direction, *heights)
    return Sample(models, grids, exact, kernels)


class _Draw:
    """Random tensors of a generator, sent to where they are used."""

    def __init__(self, generator: torch.Generator, like: Tensor):
        self._generator, self._like = generator, like

    def uniform(self, shape, low=0.0, high=1.0) -> Tensor:
        unit = torch.rand(shape, generator=self._generator, device=self._generator.device)
        return (low + (high - low) * unit).to(self._like)

    def normal(self, shape) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=self._generator.device).to(self._like)

    def chance(self, shape, probability: float) -> Tensor:
        return self.uniform(shape) < probability

    def direction(self, n: int) -> Tensor:
        """Any inclination and declination, (n, 3)."""
        dip, azimuth = self.uniform((n,), -0.5 * math.pi, 0.5 * math.pi), self.uniform((n,), 0.0, 2.0 * math.pi)
        return torch.stack((dip.cos() * azimuth.sin(), dip.cos() * azimuth.cos(), -dip.sin()), dim=-1)


def _noise(draw: _Draw, shape, correlated: float) -> Tensor:
    """Of variance one; in part of the grids, a mean of neighbours."""
    white = draw.normal(shape)
    smooth = 3.0 * functional.avg_pool2d(functional.pad(white, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return torch.where(draw.chance((*shape[:2], 1, 1), correlated), smooth, white)


def _trend(draw: _Draw, shape) -> Tensor:
    """A level, a plane and a long wave, of rms one."""
    n, k, ny, nx = shape
    y = torch.linspace(-1.0, 1.0, ny).to(draw.uniform((1,)))[:, None]
    x = torch.linspace(-1.0, 1.0, nx).to(y)
    level, east, north, wave = draw.normal((4, n, k, 1, 1))
    azimuth, phase = draw.uniform((2, n, k, 1, 1), 0.0, 2.0 * math.pi)
    number = draw.uniform((n, k, 1, 1), 0.5, 2.0)  # rad over half the grid
    wave = wave * torch.cos(number * (azimuth.cos() * x + azimuth.sin() * y) + phase)
    trend = 0.7 * level + east * x + north * y + wave
    return trend / trend.square().mean((2, 3), keepdim=True).sqrt().clamp(min=0.1)


def _masks(draw: _Draw, shape, masked: float) -> Tensor:
    """Where there are data, of bool: whole grids, and some with margins, patches or scattered cells gone."""
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
