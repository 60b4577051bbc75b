"""Clusters of a cross-plot: density peaks among the directions from its background."""

from __future__ import annotations

import numpy as np

_MOST_POINTS = 1500  # points whose distances to each other are computed
_LEAST = 0.1  # least density of a cluster, as a fraction of the highest
_NEAR = 0.3  # clusters nearer than this are the same: a fraction of the range of all clusters, or radians


def density_peaks(
    properties: np.ndarray,
    weights: np.ndarray,
    n_peaks: int,
    *,
    floor: float = 0.25,
    width: float = 0.3,
    quantile: float = 0.9,
    least: float = 0.0,
) -> np.ndarray:
    r"""Find the directions from zero along which the cells of a model cluster in a cross-plot.

    Clustering by density peaks [1]_ uses the density :math:`\rho_i` at a cell and its distance :math:`\delta_i` to the
    nearest cell of higher density,

    .. math::
        \rho_i = \sum_j w_j e^{-(d_{ij} / d_c)^2}, \qquad \delta_i = \min_{\rho_j > \rho_i} d_{ij}.

    Peaks are where :math:`\rho_i \delta_i` is largest. Distances are chords between unit vectors, with each property in
    units of its largest value. Directions are used because a body that an inversion has smeared out is a ray in the
    cross-plot: the ratios of its properties are right, but its amplitudes are not. A peak lies at a quantile of its
    ray.

    Parameters
    ----------
    properties : (n_properties, n_cells) numpy.ndarray
        Properties of the cells, relative to those of the background.
    weights : (n_cells,) numpy.ndarray
        Weight of each cell, such as its volume.
    n_peaks : int
        Largest number of peaks.
    floor : float
        Cells nearer to zero than this fraction of the largest values belong to the background.
    width : float
        :math:`d_c`, which is in radians for small angles.
    quantile : float
        Quantile, by weight, of the cells of a ray.
    least : float
        Least density of a peak, as a fraction of the highest one.

    Returns
    -------
    (n_peaks or fewer, n_properties) numpy.ndarray
        Properties of the peaks, the most prominent first.

    References
    ----------
    .. [1] Rodriguez, A. and Laio, A. (2014). Clustering by fast search and find of density peaks. Science, 344,
       1492-1496. https://doi.org/10.1126/science.1242072
    """
    scale = _scales(properties)
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
    apart = _distance_to_higher(distances, density)
    chosen = np.argsort(density * apart)[::-1]
    chosen = chosen[(apart[chosen] > width) & (density[chosen] >= least * density.max())][:n_peaks]
    nearest = distances[:, chosen].argmin(axis=1)
    reach = [_quantile(lengths[nearest == k], heavy[nearest == k], quantile) for k in range(len(chosen))]
    return rays[chosen] * np.array(reach)[:, None] * scale


def _scales(properties: np.ndarray) -> np.ndarray:
    """Largest value of each property, (n_properties,), up to a few outliers; 1 for a property of zeros."""
    largest = np.abs(properties).max(axis=1)
    scale = np.quantile(np.abs(properties), 0.999, axis=1)
    return np.where(scale > 0, scale, np.where(largest > 0, largest, 1.0))


def _distance_to_higher(distances: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest one of higher density, (n,); 2, the diameter, for the highest."""
    order = np.argsort(density)[::-1]
    apart = np.full(len(order), 2.0)
    for place, i in enumerate(order[1:], start=1):
        apart[i] = distances[i, order[:place]].min()
    return apart


def _sampled(cells: np.ndarray, heavy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sample cells at equal steps of their cumulated weight, with the weight that each stands for.

    The heaviest cells would all belong to the largest body, and small clusters would be lost.
    """
    if len(cells) <= _MOST_POINTS:
        return cells, heavy
    total = np.cumsum(heavy)
    wanted = (np.arange(_MOST_POINTS) + 0.5) * total[-1] / _MOST_POINTS
    places, counts = np.unique(np.searchsorted(total, wanted), return_counts=True)
    return cells[places], counts * total[-1] / _MOST_POINTS


def _quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    """Weighted quantile."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, q * total[-1])])


def find_clusters(
    properties: np.ndarray, weights: np.ndarray, most: int, fixed: np.ndarray | None = None
) -> np.ndarray:
    """Find the clusters of a model: its background and the density peaks around it.

    The background is the weighted median of each property; see :func:`density_peaks` for the others.

    Parameters
    ----------
    properties : (n_properties, n_cells) numpy.ndarray
        Properties of the cells.
    weights : (n_cells,) numpy.ndarray
        Weight of each cell, such as its volume.
    most : int
        Largest number of clusters, including the background and the fixed clusters.
    fixed : (n_fixed, n_properties) numpy.ndarray, optional
        Known clusters. A cluster at the same place or in the same direction is not returned again.

    Returns
    -------
    (n_clusters, n_properties) numpy.ndarray
        New clusters, the background first, then the most prominent; empty for a model without structure.
    """
    background = np.array([_quantile(p, weights, 0.5) for p in properties])
    off = properties - background[:, None]
    # a uniform property differs from its median by round-off only
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


def match_clusters(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Match old clusters with new ones, the nearest pairs first.

    Parameters
    ----------
    old, new : (n_old, n_properties), (n_new, n_properties) numpy.ndarray
        Properties of the clusters.

    Returns
    -------
    (n_old,) numpy.ndarray of int
        Index of the new cluster that matches each old one, -1 where none is left.
    """
    unit = _unit(np.vstack([old, new]))
    distances = np.linalg.norm((old[:, None] - new[None]) / unit, axis=2)
    places = np.full(len(old), -1)
    for _ in range(min(len(old), len(new))):
        i, k = np.unravel_index(distances.argmin(), distances.shape)
        places[i] = k
        distances[i], distances[:, k] = np.inf, np.inf
    return places


def have_moved(old: np.ndarray, new: np.ndarray, by: float) -> np.ndarray:
    """Find the matched clusters that have moved farther than a distance.

    Parameters
    ----------
    old, new : (n_clusters, n_properties) numpy.ndarray
        Properties of the clusters before and after.
    by : float
        Distance, as a fraction of the range of all clusters.

    Returns
    -------
    (n_clusters,) numpy.ndarray of bool
        True where a cluster has moved farther.
    """
    return np.linalg.norm((old - new) / _unit(np.vstack([old, new])), axis=1) > by


def _unit(clusters: np.ndarray) -> np.ndarray:
    """Range of each property over all clusters, (n_properties,), 1 where it is zero."""
    extent = np.ptp(clusters, axis=0)
    return np.where(extent > 0.0, extent, 1.0)


def _same(step: np.ndarray, other: np.ndarray) -> bool:
    """Whether two clusters, relative to the background, are at the same place or in the same direction."""
    lengths = np.linalg.norm(step), np.linalg.norm(other)
    if np.linalg.norm(step - other) < _NEAR or min(lengths) < _NEAR:
        return bool(np.linalg.norm(step - other) < _NEAR)
    return bool(np.linalg.norm(step / lengths[0] - other / lengths[1]) < _NEAR)
