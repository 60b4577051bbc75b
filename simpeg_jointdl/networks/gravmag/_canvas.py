"""Stations on the network's cells: which cells, what is interpolated, and tiles where there are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..._core.tensors import as_tensor
from ._inputs import HIGHEST, LOWEST, GravMagGrids
from ._physics import SLAB
from ._stations import Stations, check_units

if TYPE_CHECKING:
    from discretize import TensorMesh

Tensor = torch.Tensor

_ON_CENTRE = 1e-3  # cells
_REACH = 2.5  # of cells or station spacings, whichever is larger: how far a value is interpolated
_LEAST_OVERLAP = 0.5  # of the smaller of two surveys' rectangles
_FEWEST = 4  # cells along a side
_FLAT = 1e-6  # a line's width over its length


@dataclass
class Canvas:
    """Square cells in plan that hold the data, and tiles of the network's size over them.

    Attributes
    ----------
    cell_size : float
        m.
    corner : (3,) numpy.ndarray
        West, south, and the elevation of the ground, in m.
    n_cells : (nx, ny)
    tile : int
        Cells along a side of the network's grid.
    """

    cell_size: float
    corner: np.ndarray
    n_cells: tuple[int, int]
    tile: int

    def mesh(self, n_layers: int) -> TensorMesh:
        """`discretize.TensorMesh` of cubes under the canvas."""
        from discretize import TensorMesh

        widths = [np.full(n, self.cell_size) for n in (*self.n_cells, n_layers)]
        return TensorMesh(widths, origin=[*self.corner[:2], self.corner[2] - n_layers * self.cell_size])

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Of cells, along x and y in m."""
        return tuple(c + self.cell_size * (np.arange(n) + 0.5) for c, n in zip(self.corner, self.n_cells, strict=False))

    @property
    def starts(self) -> list[tuple[int, int]]:
        """First cells along x and y of every tile; negative where a tile is wider than the canvas."""
        along_x, along_y = (_starts(n, self.tile) for n in self.n_cells)
        return [(x, y) for y in along_y for x in along_x]

    def cut(self, values: np.ndarray, fill: float) -> np.ndarray:
        """Tiles (n, tile, tile) of (ny, nx) values."""
        t = self.tile
        padded = np.pad(values, t, constant_values=fill)
        return np.stack([padded[y + t : y + 2 * t, x + t : x + 2 * t] for x, y in self.starts])

    def join(self, tiles: Tensor) -> Tensor:
        """Tiles (n, nz, tile, tile), blended where they overlap, as (nz, ny, nx)."""
        (nx, ny), t = self.n_cells, self.tile
        hat = torch.minimum(torch.arange(t) + 1, t - torch.arange(t)).to(tiles)
        weight = hat[:, None] * hat
        total, weights = (
            tiles.new_zeros(tiles.shape[1], ny + 2 * t, nx + 2 * t),
            tiles.new_zeros(ny + 2 * t, nx + 2 * t),
        )
        for (x, y), values in zip(self.starts, tiles, strict=True):
            place = (slice(y + t, y + 2 * t), slice(x + t, x + 2 * t))
            total[:, *place] += weight * values
            weights[place] += weight
        return (total[:, t:-t, t:-t] / weights[t:-t, t:-t])[:, :ny, :nx]


def make_canvas(owner: str, datasets: list[Stations], cell_size, ground: float, tile: int) -> Canvas:
    """Cells as wide as asked for, or as stations are apart; the first station's place is a cell's centre."""
    for stations in datasets:
        _check_area(owner, stations)
    boxes = [_box(stations) for stations in datasets]
    if len(boxes) == 2:
        _check_overlap(owner, *boxes)
    size = cell_size or max(stations.spacing or _spacing(stations.locations) for stations in datasets)
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    n_cells = tuple(int(n) for n in np.ceil((high - low) / size - 1e-6) + 1)
    if min(n_cells) < _FEWEST:
        msg = (
            f"{owner}: cells of {size:g} m make a grid of {n_cells[0]} x {n_cells[1]} of them; wanted at least "
            f"{_FEWEST} along each side. Lower cell_size, or give more stations."
        )
        raise ValueError(msg)
    return Canvas(float(size), np.array([*(low - 0.5 * size), ground]), n_cells, tile)


def make_grids(owner: str, canvas: Canvas, datasets: dict[str, Stations], heights: dict[str, float], device, dtype):
    """Tiles as the network takes them."""
    n, shape = len(canvas.starts), (len(canvas.starts), canvas.tile, canvas.tile)
    values, masks, noises = {}, {}, {}
    direction = np.tile([0.0, 0.0, -1.0], (n, 1))
    for kind in ("gravity", "magnetic"):
        stations = datasets.get(kind)
        if stations is None:
            values[kind], masks[kind], noises[kind] = np.zeros(shape), np.zeros(shape, dtype=bool), np.ones(n)
            continue
        check_units(owner, stations, canvas.cell_size, SLAB)
        unit = stations.per_unit(canvas.cell_size, SLAB)
        tiles = canvas.cut(_on_cells(canvas, stations) / unit, np.nan)
        masks[kind] = ~np.isnan(tiles)
        values[kind], noises[kind] = np.where(masks[kind], tiles, 0.0), np.full(n, stations.noise / unit)
        if kind == "magnetic":
            direction = np.tile(stations.direction, (n, 1))
    above = [np.full(n, _height(owner, kind, heights.get(kind), canvas)) for kind in ("gravity", "magnetic")]
    parts = [parts[kind] for parts in (values, masks, noises) for kind in ("gravity", "magnetic")]
    parts = [*parts, direction, *above]
    return GravMagGrids(*(as_tensor(part, device, None if part.dtype == bool else dtype) for part in parts))


