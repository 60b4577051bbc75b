"""Soundings at any frequencies as channels on one grid, so that a network needs no fixed list of frequencies."""

from __future__ import annotations

import math

import torch

from ...kernels import MU_0

Tensor = torch.Tensor

#: Number of channels: resistivity, phase, Niblett-Bostick transform, slope, offset of the data, their error, position.
N_CHANNELS = 7
_LEAST_ERROR = 1e-3  # relative error of the impedance below which the weight of a datum no longer grows
_CENTER_ERROR = 0.02  # the same for the mean level, so that no single datum determines it
_ABOVE, _BELOW = 0.3, 2.5  # ends of the grid, in thicknesses of the first layer and in depths of the last interface
_RIDGE = 0.1  # regularization of the slope, per squared width
_REACH = 2.0  # largest distance in widths over which a slope extrapolates
_PHASES = (0.05, 1.52)  # range of phases in rad in which the transform is defined
_TRANSFORM = (0.02, 50.0)  # range of the factor of the transform


def sounding_channels(
    log_frequency: Tensor, log_resistivity: Tensor, phase: Tensor, error: Tensor, nodes: Tensor, depth_scale: float
) -> tuple[Tensor, Tensor]:
    r"""Fit lines to every sounding at the nodes of a grid of penetration depths.

    The position of a datum is the decimal logarithm of its penetration depth :math:`\sqrt{\rho_a/(\omega\mu_0)}` in
    units of `depth_scale`, which is about the depth that the datum is sensitive to. Resistivities are divided by c, the
    weighted geometric mean of the apparent resistivities of the sounding. The channels have the invariances of
    magnetotellurics: they do not change if depths are multiplied by s and frequencies divided by s², or if
    resistivities and frequencies are multiplied by the same constant.

    At each node a line is fitted to the data around it, weighted by their errors and by :math:`(1 + d^2/b^2)^{-3}`,
    where d is the distance of a datum, and b the mean spacing of the data of the sounding, or that of the grid if it is
    larger. The kernel bridges gaps; separate channels hold the offset of the data from the node and their error.

    Parameters
    ----------
    log_frequency, log_resistivity : (n, n_frequencies) torch.Tensor
        Decimal logarithms of frequency in Hz and of apparent resistivity in ohm m.
    phase : (n, n_frequencies) torch.Tensor
        Phase in rad.
    error : (n, n_frequencies) torch.Tensor
        Relative standard deviation of the impedance, infinite for missing data.
    nodes : (n_nodes,) torch.Tensor
        Positions of the nodes, ascending and equally spaced.
    depth_scale : float
        Unit of depth in m.

    Returns
    -------
    channels : (n, 7, n_nodes) torch.Tensor
        Values at the nodes.
    level : (n, 1) torch.Tensor
        Decimal logarithm of c.
    """
    present = torch.isfinite(error)
    weight = 1.0 / (error.square() + _CENTER_ERROR**2)
    level = (weight * log_resistivity).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    values = log_resistivity - level
    ratio = (0.5 * math.pi / phase.clamp(*_PHASES) - 1.0).clamp(*_TRANSFORM)  # Niblett-Bostick
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
    """Return the mean spacing of the data of each sounding, (n, 1)."""
    far = torch.full_like(place, 1e6)
    span = torch.where(present, place, -far).amax(1, keepdim=True) - torch.where(present, place, far).amin(
        1, keepdim=True
    )
    return span / (present.sum(1, keepdim=True) - 1).clamp(min=1)


def _local_lines(
    place: Tensor, fields: Tensor, weight: Tensor, nodes: Tensor, width: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit weighted lines around the nodes; return values, slopes, mean offsets of the data and sums of weights."""
    distance = nodes[:, None] - place[:, None, :]  # (n, n_nodes, n_frequencies)
    kernel = weight[:, None, :] / (1.0 + (distance / width[:, :, None]) ** 2) ** 3
    moved = kernel * distance
    columns = torch.cat((torch.ones_like(fields[..., :1]), fields), dim=-1)
    zeroth, first = kernel @ columns, moved @ columns
    total, first_total = zeroth[..., :1], first[..., :1]
    mean, offset = zeroth[..., 1:] / total, first_total / total
    width = width[:, :, None]
    spread = (moved * distance).sum(-1, keepdim=True) - offset * first_total + _RIDGE * total * width**2
    slope = (first[..., 1:] - offset * zeroth[..., 1:]) / spread  # per distance, which decreases with the position
    reach = torch.maximum(torch.minimum(offset, _REACH * width), -_REACH * width)
    return mean - slope * reach, slope, offset.squeeze(-1), total.squeeze(-1)


def nodes_and_lifting(thicknesses: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    """Return the nodes in decades of the first thickness, and linear interpolation from them to the layer centres."""
    bottoms = thicknesses.cumsum(0)
    middles = torch.cat((bottoms - 0.5 * thicknesses, 1.2 * bottoms[-1:])) / thicknesses[0]
    first, last = math.log10(_ABOVE), math.log10(_BELOW * float(bottoms[-1] / thicknesses[0]))
    nodes = torch.linspace(first, last, n_nodes, dtype=torch.float64, device="cpu")
    places = (torch.log10(middles) - first) / (last - first) * (n_nodes - 1)
    numbers = torch.arange(n_nodes, device="cpu")
    lifting = (1.0 - (places[:, None] - numbers).abs()).clamp(min=0.0)
    return nodes.float(), lifting.float()
