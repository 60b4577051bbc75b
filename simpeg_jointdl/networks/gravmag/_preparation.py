"""From a user's data to tiles of the network, and from models on tiles to a mesh."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from ..._core import validation as check
from ._inputs import GravMagGrids
from ._plan_grid import PlanGrid, make_grids, make_plan_grid
from ._stations import Stations, read_stations

if TYPE_CHECKING:
    from discretize import TensorMesh

Tensor = torch.Tensor

_LOGGER = logging.getLogger("simpeg_jointdl")
_KINDS = ("gravity", "magnetic")
_ROUGH = 0.5  # relief in cells above which a warning says that the ground is treated as flat


@dataclass(frozen=True, eq=False)
class PreparedGrids:
    """Data on the cells of the network, ready for `GravMagUNet.forward`.

    Attributes
    ----------
    mesh : discretize.TensorMesh
        Mesh of the models.
    grids : GravMagGrids
        One sample per tile, on the device of the network.
    plan_grid : PlanGrid
        Cells in plan, and the tiles.
    n_masked : dict of str to int
        Number of NaN values of each given kind of data.
    """

    mesh: TensorMesh
    grids: GravMagGrids
    plan_grid: PlanGrid
    n_masked: dict[str, int]

    def join(self, tiles: Tensor) -> Tensor:
        """Return a model on tiles as a model on the mesh.

        Parameters
        ----------
        tiles : (n_tiles, nz, ny, nx) torch.Tensor
            Model on each tile.

        Returns
        -------
        (n_cells,) torch.Tensor
            Model in the order of SimPEG's models; gradients are kept.
        """
        return self.plan_grid.join(tiles).flip(0).reshape(-1)


def prepare_grids(
    who: str,
    shape: tuple[int, int, int],
    device: torch.device,
    dtype: torch.dtype,
    gravity_data: Any = None,
    magnetic_data: Any = None,
    *,
    cell_size: float | tuple[float, float] | None = None,
    height: float | tuple[float, float] | None = None,
    ground: float | None = None,
    origin: tuple[float, float] = (0.0, 0.0),
    inducing_field: tuple[float, float, float] | None = None,
    gravity_noise: float | ArrayLike | None = None,
    magnetic_noise: float | ArrayLike | None = None,
) -> PreparedGrids:
    """Return data as tiles of the network; see `GravMagUNet.prepare`. Errors begin with `who`."""
    data = {"gravity": gravity_data, "magnetic": magnetic_data}
    noise = {"gravity": gravity_noise, "magnetic": magnetic_noise}
    spacing = _checked_spacing(f"{who}.cell_size", cell_size)
    given = _heights(f"{who}.height", height)
    origin = tuple(check.finite_array(f"{who}.origin", origin, (2,)).tolist())
    if ground is not None:
        ground = check.number(f"{who}.ground", ground)
    present = [kind for kind in _KINDS if data[kind] is not None]
    _check_present(who, data, present)
    datasets = {}
    for kind in present:
        elevation = None if given[kind] is None else (ground or 0.0) + given[kind]
        datasets[kind] = read_stations(who, kind, data[kind], noise[kind], spacing, origin, elevation, inducing_field)
    ground, heights = _ground(datasets, given, ground)
    size = None if spacing is None else float(np.max(spacing))
    plan_grid = make_plan_grid(who, list(datasets.values()), size, ground, shape[1])
    n_masked = {kind: stations.n_missing for kind, stations in datasets.items()}
    _log(who, datasets, plan_grid, n_masked)
    grids = make_grids(who, plan_grid, datasets, heights, device, dtype)
    return PreparedGrids(plan_grid.mesh(shape[0]), grids, plan_grid, n_masked)


def _check_present(who: str, data: dict[str, Any], present: list[str]) -> None:
    if not present:
        msg = f"{who}.gravity_data: got neither gravity_data nor magnetic_data, wanted one or both."
        raise ValueError(msg)
    if all(np.ndim(data[kind]) == 2 for kind in present) and len({np.shape(data[kind]) for kind in present}) > 1:
        msg = (
            f"{who}.magnetic_data: gravity_data has shape {np.shape(data['gravity'])}, magnetic_data "
            f"{np.shape(data['magnetic'])}, wanted arrays of one area and shape. Resample both to one grid, or pass "
            f"data of SimPEG, which know their stations."
        )
        raise ValueError(msg)


def _ground(
    datasets: dict[str, Stations], given: dict[str, float | None], ground: float | None
) -> tuple[float, dict[str, float]]:
    """Return the elevation of the ground, and the heights of the data above it."""
    levels = {kind: float(np.median(stations.locations[:, 2])) for kind, stations in datasets.items()}
    if ground is None:
        known = [levels[kind] - given[kind] for kind in levels if given[kind] is not None]
        ground = known[0] if known else 0.0
    heights = {kind: level - ground if given[kind] is None else given[kind] for kind, level in levels.items()}
    return float(ground), heights


def _log(who: str, datasets: dict[str, Stations], plan_grid: PlanGrid, n_masked: dict[str, int]) -> None:
    """Log the number of masked values, and warn of relief, which the network ignores."""
    for kind, stations in datasets.items():
        if n_masked[kind]:
            _LOGGER.info("%s: %d of %d %s values are NaN and masked.", who, n_masked[kind], len(stations.values), kind)
        relief = float(np.ptp(stations.locations[:, 2]))
        if relief > _ROUGH * plan_grid.cell_size:
            _LOGGER.warning(
                "%s: the elevations of the %s stations differ by %.3g m, %.1f cells; their median is used for all.",
                *(who, kind, relief, relief / plan_grid.cell_size),
            )


def _checked_spacing(who: str, cell_size: Any) -> tuple[float, float] | None:
    """Return the cell size along x and y."""
    if cell_size is None:
        return None
    sizes = np.ravel(np.asarray(cell_size, dtype=object))
    if sizes.size not in (1, 2):
        msg = f"{who}: got {cell_size!r}, wanted one number in m, or (dx, dy) of the cells of an array."
        raise ValueError(msg)
    checked = [check.positive(who, size) for size in sizes]
    return checked[0], checked[-1]


def _heights(who: str, height: Any) -> dict[str, float | None]:
    """Return the height of each kind of data, None where it is not given."""
    if height is None:
        return dict.fromkeys(_KINDS)
    values = list(height) if np.ndim(height) == 1 else [height, height]
    if len(values) != len(_KINDS):
        msg = f"{who}: got {height!r}, wanted one number in m, or (gravity, magnetics)."
        raise ValueError(msg)
    return {
        kind: None if value is None else check.positive(who, value) for kind, value in zip(_KINDS, values, strict=True)
    }