def _height(owner: str, kind: str, height: float | None, canvas: Canvas) -> float:
    """In cells; what is lower than any of the training makes no difference to it."""
    if height is None:
        return LOWEST
    cells = height / canvas.cell_size
    if not 0.0 < cells <= HIGHEST:
        msg = (
            f"{owner}: {kind} data are {height:g} m above the ground, which is {cells:.3g} cells of "
            f"{canvas.cell_size:g} m; wanted above 0 and at most {HIGHEST:g} cells. Pass ground=, the elevation of "
            f"the ground, or height=, or a larger cell_size."
        )
        raise ValueError(msg)
    return max(cells, LOWEST)


def _on_cells(canvas: Canvas, stations: Stations) -> np.ndarray:
    """Values at the centres of cells, (ny, nx), nan where there are none near."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import cKDTree

    nx, ny = canvas.n_cells
    place = (stations.locations[:, :2] - canvas.corner[:2]) / canvas.cell_size - 0.5
    cells = np.rint(place).astype(int).clip(0, [nx - 1, ny - 1])
    number = cells[:, 1] * nx + cells[:, 0]
    there = ~np.isnan(stations.values)
    if np.abs(place - cells).max() < _ON_CENTRE and len(np.unique(number)) == len(number):
        values = np.full(nx * ny, np.nan)
        values[number] = stations.values
        return values.reshape(ny, nx)
    place, number, values = place[there], number[there], stations.values[there]
    count = np.maximum(np.bincount(number, minlength=nx * ny), 1)
    filled = np.unique(number)  # stations of one cell count as one at their mean place
    means = [np.bincount(number, one, minlength=nx * ny)[filled] / count[filled] for one in (*place.T, values)]
    points = np.column_stack(means[:2])
    x, y = np.meshgrid(np.arange(nx), np.arange(ny))
    found = LinearNDInterpolator(points, means[2])(x, y)
    reach = _REACH * max(1.0, _spacing(points)) if len(points) > 1 else _REACH
    far = cKDTree(points).query(np.column_stack([x.ravel(), y.ravel()]))[0].reshape(ny, nx) > reach
    found[far] = np.nan
    return found


def _spacing(locations: np.ndarray) -> float:
    """Of stations on a regular grid, the larger of both; of others, the root of the area per station."""
    steps = []
    for coordinates in locations[:, :2].T:
        scale = max(np.ptp(coordinates), 1e-9)
        values = np.unique(np.round(coordinates / scale, 6)) * scale
        steps.append(np.diff(values))
    if all(len(step) and np.ptp(step) < 0.01 * step.mean() for step in steps):
        return max(float(step.mean()) for step in steps)
    return float(np.sqrt(np.prod(np.ptp(locations[:, :2], axis=0)) / len(locations)))


def _box(stations: Stations):
    return stations.locations[:, :2].min(axis=0), stations.locations[:, :2].max(axis=0)


def _check_area(owner: str, stations: Stations):
    """Stations of a profile say nothing of what is beside it."""
    places = stations.locations[~np.isnan(stations.values), :2]
    across = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if across[1] <= _FLAT * across[0]:
        msg = (
            f"{owner}.{stations.kind}_data: its {len(places)} stations with values are on one line; wanted them spread "
            f"over an area. Leave this data set out: {stations.kind}_data=None."
        )
        raise ValueError(msg)


def _check_overlap(owner: str, gravity, magnetic):
    low, high = np.maximum(gravity[0], magnetic[0]), np.minimum(gravity[1], magnetic[1])
    shared = np.prod(np.clip(high - low, 0.0, None))
    smaller = min(np.prod(box[1] - box[0]) for box in (gravity, magnetic))
    if shared < _LEAST_OVERLAP * smaller:
        told = [f"x {box[0][0]:g} to {box[1][0]:g}, y {box[0][1]:g} to {box[1][1]:g} m" for box in (gravity, magnetic)]
        msg = (
            f"{owner}: gravity and magnetics are of different places: {told[0]}, and {told[1]}. Wanted at least half "
            f"of the smaller one inside the other. Crop both to one place."
        )
        raise ValueError(msg)


def _starts(n: int, tile: int) -> list[int]:
    """First cells of tiles that overlap by half or more."""
    if n <= tile:
        return [-((tile - n) // 2)]
    count = int(np.ceil((n - tile) / (tile // 2))) + 1
    return [int(start) for start in np.rint(np.linspace(0, n - tile, count))]
