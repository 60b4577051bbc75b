"""Models, or any value per cell, on planes through a mesh."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from discretize import TensorMesh, TreeMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from .._core import validation as check
from ..data import PropertyModel
from ._checks import checked_active, checked_array
from ._planes import CROSSING, OUTLINE, planes_through, view_limits
from ._style import colorbar, lay_out, shared_colors


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
    """Plot a depth slice, a west-east and a south-north section of each model, one row per model.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in m. A 2-D mesh is a single section, distance against elevation.
    models : PropertyModel or sequence of PropertyModel
        Models to plot. Models of the same unit have the same colours.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active. Inactive cells are grey.
    center : (dim,) array_like, optional
        Intersection of the planes in m; by default inside the strongest anomaly of the first model.
    true_models : sequence of (n_active,) array_like or None, optional
        True model of each property. Faces across which it changes by more than 5 % of its range are drawn in black.
    padding : int
        Number of cells on each side and at the bottom of a TensorMesh that are not shown.
    limits : (dim, 2) array_like, optional
        Lowest and highest coordinate shown along each axis in m; by default those of the active cells.
    vertical_exaggeration : float
        Vertical exaggeration of the sections.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the mesh is not a TensorMesh or TreeMesh in 2-D or 3-D, cells, models or true models do not fit it, there is
        no model, the center is outside of the view, or nothing is shown.
    """
    models = check.listed("plot_models.models", models, PropertyModel)
    active = checked_active("plot_models", mesh, active_cells)
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
    title: str,
    unit: str,
    active_cells: ArrayLike | None = None,
    per_volume: bool = False,
    log: bool = False,
    center: ArrayLike | None = None,
    true_models: Sequence[ArrayLike | None] | None = None,
    padding: int = 0,
    limits: ArrayLike | None = None,
    vertical_exaggeration: float = 1.0,
) -> Figure:
    """Plot one value per cell, such as the `cell_values` of a coupling, on the planes of `plot_models`.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in m.
    values : (n_active,) array_like
        Values that are not signed; the colours run from dark to bright.
    title, unit : str
        Name and unit of the plotted values, after the division by volumes.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    per_volume : bool
        Whether to divide by the cell volumes, so that cells of different size can be compared.
    log : bool
        Whether to use logarithmic colours; zeros stay blank.
    center, true_models, padding, limits, vertical_exaggeration
        Options of the view, as for `plot_models`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the mesh is not a TensorMesh or TreeMesh in 2-D or 3-D, cells or values do not fit it, values are infinite,
        all nan or, with `log`, negative, the center is outside of the view, or nothing is shown.
    """
    active = checked_active("plot_cell_values", mesh, active_cells)
    values = checked_array("plot_cell_values.values", values, (int(active.sum()),), blanks=True)
    if per_volume:
        values = values / mesh.cell_volumes[active]
    if log:
        values = np.where(values == 0, np.nan, values)
    model = PropertyModel(title, unit, values, log=log)
    return plot_models(
        mesh, model, active_cells=active, center=center, true_models=true_models, padding=padding, limits=limits,
        vertical_exaggeration=vertical_exaggeration,
    )  # fmt: skip


def colors_on(planes, model, models) -> tuple[dict, str]:
    """Return the colours of `model`, from the values of all similar `models` on the planes."""
    alike = [m for m in models if (m.unit, m.signed, m.log) == (model.unit, model.signed, model.log)]
    shown = np.concatenate([plane.image(m.values).ravel() for m in alike for plane in planes])
    return shared_colors(shown, signed=model.signed, log=model.log, limits=model.color_limits)


def checked_truths(who, models, true_models, n_active) -> list:
    """Return the true model or None for each model, after a check of their lengths."""
    truths = [None] * len(models) if true_models is None else list(true_models)
    if len(truths) != len(models):
        msg = f"{who}.true_models: got {len(truths)} for {len(models)} models. Give one, or None, for each."
        raise ValueError(msg)
    for model, truth in zip(models, truths, strict=True):
        checked_array(f"{who}.models {model.name!r}", model.values, (n_active,), blanks=True)
        if truth is not None:
            checked_array(f"{who}.true_models of {model.name!r}", truth, (n_active,), blanks=True)
    return truths


def draw_key(fig, *, crossing, boundary) -> None:
    """Draw the legend of the dashed and the black lines below the panels."""
    lines = [("the other planes", CROSSING)] * crossing + [("true boundary", OUTLINE)] * boundary
    if lines:
        handles = [Line2D([], [], label=label, **style) for label, style in lines]
        fig.legend(handles=handles, loc="lower center", ncols=2, frameon=False)
