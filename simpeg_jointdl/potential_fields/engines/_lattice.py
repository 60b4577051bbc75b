r"""Receivers on regular grids over cells of equal width: the geometry of Toeplitz matrices.

With cells of width h, a receiver lies at :math:`x = c + (i + t) h`, a whole number of cells from the west side of the
box plus a remainder :math:`0 \le t < 1`. Receivers of the same height and remainders share one kernel, whatever their
spacing, order and gaps, because the sensitivity depends on :math:`i - j` alone. A spacing of p cells therefore has one
remainder, and a spacing of p/q cells has q of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len

from ._geometry import Geometry

MAX_HEIGHTS = 8
MAX_REMAINDERS = 16
MAX_SHARE = 10
TOLERANCE = 1e-6  # fraction of the cell width


@dataclass(frozen=True)
class Lattice:
    """Receivers of one group of stations with the same height and the same remainders along x and y.

    Attributes
    ----------
    group : int
        Index of the geometry's stations.
    order : (n,) numpy.ndarray of int
        Indices of their locations.
    indices : (2, n) numpy.ndarray of int
        Offsets from `origin` along x and y in cells, not negative.
    origin : (2,) numpy.ndarray
        Offset from the corner of the box along x and y in cells.
    height : float
        Height in m.
    """

    group: int
    order: np.ndarray
    indices: np.ndarray
    origin: np.ndarray
    height: float


class NotRegularError(ValueError):
    """A geometry without Toeplitz structure; the message gives the reason."""


def toeplitz_reason(geometry: Geometry) -> str | None:
    """Return why the ``"toeplitz"`` engine cannot be used, as part of a sentence; None if it can."""
    try:
        find_lattices(geometry)
    except NotRegularError as reason:
        return str(reason)
    return None


def find_lattices(geometry: Geometry) -> list[Lattice]:
    """Assign every receiver to a lattice of the width of the cells.

    Raises
    ------
    NotRegularError
        If there are too many lattices, or the kernels would be larger than the matrix.
    """
    if geometry.axes is None:
        msg = "the mesh is a tree mesh"
        raise NotRegularError(msg)
    widths = cell_widths(geometry)
    lattices = []
    for group, stations in enumerate(geometry.stations):
        locations = np.asarray(stations.locations, dtype=float)
        levels, heights = _clusters(locations[:, 2], TOLERANCE * widths.min())
        if len(heights) > MAX_HEIGHTS:
            msg = f"receivers of group {group + 1} have {len(heights)} distinct heights; at most {MAX_HEIGHTS}"
            raise NotRegularError(msg)
        for level, height in enumerate(heights):
            lattices += _level(geometry, group, np.flatnonzero(levels == level), float(height), widths)
    _check_size(geometry, lattices)
    return lattices


def cell_widths(geometry: Geometry) -> np.ndarray:
    """Return the widths of the cells along x and y, (2,) in m; they must be uniform."""
    widths = []
    for axis, nodes in zip("xy", geometry.axes[:2], strict=True):
        width = (nodes[-1] - nodes[0]) / (len(nodes) - 1)
        if np.abs(nodes - np.linspace(nodes[0], nodes[-1], len(nodes))).max() > TOLERANCE * width:
            each = np.diff(nodes)
            msg = f"cells of the box differ in width along {axis}, from {each.min():g} to {each.max():g} m"
            raise NotRegularError(msg)
        widths.append(width)
    return np.array(widths)


def extents(lattices: list[Lattice]) -> tuple[int, int]:
    """Return the numbers of lattice points along x and y that hold the receivers of every lattice."""
    return tuple(max((int(one.indices[axis].max()) + 1 for one in lattices), default=1) for axis in (0, 1))


def fft_lengths(geometry: Geometry, lattices: list[Lattice]) -> tuple[int, int]:
    """Return lengths along x and y that hold every offset between receivers and cells and have a fast FFT."""
    sizes = zip(geometry.shape_box[:2], extents(lattices), strict=True)
    return tuple(next_fast_len(cells + receivers - 1, real=True) for cells, receivers in sizes)


def grid_places(lattice: Lattice, extent: tuple[int, int], first: int, n: int) -> np.ndarray:
    """Return flat indices (grid, y, x) of a lattice's receivers on n grids from `first` on, (n_receivers, n)."""
    along_x, along_y = lattice.indices
    return ((first + np.arange(n)) * extent[1] + along_y[:, None]) * extent[0] + along_x[:, None]


