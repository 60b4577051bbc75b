"""Clusters of a cross-plot: density peaks of the directions from its background."""

from __future__ import annotations

import numpy as np

_MOST_POINTS = 1500
_LEAST = 0.1  # of the highest density: what is counted as a cluster
_NEAR = 0.3  # of the range of the clusters, or radians: one and the same cluster


def density_peaks(
    properties,
    weights,
    n_peaks: int,
    *,
    floor: float = 0.25,
    width: float = 0.3,
    quantile: float = 0.9,
    least: float = 0.0,
) -> np.ndarray:
    r"""Directions from zero in which the cells of a model gather, the most prominent first, and how far they go.

    .. math::
        \rho_i = \sum_j w_j e^{-(d_{ij} / d_c)^2}, \qquad \delta_i = \min_{\rho_j > \rho_i} d_{ij}

    with chords between unit vectors as distances, each property in units of its largest value; peaks are where
    :math:`\rho_i \delta_i` is largest. Directions, because a body that is smeared out by an inversion is a ray in the
    cross-plot: its ratios are right and its amplitudes are anything. A peak lies at a quantile of its ray.

    Parameters
    ----------
    properties : (n_properties, n_cells) numpy.ndarray
    weights : (n_cells,) numpy.ndarray
        How much a cell counts.
    n_peaks : int
        At most so many.
    floor : float
        Cells nearer to zero than this part of the largest values are background.
    width : float
        :math:`d_c`, in radians for small angles.
    quantile : float
        Of the cells of a ray, by weight.
    least : float
        Density of a peak, as a part of the highest.

    Returns
    -------
    (n_peaks or fewer, n_properties) numpy.ndarray
    """
    largest = np.abs(properties).max(axis=1)
    scale = np.quantile(np.abs(properties), 0.999, axis=1)
    scale = np.where(scale > 0, scale, np.where(largest > 0, largest, 1.0))
    points = (properties / scale[:, None]).T
    lengths = np.linalg.norm(points, axis=1)
    off = np.flatnonzero(lengths > floor)
    if off.size == 0:
        return np.empty((0, len(properties)))
    off, heavy = _sampled(off, (weights * lengths)[off])
    lengths = lengths[off]
    rays = points[off] / lengths[:, None]
    distances = np.linalg.norm(rays[:, None] - rays[None], axis=2)
    density = np.exp(-np.square(distances / width)) @ heavy
    order = np.argsort(density)[::-1]
    apart = np.full(len(order), 2.0)
    for place, i in enumerate(order[1:], start=1):
        apart[i] = distances[i, order[:place]].min()
    chosen = np.argsort(density * apart)[::-1]
    chosen = chosen[(apart[chosen] > width) & (density[chosen] >= least * density.max())][:n_peaks]
    nearest = distances[:, chosen].argmin(axis=1)
    reach = [_quantile(lengths[nearest == k], heavy[nearest == k], quantile) for k in range(len(chosen))]
    return rays[chosen] * np.array(reach)[:, None] * scale


def _sampled(cells, heavy):
    """At most so many cells and their weights: every so-and-so-much weight one cell, so that no small cluster is lost.

    The heaviest cells would all be of the largest body.
    """
    if len(cells) <= _MOST_POINTS:
        return cells, heavy
    total = np.cumsum(heavy)
    wanted = (np.arange(_MOST_POINTS) + 0.5) * total[-1] / _MOST_POINTS
    places, counts = np.unique(np.searchsorted(total, wanted), return_counts=True)
    return cells[places], counts * total[-1] / _MOST_POINTS


def _quantile(values, weights, q) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, q * total[-1])])


def find_clusters(properties, weights, most: int, fixed=None) -> np.ndarray:
    """Background of a model, the weighted median of each property, and its density peaks, the most prominent first.

    Parameters
    ----------
    properties : (n_properties, n_cells) numpy.ndarray
    weights : (n_cells,) numpy.ndarray
    most : int
        At most so many clusters, the background and the fixed ones among them.
    fixed : (n_fixed, n_properties) numpy.ndarray, optional
        Clusters that are there anyway, and are not found again: in the same direction or at the same place.

    Returns
    -------
    (n_clusters, n_properties) numpy.ndarray
        Without the fixed ones; empty for a model without structure.
    """
    background = np.array([_quantile(p, weights, 0.5) for p in properties])
    off = properties - background[:, None]
    # what is left of a uniform model is round-off
    off = off * (np.ptp(properties, axis=1) > 1e-8 * np.abs(properties).max(axis=1))[:, None]
    peaks = density_peaks(off, weights, most, least=_LEAST)
    if len(peaks) == 0:
        return np.empty((0, len(properties)))
    found = np.vstack([background, background + peaks])
    if fixed is None or len(fixed) == 0:
        return found[:most]
    unit = _unit(np.vstack([found, fixed]))
    known = (np.asarray(fixed) - background) / unit
    steps = (found - background) / unit
    new = [k for k, step in enumerate(steps) if not any(_same(step, other) for other in known)]
    return found[new][: max(most - len(fixed), 0)]


def match_clusters(old, new) -> np.ndarray:
    """For each old cluster its place among the new ones, nearest pairs first, -1 where none is left, (n_old,)."""
    unit = _unit(np.vstack([old, new]))
    distances = np.linalg.norm((old[:, None] - new[None]) / unit, axis=2)
    places = np.full(len(old), -1)
    for _ in range(min(len(old), len(new))):
        i, k = np.unravel_index(distances.argmin(), distances.shape)
        places[i] = k
        distances[i], distances[:, k] = np.inf, np.inf
    return places


def have_moved(old, new, by: float) -> np.ndarray:
    """Whether clusters lie farther apart than a part of the range of all, (n_clusters,) of bool."""
    return np.linalg.norm((old - new) / _unit(np.vstack([old, new])), axis=1) > by


def _unit(clusters) -> np.ndarray:
    extent = np.ptp(clusters, axis=0)
    return np.where(extent > 0.0, extent, 1.0)


def _same(step, other) -> bool:
    lengths = np.linalg.norm(step), np.linalg.norm(other)
    if np.linalg.norm(step - other) < _NEAR or min(lengths) < _NEAR:
        return bool(np.linalg.norm(step - other) < _NEAR)
    return bool(np.linalg.norm(step / lengths[0] - other / lengths[1]) < _NEAR)
