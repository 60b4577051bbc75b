"""Models on maps at several depths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from .._core.plot_checks import checked_active, checked_array, listed
from ..data import PropertyModel
from ._models import checked_truths, colors_on, draw_key
from ._planes import Plane, view_limits
from ._style import colorbar, lay_out, length_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike


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
    """Maps of every model at several depths: a row for each property, a column for each depth.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        3-D, in m.
    models : PropertyModel or sequence of PropertyModel
        Each has one set of colours at all depths, and models of the same unit have the same.
    depths : sequence of float or int
        In m below the top of the highest active cell; a slice is level, whatever the topography. An int is how
        many to spread evenly over what is in view.
    active_cells : (n_cells,) array_like of bool, optional
        Cells the models live on, all if not given; the others are grey.
    true_models : sequence of (n_active,) array_like or None, optional
        The truth of each model: faces over which it jumps by more than 5 % of its range are drawn black.
    padding : int
        Cells on each side and at the bottom of a TensorMesh to leave out of view.
    limits : (3, 2) array_like, optional
        Lowest and highest coordinate in view along each axis, in m. Default: the active cells.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For another mesh or one that is not 3-D, cells, models or truths that do not fit it, no model, depths out of
        view, and a view of nothing.
    """
    models = listed("plot_depth_slices.models", models, PropertyModel)
    active = checked_active(mesh, active_cells)
    if mesh.dim != 3:
        msg = f"plot_depth_slices: got a {mesh.dim}-D mesh, wanted a 3-D one. Use plot_models."
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
    """Depths in m from `least` to `most`; that many of them, in the middle of equal layers, for an int."""
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
