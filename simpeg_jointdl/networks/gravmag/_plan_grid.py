"""Stations on the cells of the network: the cells, interpolation to their centres, and tiles of large surveys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..._core.tensors import as_tensor
from ._inputs import HIGHEST, LOWEST, GravMagGrids
from ._physics import SLAB
from ._stations import Stations, check_units

if TYPE_CHECKING:
    from discretize import TensorMesh

Tensor = torch.Tensor
Box = tuple[np.ndarray, np.ndarray]  # lowest and highest (x, y) of the stations

_ON_CENTER = 1e-3  # largest distance in cells at which a station counts as being on a cell centre
_REACH = 2.5  # interpolation distance, in cells or station spacings, whichever is larger
_LEAST_OVERLAP = 0.5  # smallest overlap of two surveys, over the smaller of their rectangles
_FEWEST = 4  # smallest number of cells along a side
_FLAT = 1e-6  # width over length below which stations lie on a line


@dataclass
class PlanGrid:
    """Square cells in plan that hold the data, and overlapping tiles of the size of the network's grid.

    Attributes
    ----------
    cell_size : float
        Width of the cells in m.
    corner : (3,) numpy.ndarray
        West and south corner, and the elevation of the ground, in m.
    n_cells : (nx, ny)
        Number of cells along x and y.
    tile : int
        Number of cells along a side of the network's grid.
    """

    cell_size: float
    corner: np.ndarray
    n_cells: tuple[int, int]
    tile: int

    def mesh(self, n_layers: int) -> TensorMesh:
        """Return the mesh of cubic cells under the grid."""
        from discretize import TensorMesh

        widths = [np.full(n, self.cell_size) for n in (*self.n_cells, n_layers)]
        return TensorMesh(widths, origin=[*self.corner[:2], self.corner[2] - n_layers * self.cell_size])

    @property
    def starts(self) -> list[tuple[int, int]]:
        """First cells along x and y of every tile; negative where a tile is wider than the grid."""
        along_x, along_y = (_starts(n, self.tile) for n in self.n_cells)
        return [(x, y) for y in along_y for x in along_x]

    def cut(self, values: np.ndarray, fill: float) -> np.ndarray:
        """Return the tiles, (n, tile, tile), of values (ny, nx), with `fill` outside of the grid."""
        t = self.tile
        padded = np.pad(values, t, constant_values=fill)
        return np.stack([padded[y + t : y + 2 * t, x + t : x + 2 * t] for x, y in self.starts])

    def join(self, tiles: Tensor) -> Tensor:
        """Return tiles (n, nz, tile, tile) as one grid (nz, ny, nx), blended linearly where they overlap."""
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


def make_plan_grid(who: str, datasets: list[Stations], cell_size: float | None, ground: float, tile: int) -> PlanGrid:
    """Return cells of the given size, or of the station spacing; the southwestern corner is on a cell centre."""
    for stations in datasets:
        _check_area(who, stations)
    boxes = [_box(stations) for stations in datasets]
    if len(boxes) == 2:
        _check_overlap(who, *boxes)
    size = cell_size or max(stations.spacing or _spacing(stations.locations) for stations in datasets)
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    n_cells = tuple(int(n) for n in np.ceil((high - low) / size - 1e-6) + 1)
    if min(n_cells) < _FEWEST:
        msg = (
            f"{who}.cell_size: cells of {size:g} m make a grid of {n_cells[0]} x {n_cells[1]} cells, wanted at least "
            f"{_FEWEST} along each side. Use a smaller cell_size, or data of more stations."
        )
        raise ValueError(msg)
    return PlanGrid(float(size), np.array([*(low - 0.5 * size), ground]), n_cells, tile)


def make_grids(
    who: str,
    plan_grid: PlanGrid,
    datasets: dict[str, Stations],
    heights: dict[str, float],
    device: torch.device,
    dtype: torch.dtype,
) -> GravMagGrids:
    """Return the inputs of the network, one sample per tile."""
    n, shape = len(plan_grid.starts), (len(plan_grid.starts), plan_grid.tile, plan_grid.tile)
    values, masks, noises = {}, {}, {}
    direction = np.tile([0.0, 0.0, -1.0], (n, 1))
    for kind in ("gravity", "magnetic"):
        stations = datasets.get(kind)
        if stations is None:
            values[kind], masks[kind], noises[kind] = np.zeros(shape), np.zeros(shape, dtype=bool), np.ones(n)
            continue
        check_units(who, stations, plan_grid.cell_size, SLAB)
        unit = stations.per_unit(plan_grid.cell_size, SLAB)
        tiles = plan_grid.cut(_on_cells(plan_grid, stations) / unit, np.nan)
        masks[kind] = ~np.isnan(tiles)
        values[kind], noises[kind] = np.where(masks[kind], tiles, 0.0), np.full(n, stations.noise / unit)
        if kind == "magnetic":
            direction = np.tile(stations.direction, (n, 1))
    above = [np.full(n, _height(who, kind, heights.get(kind), plan_grid)) for kind in ("gravity", "magnetic")]
    parts: list[Any] = [parts[kind] for parts in (values, masks, noises) for kind in ("gravity", "magnetic")]
    parts = [*parts, direction, *above]
    return GravMagGrids(*(as_tensor(part, device, None if part.dtype == bool else dtype) for part in parts))


def _height(who: str, kind: str, height: float | None, plan_grid: PlanGrid) -> float:
    """Return a height in cells, at least the smallest one of the training, below which it makes no difference."""
    if height is None:
        return LOWEST
    cells = height / plan_grid.cell_size
    if not 0.0 < cells <= HIGHEST:
        msg = (
            f"{who}.height: the {kind} data are {height:g} m above the ground, which is {cells:.3g} cells of "
            f"{plan_grid.cell_size:g} m, wanted above 0 and at most {HIGHEST:g} cells. Pass ground=, the elevation of "
            f"the ground, or height=, or a larger cell_size."
        )
        raise ValueError(msg)
    return max(cells, LOWEST)


def _on_cells(plan_grid: PlanGrid, stations: Stations) -> np.ndarray:
    """Return the values at the cell centres, (ny, nx), NaN where no station is near."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import cKDTree

    nx, ny = plan_grid.n_cells
    place = (stations.locations[:, :2] - plan_grid.corner[:2]) / plan_grid.cell_size - 0.5
    cells = np.rint(place).astype(int).clip(0, [nx - 1, ny - 1])
    number = cells[:, 1] * nx + cells[:, 0]
    there = ~np.isnan(stations.values)
    if np.abs(place - cells).max() < _ON_CENTER and len(np.unique(number)) == len(number):
        values = np.full(nx * ny, np.nan)
        values[number] = stations.values
        return values.reshape(ny, nx)
    place, number, values = place[there], number[there], stations.values[there]
    count = np.maximum(np.bincount(number, minlength=nx * ny), 1)
    filled = np.unique(number)  # the stations of a cell count as one at their mean position
    means = [np.bincount(number, one, minlength=nx * ny)[filled] / count[filled] for one in (*place.T, values)]
    points = np.column_stack(means[:2])
    x, y = np.meshgrid(np.arange(nx), np.arange(ny))
    found = LinearNDInterpolator(points, means[2])(x, y)
    reach = _REACH * max(1.0, _spacing(points)) if len(points) > 1 else _REACH
    far = cKDTree(points).query(np.column_stack([x.ravel(), y.ravel()]))[0].reshape(ny, nx) > reach
    found[far] = np.nan
    return found


