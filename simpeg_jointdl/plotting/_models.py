"""Models, and any value per cell, on planes through the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .._core.plot_checks import checked_active, checked_array, listed
from ..data import PropertyModel
from ._planes import CROSSING, OUTLINE, planes_through, view_limits
from ._style import colorbar, lay_out, shared_colors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike


def plot_models(
    mesh: TensorMesh | TreeMesh,
    models: PropertyModel | Sequence[PropertyModel],
    *,
    active_cells: ArrayLike | None = None,
    center: ArrayLike | None = None,
    true_models: Sequence[ArrayLike | None] | None = None,
    padding: int = 0,
    limits: ArrayLike | None = None,
    vertical_exaggeration: float = 1.0,
) -> Figure:
    """Depth slice, west-east and south-north section of every model, one row each.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        In m. A 2-D mesh is one section, distance against elevation.
    models : PropertyModel or sequence of PropertyModel
        Models of the same unit have the same colours.
    active_cells : (n_cells,) array_like of bool, optional
        Cells the models live on, all if not given; the others are grey.
    center : (dim,) array_like, optional
        Where the planes cross, in m. Default: inside the first model's strongest anomaly.
    true_models : sequence of (n_active,) array_like or None, optional
        The truth of each model: faces over which it jumps by more than 5 % of its range are drawn black.
    padding : int
        Cells on each side and at the bottom of a TensorMesh to leave out of view.
    limits : (dim, 2) array_like, optional
        Lowest and highest coordinate in view along each axis, in m. Default: the active cells.
    vertical_exaggeration : float
        Of the sections.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For another mesh or one in 1-D, cells, models or truths that do not fit it, no model, a center out of view, and
        a view of nothing.
    """
    models = listed("plot_models.models", models, PropertyModel)
    active = checked_active(mesh, active_cells)
    truths = checked_truths("plot_models", models, true_models, int(active.sum()))
    planes = planes_through(
        mesh, active, view_limits(mesh, active, padding, limits), center, models[0], vertical_exaggeration
    )
    spans = [plane.span * (1, plane.stretch) for plane in planes]
    fig, grid, bars = lay_out([spans] * len(models), bars=(len(planes) - 1,), below=0.35)
    for model, truth, row, bar in zip(models, truths, grid, bars, strict=True):
        colors = colors_on(planes, model, models)
        for ax, plane in zip(row, planes, strict=True):
            plane.draw(ax, model, truth, colors[0])
            plane.entitle(ax, model)
        colorbar(bar[0], colors, model.name, model.unit)
    draw_key(fig, crossing=mesh.dim == 3, boundary=any(truth is not None for truth in truths))
    return fig


def plot_cell_values(
    mesh: TensorMesh | TreeMesh,
    values: ArrayLike,
    *,
    title: str | None,
    unit: str,
    active_cells: ArrayLike | None = None,
    per_volume: bool = False,
    log: bool = False,
    **view: Any,
) -> Figure:
    """One value per cell, such as a coupling's `cell_values`, on the planes of `plot_models`.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    values : (n_active,) array_like
        Not signed: the colours run from dark to bright.
    title, unit : str
        Of what is shown, so after any division.
    active_cells : (n_cells,) array_like of bool, optional
        Cells the values live on, all if not given.
    per_volume : bool
        Divide by the volumes of the cells, so that cells of different size compare.
    log : bool
        Logarithmic colours; zeros stay blank.
    **view
        `center`, `true_models`, `padding`, `limits` and `vertical_exaggeration` of `plot_models`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For another mesh or one in 1-D, cells or values that do not fit it, infinite or no values, negative ones with
        `log`, a center out of view, and a view of nothing.
    """
    active = checked_active(mesh, active_cells)
    values = checked_array("plot_cell_values.values", values, (int(active.sum()),), blanks=True)
    if per_volume:
        values = values / mesh.cell_volumes[active]
    if log:
        values = np.where(values == 0, np.nan, values)
    model = PropertyModel(title, unit, values, log=log)
    return plot_models(mesh, model, active_cells=active, **view)


def colors_on(planes, model, models) -> tuple[dict, str]:
    """Colours of `model`, shared with all `models` alike, from what the planes show of them."""
    alike = [m for m in models if (m.unit, m.signed, m.log) == (model.unit, model.signed, model.log)]
    shown = np.concatenate([plane.image(m.values).ravel() for m in alike for plane in planes])
    return shared_colors(shown, signed=model.signed, log=model.log, limits=model.color_limits)


def checked_truths(who, models, true_models, n_active) -> list:
    """The truth or None for each model, once every length is right."""
    truths = [None] * len(models) if true_models is None else list(true_models)
    if len(truths) != len(models):
        msg = f"{who}.true_models: got {len(truths)} for {len(models)} models. Give one (or None) for each."
        raise ValueError(msg)
    for model, truth in zip(models, truths, strict=True):
        checked_array(f"{who}.models {model.name!r}", model.values, (n_active,), blanks=True)
        if truth is not None:
            checked_array(f"{who}.true_models of {model.name!r}", truth, (n_active,), blanks=True)
    return truths


def draw_key(fig, *, crossing, boundary) -> None:
    """What the dashed and the black lines are, below everything."""
    lines = [("the other planes", CROSSING)] * crossing + [("true boundary", OUTLINE)] * boundary
    if lines:
        handles = [Line2D([], [], label=label, **style) for label, style in lines]
        fig.legend(handles=handles, loc="lower center", ncols=2, frameon=False)
