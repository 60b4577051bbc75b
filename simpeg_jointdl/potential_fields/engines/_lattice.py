r"""Receivers on regular grids over cells of one width: the pure geometry of Toeplitz matrices.

With cells of width h, a receiver lies at :math:`x = c + (i + t) h`: a whole number of cells from the west side of the
box, and a remainder :math:`0 \le t < 1`. Receivers of one height and the same remainders see the cells through one
kernel, whatever their spacing, order and gaps: the sensitivity depends on :math:`i - j` alone. So a spacing of p cells
has one remainder and a spacing of p/q of a cell q of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len

from ._geometry import Geometry

MAX_HEIGHTS = 8
MAX_REMAINDERS = 16
MAX_SHARE = 10
TOLERANCE = 1e-6  # of a cell


@dataclass(frozen=True)
class Lattice:
    """Receivers of one group of stations, one height and one remainder along x and y.

    Attributes
    ----------
    group : int
        Which of the geometry's stations.
    order : (n,) numpy.ndarray of int
        Which of their locations.
    indices : (2, n) numpy.ndarray of int
        Cells along x and y from `origin`; not negative.
    origin : (2,) numpy.ndarray
        Along x and y from the corner of the box, in cells.
    height : float
        In m.
    """

    group: int
    order: np.ndarray
    indices: np.ndarray
    origin: np.ndarray
    height: float


class NotRegularError(ValueError):
    """The message is why a geometry has no Toeplitz structure."""


def toeplitz_reason(geometry: Geometry) -> str | None:
    """Why the ``"toeplitz"`` engine cannot serve a geometry, as part of a sentence; None if it can."""
    try:
        find_lattices(geometry)
    except NotRegularError as reason:
        return str(reason)
    return None


def find_lattices(geometry: Geometry) -> list[Lattice]:
    """Put every receiver on a lattice of the cells' width.

    Raises
    ------
    NotRegularError
        If there are too many lattices, or kernels would be larger than what they stand for.
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
    """Widths along x and y of the cells of the box, (2,) in m, which must be uniform."""
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
    """Lattice points along x and y that hold the receivers of every lattice."""
    return tuple(max((int(one.indices[axis].max()) + 1 for one in lattices), default=1) for axis in (0, 1))


def fft_lengths(geometry: Geometry, lattices: list[Lattice]) -> tuple[int, int]:
    """Lengths along x and y that hold every offset between receivers and cells, and are fast to transform."""
    sizes = zip(geometry.shape_box[:2], extents(lattices), strict=True)
    return tuple(next_fast_len(cells + receivers - 1, real=True) for cells, receivers in sizes)


def grid_places(lattice: Lattice, extent: tuple[int, int], first: int, n: int) -> np.ndarray:
    """Places of a lattice's receivers among (grids, y, x), on grids `first` to `first` + n - 1: (n_receivers, n)."""
    along_x, along_y = lattice.indices
    return ((first + np.arange(n)) * extent[1] + along_y[:, None]) * extent[0] + along_x[:, None]


def _level(geometry, group, held, height, widths):
    """Lattices of receivers of one height."""
    locations = geometry.stations[group].locations[held]
    places, labels, remainders = [], [], []
    for axis in (0, 1):
        cells = (locations[:, axis] - geometry.axes[axis][0]) / widths[axis]
        place = np.floor(cells + 2 * TOLERANCE)  # round-off to the west of a node belongs to the node
        label, remainder = _clusters(cells - place, TOLERANCE)
        if len(remainder) > MAX_REMAINDERS:
            raise NotRegularError(_irregular(group, axis, locations[:, axis], widths[axis]))
        places.append(place.astype(int))
        labels.append(label)
        # some derivatives are singular on the planes of nodes: there round-off must not decide
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
    """Number of its cluster for every value, and the median of every cluster; gaps wider than `tolerance` part them.

    A chain of values that spreads further than the tolerance counts as many: every value by itself.
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
    """Say whether a grid does not fit the cells, or there is none."""
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
    """Refuse what would be larger than the matrix itself; a single receiver, whose kernel is its row, may be."""
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