def _spacing(locations: np.ndarray) -> float:
    """Return the larger spacing of a regular grid of stations, or else the square root of the area per station."""
    steps = []
    for coordinates in locations[:, :2].T:
        scale = max(np.ptp(coordinates), 1e-9)
        values = np.unique(np.round(coordinates / scale, 6)) * scale
        steps.append(np.diff(values))
    if all(len(step) and np.ptp(step) < 0.01 * step.mean() for step in steps):
        return max(float(step.mean()) for step in steps)
    return float(np.sqrt(np.prod(np.ptp(locations[:, :2], axis=0)) / len(locations)))


def _box(stations: Stations) -> Box:
    return stations.locations[:, :2].min(axis=0), stations.locations[:, :2].max(axis=0)


def _check_area(who: str, stations: Stations) -> None:
    """Refuse a profile, whose data do not constrain a three-dimensional model."""
    places = stations.locations[~np.isnan(stations.values), :2]
    across = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if across[1] <= _FLAT * across[0]:
        msg = (
            f"{who}.{stations.kind}_data: its {len(places)} stations with values are on one line, wanted stations "
            f"spread over an area. Leave this data set out: {stations.kind}_data=None."
        )
        raise ValueError(msg)


def _check_overlap(who: str, gravity: Box, magnetic: Box) -> None:
    low, high = np.maximum(gravity[0], magnetic[0]), np.minimum(gravity[1], magnetic[1])
    shared = np.prod(np.clip(high - low, 0.0, None))
    smaller = min(np.prod(box[1] - box[0]) for box in (gravity, magnetic))
    if shared < _LEAST_OVERLAP * smaller:
        told = [f"x {box[0][0]:g} to {box[1][0]:g}, y {box[0][1]:g} to {box[1][1]:g} m" for box in (gravity, magnetic)]
        msg = (
            f"{who}.magnetic_data: gravity and magnetic data are of different areas: {told[0]}, and {told[1]}. Wanted "
            f"at least half of the smaller area inside the other. Crop both to one area."
        )
        raise ValueError(msg)


def _starts(n: int, tile: int) -> list[int]:
    """Return the first cells of tiles that overlap by half or more."""
    if n <= tile:
        return [-((tile - n) // 2)]
    count = int(np.ceil((n - tile) / (tile // 2))) + 1
    return [int(start) for start in np.rint(np.linspace(0, n - tile, count))]
