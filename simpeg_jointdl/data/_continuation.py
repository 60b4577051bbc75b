"""Upward continuation of a potential field on a nearly regular grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._core import validation as check

_MEND = "Interpolate the data to a regular grid first."


def upward_continue(locations: ArrayLike, values: ArrayLike, height: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the field at a given height above a level grid of stations.

    Upward continuation multiplies each wavenumber :math:`k` of a potential field by :math:`e^{-|k| h}` [1]_. The
    least-squares plane, which upward continuation does not change, is subtracted first. The grid is then extended by
    mirror images (a cosine transform).

    Parameters
    ----------
    locations : (n, 3) array_like
        Stations of a complete grid in m, in any order, at one elevation. Rows and columns may be rotated, and may be
        curved by up to half a cell, as a longitude-latitude grid is after projection.
    values : (n,) array_like
        Field component in any unit.
    height : float
        Height of the continuation in m, zero or more.

    Returns
    -------
    locations : (n, 3) numpy.ndarray
        The stations, raised by `height`.
    values : (n,) numpy.ndarray
        The field there.

    Raises
    ------
    TypeError
        If arguments are not numbers.
    ValueError
        If shapes do not fit, entries are not finite, the height is negative, or there are fewer than 9 stations; and if
        the stations do not fill a regular grid: with gaps, more than half a cell off the grid, spacings that differ by
        a factor of two or more, or elevations that span more than a tenth of the spacing.

    Notes
    -----
    Within a distance of about `height` from the edge of the grid the values depend on the mirror images. Continue the
    whole grid first, and crop it afterwards.

    References
    ----------
    .. [1] Blakely, R. J. (1995). Potential Theory in Gravity and Magnetic Applications, section 12.1.
       https://doi.org/10.1017/CBO9780511549816
    """
    locations = check.finite_array("upward_continue.locations", locations, (None, 3))
    values = check.finite_array("upward_continue.values", values, (len(locations),))
    height = check.number("upward_continue.height", height, least=0.0)
    index, shape, spacing = _regular_grid(locations)
    higher = locations + np.array([0.0, 0.0, height])
    if height == 0.0:
        return higher, values.copy()
    basis = np.column_stack([np.ones(len(values)), index / shape])
    plane = basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
    grid = np.zeros(shape)
    grid[tuple(index.T)] = values - plane

    from scipy.fft import dctn, idctn

    grid = idctn(dctn(grid, type=2) * np.exp(-_wavenumbers(shape, spacing) * height), type=2)
    return higher, grid[tuple(index.T)] + plane


def white_noise_factor(shape: tuple[int, int], spacing: tuple[float, float], height: float) -> float:
    r"""Return the factor by which upward continuation reduces white noise on a grid.

    It is the root mean square of :math:`e^{-|k| h}` over the wavenumbers of the grid. For :math:`h` above about one
    cell it is approximately :math:`\sqrt{\Delta x \Delta y / 8 \pi} / h`.

    Parameters
    ----------
    shape : tuple of 2 int
        Numbers of rows and columns.
    spacing : tuple of 2 float
        Spacings of the grid in m.
    height : float
        Height of the continuation in m.

    Returns
    -------
    float
        Standard deviation of the noise after the continuation, divided by that before it.
    """
    return float(np.sqrt(np.mean(np.exp(-2.0 * _wavenumbers(shape, spacing) * height))))


def _wavenumbers(shape, spacing) -> np.ndarray:
    """Return the wavenumbers (rad/m) of the cosine transform, in the shape of the grid."""
    kx, ky = (np.pi * np.arange(n) / (n * step) for n, step in zip(shape, spacing, strict=True))
    return np.hypot(kx[:, None], ky[None, :])


