"""Maps of models at several depths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from discretize import TensorMesh, TreeMesh
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .._core import validation as check
from ..data import PropertyModel
from ._checks import checked_active, checked_array
from ._models import checked_truths, colors_on, draw_key
from ._planes import Plane, view_limits
from ._style import colorbar, lay_out, length_text


def plot_depth_slices(
    mesh: TensorMesh | TreeMesh,
    models: PropertyModel | Sequence[PropertyModel],
    *,
    depths: int | Sequence[float] = 4,
    active_cells: ArrayLike | None = None,
    true_models: Sequence[ArrayLike | None] | None = None,
    padding: int = 0,
    limits: ArrayLike | None = None,
) -> Figure:
    """Plot maps of models at several depths, with a row for each model and a column for each depth.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D, in m.
    models : PropertyModel or sequence of PropertyModel
        Models to plot. The colours are the same at all depths, and for models of the same unit.
    depths : sequence of float or int
        Depths in m below the top of the highest active cell. Slices are horizontal for any topography. An int is the
        number of slices, spread evenly over the depths shown.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active. Inactive cells are grey.
    true_models : sequence of (n_active,) array_like or None, optional
        True model of each property. Faces across which it changes by more than 5 % of its range are drawn in black.
    padding : int
        Number of cells on each side and at the bottom of a TensorMesh that are not shown.
    limits : (3, 2) array_like, optional
        Lowest and highest coordinate shown along each axis in m; by default those of the active cells.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the mesh is not a 3-D TensorMesh or TreeMesh, cells, models or true models do not fit it, there is no model,
        depths are outside of the view, or nothing is shown.
    """
    models = check.listed("plot_depth_slices.models", models, PropertyModel)
    active = checked_active("plot_depth_slices", mesh, active_cells)
    if mesh.dim != 3:
        msg = f"plot_depth_slices: got a {mesh.dim}-D mesh, wanted a 3-D mesh. Use plot_models."
        raise ValueError(msg)
    truths = checked_truths("plot_depth_slices", models, true_models, int(active.sum()))
    view = view_limits(mesh, active, padding, limits)
    top = (mesh.cell_centers[:, 2] + mesh.h_gridded[:, 2] / 2)[active].max()
    depths = _checked_depths(depths, *(top - view[2, ::-1]))
    centers = [np.append(view[:2].mean(axis=1), top - depth) for depth in depths]
    planes = [Plane(mesh, active, view, center, 2, 1.0) for center in centers]
    fig, grid, bars = lay_out(
        [[plane.span for plane in planes]] * len(models), bars=(len(planes) - 1,), below=0.35, between=0.42
    )
    for model, truth, row, bar in zip(models, truths, grid, bars, strict=True):
        colors = colors_on(planes, model, models)
        for ax, plane, depth in zip(row, planes, depths, strict=True):
            plane.draw(ax, model, truth, colors[0])
            ax.set_title(f"{length_text(depth, plane.extent)} deep", fontsize=11)
            if ax is not row[0]:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
        above = {"xycoords": "axes fraction", "xytext": (0, 24), "textcoords": "offset points"}
        row[0].annotate(model.name, (0, 1), fontsize=12, **above)
        colorbar(bar[0], colors, model.name, model.unit)
    draw_key(fig, crossing=False, boundary=any(truth is not None for truth in truths))
    return fig


def _checked_depths(depths, least, most) -> np.ndarray:
    """Return depths in m between `least` and `most`; for an int the centres of that many equal layers."""
    if isinstance(depths, int | np.integer) and not isinstance(depths, bool) and depths > 0:
        return least + (most - least) * (np.arange(depths) + 0.5) / depths
    array = checked_array("plot_depth_slices.depths", depths, (np.size(depths),))
    if array.size == 0 or (array <= least).any() or (array >= most).any():
        msg = (
            f"plot_depth_slices.depths: got {array.tolist()}, wanted at least one, all between {least:g} and "
            f"{most:g} m below the highest active cell. Change them or the limits."
        )
        raise ValueError(msg)
    return array