def _level(geometry, group, held, height, widths):
    """Return the lattices of the receivers of one height."""
    locations = geometry.stations[group].locations[held]
    places, labels, remainders = [], [], []
    for axis in (0, 1):
        cells = (locations[:, axis] - geometry.axes[axis][0]) / widths[axis]
        place = np.floor(cells + 2 * TOLERANCE)  # a receiver within round-off west of a node belongs to the node
        label, remainder = _clusters(cells - place, TOLERANCE)
        if len(remainder) > MAX_REMAINDERS:
            raise NotRegularError(_irregular(group, axis, locations[:, axis], widths[axis]))
        places.append(place.astype(int))
        labels.append(label)
        # some derivatives are singular on planes of nodes, where round-off must not decide the side
        remainders.append(np.where(np.abs(remainder) < 1e-9, 0.0, remainder))
    pairs, which = np.unique(np.stack(labels, axis=1), axis=0, return_inverse=True)
    n_possible = len(remainders[0]) * len(remainders[1])
    if 1 < len(pairs) == len(held) < n_possible:
        msg = f"receivers of group {group + 1} are not on a regular grid: each of {len(held)} needs a kernel of its own"
        raise NotRegularError(msg)
    lattices = []
    for number, (along_x, along_y) in enumerate(pairs):
        mine = np.flatnonzero(which.reshape(-1) == number)
        indices = np.stack([place[mine] for place in places])
        first = indices.min(axis=1)
        origin = first + np.array([remainders[0][along_x], remainders[1][along_y]])
        lattices.append(Lattice(group, held[mine], indices - first[:, None], origin, height))
    return lattices


def _clusters(values, tolerance):
    """Return the cluster of every value and the median of every cluster; gaps above `tolerance` separate clusters.

    If a chain of values spreads further than the tolerance, every value is a cluster of its own.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    number = np.concatenate([[0], np.cumsum(np.diff(ordered) > tolerance)])[: len(values)]
    ends = np.flatnonzero(np.diff(number, append=len(values)))
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    if (ordered[ends] - ordered[starts] > 2 * tolerance).any():
        number = starts = ends = np.arange(len(values))
    labels = np.empty(len(values), dtype=int)
    labels[order] = number
    return labels, ordered[(starts + ends) // 2]


def _irregular(group, axis, coordinates, width):
    """Return a message that says whether the grid does not fit the cells, or there is no regular grid."""
    _, distinct = _clusters(coordinates, TOLERANCE * width)
    gaps = np.diff(distinct)
    steps = gaps / gaps.min()
    who, along = f"group {group + 1}", f"along {'xy'[axis]}"
    if np.abs(steps - steps.round()).max() < 1e-3:
        return (
            f"receiver spacing {gaps.min():g} m of {who} {along} is neither a multiple nor a simple fraction "
            f"of the cell width {width:g} m"
        )
    return (
        f"receivers of {who} are not on a regular grid {along}: more than {MAX_REMAINDERS} different places "
        f"within a cell"
    )


def _check_size(geometry, lattices):
    """Raise NotRegularError if the kernels would be much larger than the matrix."""
    n_x, n_y = fft_lengths(geometry, lattices)
    n_kernels = sum(geometry.stations[one.group].n_components for one in lattices)
    numbers = n_kernels * geometry.n_blocks * geometry.shape_box[2] * 2 * (n_x // 2 + 1) * n_y
    share = numbers / max(1, geometry.n_rows * geometry.n_columns)
    if share > MAX_SHARE:
        msg = (
            f"kernels would hold {share:.0f} times the numbers of the matrix: receivers or active cells are too few "
            f"for the grid they span"
        )
        raise NotRegularError(msg)