def _regular_grid(locations: np.ndarray) -> tuple[np.ndarray, tuple[int, int], tuple[float, float]]:
    """Return column and row of every station, the shape of the grid, and its mean spacing in m."""
    if len(locations) < 9:
        msg = f"upward_continue: got {len(locations)} stations, wanted 9 or more, on a grid. {_MEND}"
        raise ValueError(msg)
    index = _grid_index(locations[:, :2])
    shape = tuple(int(n) for n in index.max(axis=0) + 1)
    if np.prod(shape) != len(index) or len(np.unique(index, axis=0)) != len(index):
        msg = f"upward_continue: {len(index)} stations do not fill a grid of {shape[0]} x {shape[1]}. {_MEND}"
        raise ValueError(msg)
    basis = np.column_stack([np.ones(len(index)), index])
    axes = np.linalg.lstsq(basis, locations[:, :2], rcond=None)[0]
    spacing = tuple(float(step) for step in np.linalg.norm(axes[1:], axis=1))
    misfit = np.abs(locations[:, :2] - basis @ axes).max()
    skew = abs(axes[1] @ axes[2]) / (spacing[0] * spacing[1])
    if misfit > 0.5 * min(spacing) or skew > 0.05:
        msg = (
            f"upward_continue: stations lie up to {misfit:.4g} m off a regular grid of {spacing[0]:.4g} x "
            f"{spacing[1]:.4g} m, whose axes' cosine is {skew:.2g}; wanted half a cell and 0.05. {_MEND}"
        )
        raise ValueError(msg)
    relief = np.ptp(locations[:, 2])
    if relief > 0.1 * min(spacing):
        msg = (
            f"upward_continue: station elevations span {relief:.4g} m, wanted less than a tenth of the "
            f"spacing ({0.1 * min(spacing):.4g} m). Bring them to one level first (equivalent sources)."
        )
        raise ValueError(msg)
    return index, shape, spacing


def _grid_index(xy: np.ndarray) -> np.ndarray:
    """Return column and row of every station, counted from neighbour to neighbour.

    Counting along neighbours follows curved rows and does not need the rotation of the grid.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order
    from scipy.spatial import cKDTree

    neighbours = cKDTree(xy).query(xy, k=5)[1][:, 1:]
    start, end = np.repeat(np.arange(len(xy)), 4), neighbours.ravel()
    steps = xy[end] - xy[start]
    to_cells = np.linalg.inv(_cell_vectors(steps))
    cells = steps @ to_cells
    whole = np.rint(cells)
    beside = (np.abs(whole).sum(axis=1) == 1) & (np.abs(cells - whole).max(axis=1) < 0.25)
    links = coo_array((np.ones(beside.sum()), (start[beside], end[beside])), shape=(len(xy),) * 2).tocsr()
    order, parent = breadth_first_order(links, 0, directed=False)
    if len(order) != len(xy):
        msg = (
            f"upward_continue: only {len(order)} of {len(xy)} stations are connected as one grid, "
            f"wanted all of them. {_MEND}"
        )
        raise ValueError(msg)
    jumps = np.zeros((len(xy), 2), dtype=int)
    jumps[order[1:]] = np.rint((xy[order[1:]] - xy[parent[order[1:]]]) @ to_cells)
    index = np.zeros_like(jumps)
    for station in order[1:]:
        index[station] = index[parent[station]] + jumps[station]
    return index - index.min(axis=0)


def _cell_vectors(steps: np.ndarray) -> np.ndarray:
    """Return the two vectors between neighbouring stations, one mostly east and one mostly north."""
    east = np.abs(steps[:, 0]) >= np.abs(steps[:, 1])
    if east.all() or not east.any():
        msg = (
            f"upward_continue: the nearest neighbours all lie along one axis, wanted a grid whose spacings "
            f"differ by less than a factor of two. {_MEND}"
        )
        raise ValueError(msg)
    vectors = [
        np.median(steps[chosen] * np.sign(steps[chosen, axis])[:, None], axis=0)
        for axis, chosen in ((0, east), (1, ~east))
    ]
    if abs(np.linalg.det(vectors)) <= 1e-3 * np.prod(np.linalg.norm(vectors, axis=1)):
        msg = f"upward_continue: stations lie on one line or at one point, wanted a grid. {_MEND}"
        raise ValueError(msg)
    return np.array(vectors)
