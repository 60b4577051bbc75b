"""From a user's data to tiles of the network, and from its models to a mesh."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..._core.checks import check_positive
from ._canvas import Canvas, make_canvas, make_grids
from ._inputs import GravMagGrids
from ._stations import Stations, read_stations

if TYPE_CHECKING:
    from discretize import TensorMesh

Tensor = torch.Tensor

_LOGGER = logging.getLogger("simpeg_jointdl")
_KINDS = ("gravity", "magnetic")
_ROUGH = 0.5  # cells of relief above which it is said that the ground is taken as flat


@dataclass(frozen=True, eq=False)
class GravMagPrediction:
    """Models under a survey.

    Attributes
    ----------
    mesh : discretize.TensorMesh
        Cubes under the data, in their coordinates, from the ground down.
    density : (n_cells,) numpy.ndarray
        Contrast in g/cc, in the order of SimPEG's models.
    susceptibility : (n_cells,) numpy.ndarray
        SI, not below 0.
    boundary : (n_cells,) numpy.ndarray
        Probability that density or susceptibility changes at a face of the cell.
    n_masked : dict of str to int
        Values of ``"gravity"`` and ``"magnetic"`` that were nan, of the grids that were given.

    Notes
    -----
    A property whose own grid was not given is what the other one's structure says of it: next to nothing.
    """

    mesh: TensorMesh
    density: np.ndarray
    susceptibility: np.ndarray
    boundary: np.ndarray
    n_masked: dict[str, int]


@dataclass(frozen=True, eq=False)
class PreparedGrids:
    """Data on the network's cells: what stands between a survey and `GravMagUNet.forward`.

    Attributes
    ----------
    mesh : discretize.TensorMesh
    grids : GravMagGrids
        A sample per tile, on the network's device.
    canvas : Canvas
    n_masked : dict of str to int
    """

    mesh: TensorMesh
    grids: GravMagGrids
    canvas: Canvas
    n_masked: dict[str, int]

    def join(self, tiles: Tensor) -> Tensor:
        """Values of tiles, (n, nz, ny, nx), on the mesh: (n_cells,) in SimPEG's order; gradients go through."""
        return self.canvas.join(tiles).flip(0).reshape(-1)


def prepare_grids(
    owner: str,
    shape: tuple[int, int, int],
    device: torch.device,
    dtype: torch.dtype,
    data: dict,
    noise: dict,
    *,
    cell_size=None,
    height=None,
    ground=None,
    origin=(0.0, 0.0),
    inducing_field=None,
) -> PreparedGrids:
    """What `GravMagUNet.prepare` does."""
    spacing = _checked_spacing(owner, cell_size)
    given = _pair(owner, height)
    present = [kind for kind in _KINDS if data[kind] is not None]
    if not present:
        msg = f"{owner}: got neither gravity_data nor magnetic_data, wanted one or both."
        raise ValueError(msg)
    if all(np.ndim(data[kind]) == 2 for kind in present) and len({np.shape(data[kind]) for kind in present}) > 1:
        msg = (
            f"{owner}: gravity_data has shape {np.shape(data['gravity'])}, magnetic_data {np.shape(data['magnetic'])}; "
            f"wanted arrays of one place and shape. Bring both to one grid, or pass SimPEG's data with their places."
        )
        raise ValueError(msg)
    datasets = {}
    for kind in present:
        elevation = None if given[kind] is None else (ground or 0.0) + given[kind]
        datasets[kind] = read_stations(owner, kind, data[kind], noise[kind], spacing, origin, elevation, inducing_field)
    ground, heights = _ground(datasets, given, ground)
    size = None if spacing is None else float(np.max(spacing))
    canvas = make_canvas(owner, list(datasets.values()), size, ground, shape[1])
    n_masked = {kind: stations.n_missing for kind, stations in datasets.items()}
    _tell(owner, datasets, canvas, n_masked)
    grids = make_grids(owner, canvas, datasets, heights, device, dtype)
    return PreparedGrids(canvas.mesh(shape[0]), grids, canvas, n_masked)


def _ground(datasets: dict[str, Stations], given: dict, ground) -> tuple[float, dict[str, float]]:
    """Elevation of the ground, and heights of the data above it."""
    levels = {kind: float(np.median(stations.locations[:, 2])) for kind, stations in datasets.items()}
    if ground is None:
        known = [levels[kind] - given[kind] for kind in levels if given[kind] is not None]
        ground = known[0] if known else 0.0
    heights = {kind: level - ground if given[kind] is None else given[kind] for kind, level in levels.items()}
    return float(ground), heights


def _tell(owner: str, datasets: dict[str, Stations], canvas: Canvas, n_masked: dict[str, int]):
    for kind, stations in datasets.items():
        if n_masked[kind]:
            _LOGGER.info(
                "%s: %d of %d %s values are nan and masked.", owner, n_masked[kind], len(stations.values), kind
            )
        relief = float(np.ptp(stations.locations[:, 2]))
        if relief > _ROUGH * canvas.cell_size:
            _LOGGER.warning(
                "%s: %s stations differ by %.3g m in elevation, %.1f cells; they are taken to be at their median.",
                *(owner, kind, relief, relief / canvas.cell_size),
            )


def _checked_spacing(owner: str, cell_size) -> tuple[float, float] | None:
    if cell_size is None:
        return None
    sizes = np.ravel(np.asarray(cell_size, dtype=object))
    if sizes.size not in (1, 2):
        msg = f"{owner}.cell_size: got {cell_size!r}, wanted one number in m, or (dx, dy) of an array's cells."
        raise ValueError(msg)
    checked = [check_positive(f"{owner}.cell_size", size) for size in sizes]
    return checked[0], checked[-1]


def _pair(owner: str, height) -> dict[str, float | None]:
    if height is None:
        return dict.fromkeys(_KINDS)
    values = list(height) if np.ndim(height) == 1 else [height, height]
    if len(values) != len(_KINDS):
        msg = f"{owner}.height: got {height!r}, wanted one number in m, or (of gravity, of magnetics)."
        raise ValueError(msg)
    return {
        kind: None if value is None else check_positive(f"{owner}.height", value)
        for kind, value in zip(_KINDS, values, strict=True)
    }
