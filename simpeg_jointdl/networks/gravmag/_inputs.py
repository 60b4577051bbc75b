"""What GravMagUNet is told: grids with gaps, of any size and unit, as channels of the size of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from ._physics import PriorEstimate

if TYPE_CHECKING:
    from collections.abc import Iterator

Tensor = torch.Tensor

N_CONSTANTS = 11
LOWEST, HIGHEST = 0.02, 3.0  # cells: of data above the model in the training
_NO_NOISE = 1e-3  # of the data's rms; below it, noise makes no difference


class GravMagGrids(NamedTuple):
    """Tensors of n samples on the network's grid, in units that know neither cell size nor field strength.

    Values are gz / (h SLAB), with h the cell size and SLAB the gz of a slab, so in g/cc, and tmi / B0, in SI. What is
    masked may hold anything finite; a grid that is missing is masked everywhere.
    """

    gravity: Tensor  # (n, ny, nx), upward positive
    magnetic: Tensor  # (n, ny, nx)
    gravity_mask: Tensor  # (n, ny, nx) of bool, where there are data
    magnetic_mask: Tensor
    gravity_noise: Tensor  # (n,), standard deviation in the unit of the data
    magnetic_noise: Tensor
    direction: Tensor  # (n, 3), of the field: easting, northing, upward
    gravity_height: Tensor  # (n,), above the model, in cells
    magnetic_height: Tensor

    def rows(self, size: int) -> Iterator[GravMagGrids]:
        """The same in pieces of at most `size` samples."""
        return (GravMagGrids(*parts) for parts in zip(*(value.split(size) for value in self), strict=True))


class Inputs(NamedTuple):
    """What the layers see, and the units of what they give."""

    planes: Tensor  # (n, 4, ny, nx): both grids, filled, and both masks
    priors: Tensor  # (n, 2, nz, ny, nx): estimates in closed form, of rms 1
    constants: Tensor  # (n, N_CONSTANTS)
    scales: Tensor  # (n, 2): of density and susceptibility


def network_inputs(grids: GravMagGrids, prior: PriorEstimate, typical: tuple[float, float]) -> Inputs:
    """Channels in units of each grid's own rms.

    Values times a constant give the same channels, and scales times that constant. A grid that is missing gives zeros,
    and the `typical` scale of its property.
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
    """Values over their rms where there are any, gaps filled; the rms; and whether there are any."""
    weight = mask.to(values.dtype)
    count = weight.sum((1, 2))
    squares = (values * weight).square().sum((1, 2)) / count.clamp(min=1)
    is_there = (count > 0) & (squares > 0)
    amplitude = torch.where(is_there, squares, 1.0).sqrt()
    filled = fill_gaps(values / amplitude[:, None, None], weight)
    return filled * is_there[:, None, None], amplitude, is_there


def fill_gaps(values: Tensor, weight: Tensor) -> Tensor:
    """Smooth continuation over what has no weight, by ever coarser means; (n, ny, nx), sides powers of two."""
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
