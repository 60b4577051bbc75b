"""Shapes of geological bodies as functions of coordinates, one row per sample.

Coordinates are those of `_geology`: x and y from -1 to 1 over the domain, depth from 0 at its top to 1 at its bottom,
along the last axis of a (n_samples, n_points, 3) tensor. Parameters are (n_samples,) tensors, or (n_samples, 3) where
they are vectors. Angles are in radians.
"""

from __future__ import annotations

import torch

Tensor = torch.Tensor


def along_and_across(points: Tensor, center: Tensor, strike: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return coordinates along strike, across strike and down from a centre, each (n_samples, n_points)."""
    shifted = points - center[:, None, :]
    cosine, sine = torch.cos(strike)[:, None], torch.sin(strike)[:, None]
    x, y, depth = shifted.unbind(-1)
    return cosine * x + sine * y, cosine * y - sine * x, depth


def inside_slab(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    r"""Return which points are inside a sheared box: a block, a dipping slab, or a dyke if it is thin.

    :math:`|u| < a`, :math:`|v - h \cot\delta| < b` and :math:`0 < h < H`, with u along strike, v across it, h down
    from the centre of its top face and the dip :math:`\delta`.

    Returns
    -------
    (n_samples, n_points) torch.Tensor of bool
    """
    along, across, down = along_and_across(points, p["center"], p["strike"])
    across = across - down * p["slope"][:, None]
    inside = (along - down * p["plunge"][:, None]).abs() < p["length"][:, None]
    inside &= across.abs() < p["width"][:, None]
    return inside & (down > 0) & (down < p["height"][:, None])


def inside_ellipsoid(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    """Return which points are inside a dipping ellipsoid, (n_samples, n_points) of bool."""
    return _ellipsoidal_radius(points, p) < 1.0


def inside_intrusion(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    r"""Return which points are inside a pluton of irregular outline, with a stem down to the base of the domain.

    It is an ellipsoid :math:`r^2 < 1 + \sum_j a_j \sin(\mathbf k_j \cdot \mathbf x + \varphi_j)`, joined with a
    vertical stem whose radius is a fraction of its own.

    Returns
    -------
    (n_samples, n_points) torch.Tensor of bool
    """
    n_waves = p["waves"].shape[1]
    rough = torch.zeros(points.shape[:-1], dtype=points.dtype, device=points.device).expand(len(p["center"]), -1)
    for j in range(n_waves):
        phase = (points * p["waves"][:, j, None, :]).sum(-1) + p["phases"][:, j, None]
        rough = rough + p["roughness"][:, j, None] * torch.sin(phase)
    body = _ellipsoidal_radius(points, p) < 1.0 + rough
    along, across, down = along_and_across(points, p["center"], p["strike"])
    stem = (along**2 + across**2 < (p["stem"][:, None] * (1.0 + rough)) ** 2) & (down > 0)
    return body | stem


def _ellipsoidal_radius(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    """Return the squared radius of an ellipsoid, which is 1 on its surface."""
    along, across, down = along_and_across(points, p["center"], p["strike"])
    cosine, sine = torch.cos(p["dip"])[:, None], torch.sin(p["dip"])[:, None]
    across, down = cosine * across + sine * down, cosine * down - sine * across
    axes = p["axes"]
    return (along / axes[:, 0, None]) ** 2 + (across / axes[:, 1, None]) ** 2 + (down / axes[:, 2, None]) ** 2


def unfault(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    """Return the positions of the rock at each point before a fault moved its hanging wall.

    Parameters
    ----------
    points : (1 or n_samples, n_points, 3) torch.Tensor
    p : dict
        Parameters of the fault: ``center``, a point of its plane, ``strike``, ``dip``, ``throw`` down the dip and
        ``slip`` along strike.

    Returns
    -------
    (n_samples, n_points, 3) torch.Tensor
    """
    cosine, sine = torch.cos(p["dip"]), torch.sin(p["dip"])
    _, across, down = along_and_across(points, p["center"], p["strike"])
    hanging = (sine[:, None] * across - cosine[:, None] * down) > 0.0
    x, y = torch.cos(p["strike"]), torch.sin(p["strike"])
    step = torch.stack([-y * cosine, x * cosine, sine], dim=-1) * p["throw"][:, None]
    step = step + torch.stack([x, y, torch.zeros_like(x)], dim=-1) * p["slip"][:, None]
    return points - hanging[..., None] * step[:, None, :]


def unfold(points: Tensor, p: dict[str, Tensor]) -> Tensor:
    """Return the stratigraphic depth of each point, without tilt and folds, (n_samples, n_points)."""
    depth = points[..., 2] - (points[..., :2] * p["tilt"][:, None, :]).sum(-1)
    for j in range(p["waves"].shape[1]):
        phase = (points[..., :2] * p["waves"][:, j, None, :]).sum(-1) + p["phases"][:, j, None]
        depth = depth - p["heights"][:, j, None] * torch.sin(phase)
    return depth


def layer_values(depth: Tensor, interfaces: Tensor, values: Tensor) -> Tensor:
    """Return the values of the layers at given depths, for every property.

    Parameters
    ----------
    depth : (n_samples, n_points) torch.Tensor
        Stratigraphic depths.
    interfaces : (n_samples, n_layers - 1) torch.Tensor
        Depths of the interfaces, ascending.
    values : (n_samples, n_properties, n_layers) torch.Tensor
        Values of the layers.

    Returns
    -------
    (n_samples, n_properties, n_points) torch.Tensor
    """
    layer = torch.searchsorted(interfaces, depth.contiguous())
    return torch.gather(values, 2, layer[:, None, :].expand(-1, values.shape[1], -1))
