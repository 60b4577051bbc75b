"""Models in 3-D with pyvista."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike

from .._core import validation as check
from .._core.optional import required
from ..data import PropertyModel
from ..io import on_all_cells, to_vtk
from ._checks import checked_active
from ._models import checked_truths
from ._planes import view_limits
from ._style import label_of, length_scale, shared_colors

_PANEL = (800, 700)  # pixels
_VIEWPOINT = (-1.0, -1.4, 0.9)  # from the south-south-west, above
_VALUES = "values"
_LIGHT = {"ambient": 0.45, "diffuse": 0.6, "specular": 0.0}  # weak shading, so that colours agree with the colourbar
_BAR = {
    "vertical": True,
    "position_x": 0.89,
    "position_y": 0.25,
    "width": 0.05,
    "height": 0.5,
    "title_font_size": 16,
    "label_font_size": 14,
    "color": "black",
}


def show_3d(
    mesh: TensorMesh | TreeMesh,
    models: PropertyModel | Sequence[PropertyModel],
    *,
    active_cells: ArrayLike | None = None,
    thresholds: Mapping[str, float | tuple[float, float]] | None = None,
    isovalues: Mapping[str, Sequence[float]] | None = None,
    true_models: Sequence[ArrayLike | None] | None = None,
    limits: ArrayLike | None = None,
    vertical_exaggeration: float = 1.0,
    screenshot: str | os.PathLike[str] | None = None,
) -> Any:
    """Show bodies in 3-D, with one linked view for each model.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D, in m.
    models : PropertyModel or sequence of PropertyModel
        Models to plot. Models of the same unit have the same colours.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    thresholds : dict of str to (float or tuple of float), optional
        Threshold of each model in its unit. ``{name: t}`` shows the cells with values of at least t, or absolute values
        of at least t if the model is signed; ``{name: (low, high)}`` shows values from low to high. By default the
        middle of the colour scale, or of each half of it for a signed model.
    isovalues : dict of str to sequence of float, optional
        Values of surfaces to show instead of cells, ``{name: values}``. The surfaces are smooth, since values are
        averaged from cells to nodes.
    true_models : sequence of (n_active,) array_like or None, optional
        True model of each property; the edges of its bodies are drawn in black.
    limits : (3, 2) array_like, optional
        Lowest and highest coordinate shown along each axis in m; by default those of the active cells.
    vertical_exaggeration : float
        Vertical exaggeration.
    screenshot : str or path, optional
        PNG file to write without opening a window.

    Returns
    -------
    pyvista.Plotter
        Plotter; call its `show()`, or with a `screenshot` its `close()`.

    Raises
    ------
    ImportError
        If pyvista is not installed: ``pip install "simpeg_jointdl[plot3d]"``.
    ValueError
        If the mesh is not in 3-D, cells, models or true models do not fit it, a name is unknown, or nothing is shown.
    """
    pyvista = required("pyvista", "plotting.show_3d")
    models = check.listed("show_3d.models", models, PropertyModel)
    active = checked_active("show_3d", mesh, active_cells)
    if mesh.dim != 3:
        msg = f"show_3d: got a {mesh.dim}-D mesh, wanted a 3-D mesh. Use plot_models."
        raise ValueError(msg)
    truths = checked_truths("show_3d", models, true_models, int(active.sum()))
    thresholds, isovalues = (
        _checked_names(f"show_3d.{key}", given, models)
        for key, given in (("thresholds", thresholds), ("isovalues", isovalues))
    )
    view = view_limits(mesh, active, 0, limits)
    seen = active & ((mesh.cell_centers > view[:, 0]) & (mesh.cell_centers < view[:, 1])).all(axis=1)
    if not seen.any():
        msg = f"show_3d: got no active cell with its centre within {view.tolist()}. Use wider limits."
        raise ValueError(msg)
    picture = _checked_picture(screenshot)
    size = (_PANEL[0] * len(models), _PANEL[1])
    off_screen = True if picture else None  # None leaves the choice to pyvista
    plotter = pyvista.Plotter(shape=(1, len(models)), window_size=size, off_screen=off_screen, border=False)
    whole = pyvista.wrap(to_vtk(mesh, {})).cast_to_unstructured_grid()
    whole.points[:, 2] *= vertical_exaggeration
    for column, (model, truth) in enumerate(zip(models, truths, strict=True)):
        plotter.subplot(0, column)
        style, clim = _colors(models, model, seen[active])
        grid = _with_values(whole, on_all_cells(active, model.values), seen)
        surfaces = np.atleast_1d(isovalues.get(model.name, []))
        if len(surfaces):
            body = grid.cell_data_to_point_data().contour(surfaces, scalars=_VALUES)
        else:
            body = grid.extract_cells(_shown(grid[_VALUES], model, thresholds.get(model.name), clim))
        if body.n_points:
            # pyvista combines colourbars of the same title; blanks make the titles different
            bar = {**_BAR, "title": model.unit + " " * (column + 1), "fmt": _number_format(pyvista)}
            look = {"opacity": 0.5 if len(surfaces) > 1 else 1.0, "log_scale": model.log, **style, **_LIGHT}
            plotter.add_mesh(body, scalars=_VALUES, clim=clim, scalar_bar_args=bar, **look)
        if truth is not None:
            for edges in _edges(_with_values(whole, on_all_cells(active, truth), seen)):
                plotter.add_mesh(edges, color="black", line_width=3)
        _furnish(plotter, pyvista, view, label_of(model.name, model.unit), vertical_exaggeration)
    plotter.link_views()
    if picture:
        plotter.screenshot(picture)
    return plotter


def _checked_picture(screenshot) -> str | None:
    if screenshot is None:
        return None
    path = pathlib.Path(screenshot).expanduser()
    if not path.parent.is_dir():
        msg = f"show_3d.screenshot: there is no folder {path.parent}. Create it first."
        raise FileNotFoundError(msg)
    return str(path)


def _checked_names(who, given, models) -> dict:
    given = dict(given or {})
    names = [model.name for model in models]
    if not set(given) <= set(names):
        msg = f"{who}: got names {sorted(given)}, wanted some of {names}. Use those of the models."
        raise ValueError(msg)
    return given


def _colors(models, model, seen) -> tuple[dict, tuple[float, float]]:
    """Return colour map and limits, shared by all similar models."""
    alike = [m.values[seen] for m in models if (m.unit, m.signed, m.log) == (model.unit, model.signed, model.log)]
    style, _ = shared_colors(np.concatenate(alike), signed=model.signed, log=model.log, limits=model.color_limits)
    return {"cmap": style["cmap"]}, (float(style["norm"].vmin), float(style["norm"].vmax))


def _with_values(whole, values, seen):
    """Return the grid of shown cells that have a value, with their values."""
    kept = seen & np.isfinite(values)
    grid = whole.extract_cells(kept)
    grid.clear_data()
    grid.cell_data[_VALUES] = values[kept]
    return grid


def _shown(values, model, threshold, clim) -> np.ndarray:
    """Return which cells to show; see `thresholds`."""
    if threshold is None:
        low, high = clim
        threshold = np.sqrt(low * high) if model.log else high / 2 if model.signed else (low + high) / 2
    if np.ndim(threshold) > 0:
        low, high = threshold
        return (values >= low) & (values <= high)
    return (np.abs(values) if model.signed else values) >= threshold


def _edges(grid) -> list:
    """Return the edges of the true bodies: cells of equal value, except the most common value by volume."""
    values, which = np.unique(grid[_VALUES], return_inverse=True)
    volumes = np.bincount(which, weights=grid.compute_cell_sizes(length=False, area=False)["Volume"])
    if len(values) > 10:  # a graded model: everything that differs from the background is one body
        background = values[volumes.argmax()]
        bodies = [np.abs(grid[_VALUES] - background) > 0.05 * np.ptp(values)]
    else:
        bodies = [which == k for k in range(len(values)) if k != volumes.argmax()]
    return [
        grid.extract_cells(body).extract_surface(algorithm="dataset_surface").extract_feature_edges(30)
        for body in bodies
        if body.any()
    ]


def _furnish(plotter, pyvista, view, title, vertical_exaggeration) -> None:
    """Add axes with units, a title and the viewpoint."""
    scale, unit = length_scale(np.ptp(view, axis=1).max())
    drawn = view * np.array([[1.0], [1.0], [vertical_exaggeration]])
    n_labels = np.maximum(2, np.rint(5 * np.ptp(drawn, axis=1) / np.ptp(drawn, axis=1).max())).astype(int)
    plotter.set_background("white")
    plotter.add_text(title, position="upper_edge", font_size=10, color="black")
    plotter.show_bounds(
        bounds=drawn.ravel().tolist(),
        axes_ranges=(view.ravel() / scale).tolist(),
        grid="back",
        location="outer",
        xtitle=f"Easting ({unit})",
        ytitle=f"Northing ({unit})",
        ztitle=f"Elevation ({unit})",
        n_xlabels=int(n_labels[0]),
        n_ylabels=int(n_labels[1]),
        n_zlabels=int(n_labels[2]),
        fmt=_number_format(pyvista),
        color="black",
        font_size=10,
    )
    plotter.view_vector(_VIEWPOINT)
    plotter.camera.zoom(0.88)


def _number_format(pyvista) -> str:
    """Return a format of four digits in the syntax of the installed VTK version."""
    return "%.4g" if pyvista.vtk_version_info < (9, 6, 0) else "{0:.4g}"
