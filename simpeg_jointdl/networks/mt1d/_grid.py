"""Soundings at any frequencies as channels on one grid: what makes a network independent of a frequency list."""

from __future__ import annotations

import math

import torch

from ...kernels import MU_0

Tensor = torch.Tensor

#: Of a grid's channels: resistivity, phase, transform, slope, place of the data, their error, the place itself.
N_CHANNELS = 7
_LEAST_ERROR = 1e-3  # of an impedance: below it, errors no longer weigh
_CENTER_ERROR = 0.02  # the same for the level, which no single datum should set
_ABOVE, _BELOW = 0.3, 2.5  # of the grid's ends, in thicknesses of the first layer and depths of the last
_RIDGE = 0.1  # of the slope, per squared width
_REACH = 2.0  # widths that a slope may carry a value
_PHASES = (0.05, 1.52)  # rad, where the transform is defined
_TRANSFORM = (0.02, 50.0)


def sounding_channels(
    log_frequency: Tensor, log_resistivity: Tensor, phase: Tensor, error: Tensor, nodes: Tensor, depth_scale: float
) -> tuple[Tensor, Tensor]:
    r"""Local fits to every sounding at the nodes of a grid of penetration depths.

    A datum's place is the decimal logarithm of its penetration depth :math:`\sqrt{\rho_a/(\omega\mu_0)}` in units of
    `depth_scale`: what it says of the earth stands about where it says it. Values are in units of c, the weighted
    geometric mean of the sounding's apparent resistivities. So depths times s with frequencies over s², and
    resistivities times a constant with frequencies times the same constant, give the same channels:
    magnetotellurics is invariant so.

    At each node a line is fitted to the data around it, weighted by their errors and by :math:`(1 + d^2/b^2)^{-3}` of
    their distance d, with b the mean spacing of the sounding's data (or the grid's, if that is wider). The kernel
    reaches over gaps; how far the data lie and how good they are is told by channels of their own.

    Parameters
    ----------
    log_frequency, log_resistivity : (n, n_frequencies) torch.Tensor
        Decimal logarithms of Hz and ohm m.
    phase : (n, n_frequencies) torch.Tensor
        In rad.
    error : (n, n_frequencies) torch.Tensor
        Relative standard deviation of the impedance; infinite for data that are missing.
    nodes : (n_nodes,) torch.Tensor
        Ascending and equally spaced.
    depth_scale : float
        In m.

    Returns
    -------
    channels : (n, 7, n_nodes) torch.Tensor
    level : (n, 1) torch.Tensor
        Decimal logarithm of c.
    """
    present = torch.isfinite(error)
    weight = 1.0 / (error.square() + _CENTER_ERROR**2)
    level = (weight * log_resistivity).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    values = log_resistivity - level
    ratio = (0.5 * math.pi / phase.clamp(*_PHASES) - 1.0).clamp(*_TRANSFORM)  # of Niblett and Bostick
    fields = torch.stack((values, phase * (4.0 / math.pi) - 1.0, values + torch.log10(ratio)), dim=-1)

    constant = math.log10(2.0 * math.pi * MU_0) + 2.0 * math.log10(depth_scale)
    place = (0.5 * (log_resistivity - log_frequency - constant)).clamp(float(nodes[0]), float(nodes[-1]))
    step = (nodes[-1] - nodes[0]) / (len(nodes) - 1)
    width = _spacing(place, present).clamp(min=step)

    fit, slope, offset, information = _local_lines(
        place, fields, 1.0 / (error.square() + _LEAST_ERROR**2), nodes, width
    )
    channels = [*fit.unbind(-1), slope[..., 0], 2.0 * offset, -0.25 * torch.log10(information + 1e-12)]
    channels.append(((nodes - nodes.mean()) / 1.5).expand_as(offset))
    return torch.stack(channels, dim=1), level


def _spacing(place: Tensor, present: Tensor) -> Tensor:
    """Mean distance of neighbouring data, (n, 1)."""
    far = torch.full_like(place, 1e6)
    span = torch.where(present, place, -far).amax(1, keepdim=True) - torch.where(present, place, far).amin(
        1, keepdim=True
    )
    return span / (present.sum(1, keepdim=True) - 1).clamp(min=1)


def _local_lines(place, fields, weight, nodes, width):
    """Weighted fits of lines around the nodes: values, slopes, mean offsets of the data, sums of weights."""
    distance = nodes[:, None] - place[:, None, :]  # (n, n_nodes, n_frequencies)
    kernel = weight[:, None, :] / (1.0 + (distance / width[:, :, None]) ** 2) ** 3
    moved = kernel * distance
    columns = torch.cat((torch.ones_like(fields[..., :1]), fields), dim=-1)
    zeroth, first = kernel @ columns, moved @ columns
    total, first_total = zeroth[..., :1], first[..., :1]
    mean, offset = zeroth[..., 1:] / total, first_total / total
    width = width[:, :, None]
    spread = (moved * distance).sum(-1, keepdim=True) - offset * first_total + _RIDGE * total * width**2
    slope = (first[..., 1:] - offset * zeroth[..., 1:]) / spread  # by distance, which grows against the place
    reach = torch.maximum(torch.minimum(offset, _REACH * width), -_REACH * width)
    return mean - slope * reach, slope, offset.squeeze(-1), total.squeeze(-1)


def nodes_and_lifting(thicknesses: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes in decades of the first thickness, and the linear interpolation from them to the layers' middles."""
    bottoms = thicknesses.cumsum(0)
    middles = torch.cat((bottoms - 0.5 * thicknesses, 1.2 * bottoms[-1:])) / thicknesses[0]
    first, last = math.log10(_ABOVE), math.log10(_BELOW * float(bottoms[-1] / thicknesses[0]))
    nodes = torch.linspace(first, last, n_nodes, dtype=torch.float64, device="cpu")
    places = (torch.log10(middles) - first) / (last - first) * (n_nodes - 1)
    numbers = torch.arange(n_nodes, device="cpu")
    lifting = (1.0 - (places[:, None] - numbers).abs()).clamp(min=0.0)
    return nodes.float(), lifting.float()
