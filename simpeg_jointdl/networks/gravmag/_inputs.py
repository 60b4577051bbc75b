"""Inputs of GravMagUNet: grids with gaps, and the normalized channels that its layers receive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from ._physics import PriorEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator

Tensor = torch.Tensor

N_CONSTANTS = 11
LOWEST, HIGHEST = 0.02, 3.0  # range of the heights above the model in training, in cells
_NO_NOISE = 1e-3  # noise over the rms of the data below which the noise level makes no difference


class GravMagGrids(NamedTuple):
    """Gravity and magnetic grids of n samples, in units without cell size and field strength.

    Values are gz / (h SLAB) in g/cc, where h is the cell size and SLAB the gz of a slab of unit density and thickness,
    and tmi / B0 in SI, where B0 is the field strength. Masked values may be any finite numbers. A missing grid is
    masked everywhere.

    Parameters
    ----------
    gravity : (n, ny, nx) torch.Tensor
        gz / (h SLAB), positive upward.
    magnetic : (n, ny, nx) torch.Tensor
        tmi / B0.
    gravity_mask, magnetic_mask : (n, ny, nx) torch.Tensor of bool
        True where there are data.
    gravity_noise, magnetic_noise : (n,) torch.Tensor
        Standard deviations in the unit of the data.
    direction : (n, 3) torch.Tensor
        Unit vector of the inducing field: easting, northing, upward.
    gravity_height, magnetic_height : (n,) torch.Tensor
        Heights of the data above the model, in cells.
    """

    gravity: Tensor
    magnetic: Tensor
    gravity_mask: Tensor
    magnetic_mask: Tensor
    gravity_noise: Tensor
    magnetic_noise: Tensor
    direction: Tensor
    gravity_height: Tensor
    magnetic_height: Tensor

    def rows(self, size: int) -> Iterator[GravMagGrids]:
        """Yield the grids in batches of at most `size` samples."""
        return (GravMagGrids(*parts) for parts in zip(*(value.split(size) for value in self), strict=True))


class Inputs(NamedTuple):
    """Inputs of the layers, and the scales of their outputs.

    Attributes
    ----------
    planes : (n, 4, ny, nx) torch.Tensor
        Both grids with their gaps filled, and both masks.
    priors : (n, 2, nz, ny, nx) torch.Tensor
        Linear estimates of both properties, of rms 1.
    constants : (n, N_CONSTANTS) torch.Tensor
        Field direction, presence, noise and heights of the grids, and rms of the estimates.
    scales : (n, 2) torch.Tensor
        Scales of density in g/cc and of susceptibility in SI.
    """

    planes: Tensor
    priors: Tensor
    constants: Tensor
    scales: Tensor


def network_inputs(grids: GravMagGrids, prior: PriorEstimate, typical: tuple[float, float]) -> Inputs:
    """Return the inputs of the layers, with each grid divided by its own rms.

    Multiplying a grid by a constant leaves the channels unchanged and multiplies the scale of its property by that
    constant. A missing grid gives zeros and the `typical` scale of its property.
    """
    gravity, gravity_amplitude, has_gravity = _normalized(grids.gravity, grids.gravity_mask)
    magnetic, magnetic_amplitude, has_magnetic = _normalized(grids.magnetic, grids.magnetic_mask)
    noises = torch.stack((grids.gravity_noise / gravity_amplitude, grids.magnetic_noise / magnetic_amplitude), 1)
    present = torch.stack((has_gravity, has_magnetic), 1).to(gravity.dtype)
    heights = torch.stack((grids.gravity_height, grids.magnetic_height), 1)
    noises = noises.clamp(_NO_NOISE, 1.0)
    estimates = torch.stack(
        (
            prior.gravity(gravity, noises[:, 0], grids.gravity_height),
            prior.magnetic(magnetic, noises[:, 1], grids.magnetic_height, grids.direction),
        ),
        dim=1,
    )
    rms = estimates.square().mean((2, 3, 4)).sqrt()
    is_there = (present > 0) & (rms > 0)
    rms = torch.where(is_there, rms, 1.0)
    amplitudes = torch.stack((gravity_amplitude, magnetic_amplitude), 1)
    scales = torch.where(is_there, amplitudes * rms, torch.tensor(typical).to(rms))
    masks = torch.stack((grids.gravity_mask, grids.magnetic_mask), 1).to(gravity.dtype)
    planes = torch.cat((torch.stack((gravity, magnetic), 1), masks), dim=1)
    constants = torch.cat(
        (
            grids.direction * present[:, 1:],
            present,
            (noises.log10() + 1.5) * present,
            torch.log10(heights) * present,
            torch.log10(rms) * present,
        ),
        dim=1,
    )
    return Inputs(planes, estimates / rms[:, :, None, None, None], constants, scales)


def _normalized(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the values over their rms with gaps filled, the rms, and whether there are any values other than 0."""
    weight = mask.to(values.dtype)
    count = weight.sum((1, 2))
    squares = (values * weight).square().sum((1, 2)) / count.clamp(min=1)
    is_there = (count > 0) & (squares > 0)
    amplitude = torch.where(is_there, squares, 1.0).sqrt()
    filled = fill_gaps(values / amplitude[:, None, None], weight)
    return filled * is_there[:, None, None], amplitude, is_there


def fill_gaps(values: Tensor, weight: Tensor) -> Tensor:
    """Fill values (n, ny, nx) of zero weight smoothly from averages over 2, 4, 8 ... cells; ny, nx are powers of 2."""
    values, weight = values[:, None], weight[:, None]
    levels, total = [(values, weight)], values * weight
    while min(total.shape[-2:]) > 1:
        total, weight = functional.avg_pool2d(total, 2), functional.avg_pool2d(weight, 2)
        levels.append((total / torch.where(weight > 0, weight, 1.0), weight))
    filled = levels.pop()[0]
    for values, weight in reversed(levels):
        filled = functional.interpolate(filled, size=values.shape[-2:], mode="bilinear", align_corners=False)
        filled = torch.where(weight > 0, values, filled)
    return filled[:, 0]
