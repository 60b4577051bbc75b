"""Figures of data, models and inversions; every function returns a matplotlib Figure that the caller saves.

Figures are 1200 pixels wide and know no pyplot: nothing stays open, no display is needed. Signed quantities
are blue and red around a white zero, others run from dark to bright. The 0.5 % most extreme of the values
shown are left off the colours where they would double their range; the colourbar then ends in an arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10

import numpy as np
from discretize import TensorMesh, TreeMesh
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from scipy.spatial.distance import cdist

_HISTORY = {
    "chi": "Misfit per datum χ",
    "beta": "Trade-off parameter β",
    "coupling_weight": "Coupling weight",
    "coupling_value": "Coupling value",
}
_CROSSING = {"color": "black", "gapcolor": "white", "linewidth": 0.9, "linestyle": (0, (5, 4))}
_HALO = [withStroke(linewidth=3.0, foreground="white")]
_OUTLINE = {"color": "black", "linewidth": 1.4, "path_effects": _HALO}
_BLANK = "0.85"
_WIDTH, _LEFT, _BAR, _ABOVE, _BELOW = 12.0, 1.06, 1.3, 0.6, 0.6  # in inches


@dataclass(frozen=True, eq=False)
class DataFit:
    """Data of one kind, and what a model predicts for them.

    Parameters
    ----------
    name, unit : str
        For titles and colourbars.
    locations : (n_data, 3) array_like
        Easting, northing and elevation in m.
    observed, predicted, uncertainty : (n_data,) array_like
        In `unit`.
    """

    name: str
    unit: str
    locations: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    uncertainty: np.ndarray

    def __post_init__(self):
        n = np.size(self.observed)
        shapes = {"locations": (n, 3), "observed": (n,), "predicted": (n,), "uncertainty": (n,)}
        for key, shape in shapes.items():
            object.__setattr__(self, key, _array(f"DataFit.{key}", getattr(self, key), shape))
        if not (self.uncertainty > 0).all():
            msg = f"DataFit.uncertainty: got {self.uncertainty.min():g}, wanted all above zero. Set a floor."
            raise ValueError(msg)

    @property
    def residual(self) -> np.ndarray:
        """Predicted less observed, over the uncertainty."""
        return (self.predicted - self.observed) / self.uncertainty

    @property
    def chi(self) -> float:
        """Mean squared normalised residual: 1 where the data are fitted to their uncertainty."""
        return float(np.mean(self.residual**2))


@dataclass(frozen=True, eq=False)
class PropertyModel:
    """One property on the active cells, and how to show it.

    Parameters
    ----------
    name, unit : str
        For titles and colourbars.
    values : (n_active,) array_like
        Cells with nan stay blank.
    signed : bool
        Diverging colours, symmetric about zero.
    log : bool
        Logarithmic colours and axes, as for a resistivity.
    color_limits : tuple of float, optional
        Lowest and highest colour. Default: from what is shown of all models alike in unit, sign and log.
    """

    name: str
    unit: str
    values: np.ndarray
    signed: bool = False
    log: bool = False
    color_limits: tuple[float, float] | None = None

    def __post_init__(self):
        who = f"PropertyModel {self.name!r}"
        values = _array(f"{who}.values", self.values, (np.size(self.values),), blanks=True)
        object.__setattr__(self, "values", values)
        if self.log and (self.signed or np.nanmin(values) <= 0):
            msg = f"{who}: log=True with signed={self.signed}, least value {np.nanmin(values):g}; wanted > 0."
            raise ValueError(msg)


def plot_data_fit(datasets) -> Figure:
    """Maps of observed, predicted and normalised residual, one row per data set.

    Parameters
    ----------
    datasets : DataFit or sequence of DataFit
        Observed and predicted share their colours; those of the residual always run from -3 to 3.

    Returns
    -------
    matplotlib.figure.Figure
    """
    datasets = _listed("plot_data_fit.datasets", datasets, DataFit)
    tiles = [_tiles(data.locations[:, :2]) for data in datasets]
    spans = [np.ptp(tile, axis=(0, 1)) for tile in tiles]
    spans = [np.maximum(span, 0.25 * span.max()) for span in spans]  # room for the axes of a straight line
    fig, grid, bars = _figure([[span] * 3 for span in spans], bars=(1, 2))
    for data, tile, span, row, bar in zip(datasets, tiles, spans, grid, bars, strict=True):
        both = np.concatenate([data.observed, data.predicted])
        shared = _colors(both, signed=both.min() < 0 < both.max())
        symmetric = _colors(data.residual, signed=True, limits=(-3.0, 3.0))
        panels = [
            (f"{data.name}, observed", data.observed, shared),
            (f"{data.name}, predicted", data.predicted, shared),
            (f"{data.name}, residual, χ = {data.chi:.2f}", data.residual, symmetric),
        ]
        for ax, (title, values, (style, _)) in zip(row, panels, strict=True):
            scale = _length_axes(ax, ("Easting", "Northing"), span.max())
            corners = tile / scale
            ax.add_collection(PolyCollection(corners, array=values, edgecolors="face", linewidths=0.3, **style))
            middle = (corners.min(axis=(0, 1)) + corners.max(axis=(0, 1))) / 2
            low, high = middle - span / scale / 2, middle + span / scale / 2
            ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect=1.0, title=title, facecolor=_BLANK)
        _colorbar(bar[0], shared, data.name, data.unit)
        _colorbar(bar[1], symmetric, "(predicted − observed) / σ", "")
    return fig


def plot_models(
    mesh, models, *, active_cells=None, center=None, true_models=None, padding=0, limits=None, vertical_exaggeration=1.0
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
    """
    models = _listed("plot_models.models", models, PropertyModel)
    active = _active(mesh, active_cells)
    truths = _checked_truths(models, true_models, int(active.sum()))
    planes = _planes(mesh, active, _limits(mesh, active, padding, limits), center, models[0], vertical_exaggeration)
    spans = [plane.span * (1, plane.stretch) for plane in planes]
    fig, grid, bars = _figure([spans] * len(models), bars=(len(planes) - 1,), below=0.35)
    for model, truth, row, bar in zip(models, truths, grid, bars, strict=True):
        alike = [m for m in models if (m.unit, m.signed, m.log) == (model.unit, model.signed, model.log)]
        shown = np.concatenate([plane.image(m.values).ravel() for m in alike for plane in planes])
        colors = _colors(shown, signed=model.signed, log=model.log, limits=model.color_limits)
        for ax, plane in zip(row, planes, strict=True):
            plane.draw(ax, model, truth, colors[0])
        _colorbar(bar[0], colors, model.name, model.unit)
    _key(fig, crossing=mesh.dim == 3, boundary=any(truth is not None for truth in truths))
    return fig


def plot_cell_values(mesh, values, *, title, unit, active_cells=None, per_volume=False, log=False, **view) -> Figure:
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
    """
    active = _active(mesh, active_cells)
    values = _array("plot_cell_values.values", values, (int(active.sum()),), blanks=True)
    if per_volume:
        values = values / mesh.cell_volumes[active]
    if log:
        values = np.where(values == 0, np.nan, values)
    model = PropertyModel(title, unit, values, log=log)
    return plot_models(mesh, model, active_cells=active, **view)


def plot_crossplot(first, second, *, weights=None, weights_label="Sum of weights", centers=None, title=None) -> Figure:
    """How many cells, or how much weight, have which pair of properties.

    Parameters
    ----------
    first, second : PropertyModel
        Along the horizontal and the vertical axis; on the same cells.
    weights : (n_active,) array_like, optional
        Added up in each hexagon, in place of counting cells; the volumes of the cells, say.
    weights_label : str
        Of the colourbar if there are weights; with their unit.
    centers : (n_clusters, 2) array_like, optional
        Cluster centres to mark.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    n = (len(first.values),)
    x, y = first.values, _array(f"plot_crossplot.second {second.name!r}", second.values, n, blanks=True)
    heavy = np.ones(n) if weights is None else _array("plot_crossplot.weights", weights, n)
    keep = np.isfinite(x) & np.isfinite(y) & (heavy > 0)
    if not keep.any():
        msg = "plot_crossplot: no cell has both properties and a weight above zero. Check the models."
        raise ValueError(msg)
    fig = Figure(figsize=(8, 6.4), dpi=150, layout="constrained")
    ax = fig.add_subplot(title=title or "")
    scales = {f"{axis}scale": "log" if m.log else "linear" for axis, m in (("x", first), ("y", second))}
    cells = ax.hexbin(
        x[keep], y[keep], heavy[keep], reduce_C_function=np.sum, gridsize=(50, 28), norm=LogNorm(), **scales
    )
    fig.colorbar(cells, ax=ax, label="Number of cells" if weights is None else weights_label)
    ax.set(xlabel=_label(first.name, first.unit), ylabel=_label(second.name, second.unit))
    ax.grid(alpha=0.3)
    if centers is not None:
        marks = _array("plot_crossplot.centers", centers, (len(centers), 2))
        ring = {"markersize": 15, "markerfacecolor": "none", "markeredgewidth": 2, "path_effects": _HALO}
        ax.plot(*marks.T, "o", color="tab:red", label="cluster centre", **ring)
        ax.legend()
    ax.margins(0.05)
    return fig


def plot_convergence(history, *, first_iteration=1) -> Figure:
    """Misfits, trade-off parameters, coupling weights and coupling values against the iteration.

    Parameters
    ----------
    history : dict of str to dict of str to sequence of float
        ``{group: {name: one value per iteration}}`` with groups ``"chi"``, ``"beta"``, ``"coupling_weight"``
        and ``"coupling_value"``; a panel for each that is there. Gaps are nan.
    first_iteration : int
        Number of the first entry: 0 if it is the starting model's.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not history or not set(history) <= set(_HISTORY):
        msg = f"plot_convergence.history: got groups {list(history)}, wanted some of {list(_HISTORY)}."
        raise ValueError(msg)
    groups = [group for group in _HISTORY if group in history]
    shape = ((len(groups) + 1) // 2, min(2, len(groups)))
    fig = Figure(figsize=(12, 0.4 + 3.6 * shape[0]), layout="constrained")
    for panel, group in enumerate(groups, start=1):
        first = fig.axes[0] if fig.axes else None
        ax = fig.add_subplot(*shape, panel, sharex=first, xlabel="Iteration", ylabel=_HISTORY[group])
        curves = history[group]
        if not isinstance(curves, Mapping) or not curves:
            msg = f"plot_convergence.history[{group!r}]: got {curves!r:.60}, wanted {{name: values}}."
            raise ValueError(msg)
        least = np.inf
        for name, curve in curves.items():
            curve = _array(f"plot_convergence.history[{group!r}][{name!r}]", curve, (len(curve),), blanks=True)
            ax.plot(first_iteration + np.arange(len(curve)), curve, ".-", label=name)
            least = min(least, np.nanmin(curve))
        if group == "chi":
            ax.axhline(1, color="black", linewidth=0.9, linestyle="--", label="target")
        ax.set_yscale("log" if least > 0 else "linear")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
        ax.legend()
    return fig


class _Plane:
    """The cells on one plane, seen on the finest grid of the mesh, so that Tensor and TreeMesh are one."""

    def __init__(self, mesh, active, limits, center, normal, stretch):
        self.center, self.normal, self.stretch = center, normal, stretch
        self.across = [axis for axis in range(mesh.dim) if axis != normal]
        self.extent = np.ptp(limits, axis=1).max()
        self.edges, middles = [], []
        for axis in self.across:
            nodes = mesh.origin[axis] + np.concatenate([[0.0], np.cumsum(mesh.h[axis])])
            low, high = limits[axis] + np.array([1e-6, -1e-6]) * mesh.h[axis].min()
            seen = np.flatnonzero((nodes[1:] > low) & (nodes[:-1] < high))
            self.edges.append(nodes[seen[0] : seen[-1] + 2])
            middles.append((nodes[seen] + nodes[seen + 1]) / 2)
        self.span = np.array([np.ptp(edges) for edges in self.edges])
        points = np.tile(center, (len(middles[1]), len(middles[0]), 1))
        points[..., self.across] = np.stack(np.meshgrid(*middles), axis=-1)
        self._cells = np.asarray(mesh.point2index(points.reshape(-1, mesh.dim))).reshape(points.shape[:-1])
        self._active = active

    def image(self, values) -> np.ndarray:
        """(n_vertical, n_horizontal) values, nan where cells are inactive."""
        full = np.full(len(self._active), np.nan)
        full[self._active] = values
        return full[self._cells]

    def draw(self, ax, model, truth, style) -> None:
        """Values, outlines of the truth, and dashes where the other planes cross."""
        names = ("Distance", "Elevation") if self.normal is None else ("Easting", "Northing", "Elevation")
        scale = _length_axes(ax, [names[axis] for axis in self.across], self.extent)
        x, y = (edges / scale for edges in self.edges)
        ax.pcolormesh(x, y, np.ma.masked_invalid(self.image(model.values)), rasterized=True, **style)
        ax.set(facecolor=_BLANK, xlim=x[[0, -1]], ylim=y[[0, -1]], aspect=self.stretch, title=model.name)
        if truth is not None:
            jump = 0.05 * (np.nanmax(truth) - np.nanmin(truth))
            ax.add_collection(LineCollection(_faces(x, y, self.image(truth), jump), **_OUTLINE))
        if self.normal is not None:
            kind = ("S–N section", "W–E section", "map")[self.normal]
            where = _place(self.center[self.normal] / scale, self.extent / scale, scale)
            ax.set_title(f"{model.name}\n{kind} at {names[self.normal].lower()} {where}", fontsize=11, pad=9)
            ax.axvline(self.center[self.across[0]] / scale, **_CROSSING)
            ax.axhline(self.center[self.across[1]] / scale, **_CROSSING)


def _planes(mesh, active, limits, center, model, vertical_exaggeration) -> list[_Plane]:
    """Map, west-east and south-north section through `center`; of a 2-D mesh its one section."""
    if center is None:
        center = _anomaly_center(mesh, active, limits, model)
    center = _array("plot_models.center", center, (mesh.dim,))
    if ((center < limits[:, 0]) | (center > limits[:, 1])).any():
        msg = f"plot_models.center: got {center}, wanted a point in view, {limits.tolist()}. Move it there."
        raise ValueError(msg)
    normals = (2, 1, 0) if mesh.dim == 3 else (None,)
    stretches = [1.0 if normal == 2 else float(vertical_exaggeration) for normal in normals]
    return [_Plane(mesh, active, limits, center, *each) for each in zip(normals, stretches, strict=True)]


def _anomaly_center(mesh, active, limits, model) -> np.ndarray:
    """Cell around which most anomaly is gathered: in the middle of a block, and at no lone spike."""
    values = np.log(model.values) if model.log else model.values
    anomaly = np.nan_to_num(np.abs(values - (0.0 if model.signed else np.nanmedian(values))))
    centers = mesh.cell_centers[active]
    seen = ((centers > limits[:, 0]) & (centers < limits[:, 1])).all(axis=1) & (anomaly > 0)
    if not seen.any():
        return limits.mean(axis=1)
    strong = np.flatnonzero(seen & (anomaly >= np.quantile(anomaly[seen], 0.95)))
    strong = strong[:: len(strong) // 2000 + 1]
    points = centers[strong] / (0.1 * np.ptp(limits, axis=1))
    amount = np.sqrt(anomaly[strong]) * mesh.cell_volumes[active][strong]
    gathered = np.exp(-0.5 * cdist(points, points, "sqeuclidean")) @ amount
    return centers[strong[np.argmax(gathered)]]


def _limits(mesh, active, padding, limits) -> np.ndarray:
    """(dim, 2) view: as asked for, or the active cells without the padding."""
    half, centers = mesh.h_gridded[active] / 2, mesh.cell_centers[active]
    view = np.column_stack([(centers - half).min(axis=0), (centers + half).max(axis=0)])
    if limits is not None:
        asked = _array("plot_models.limits", limits, (mesh.dim, 2))
        view = np.column_stack([np.maximum(view[:, 0], asked[:, 0]), np.minimum(view[:, 1], asked[:, 1])])
    if padding < 0 or (padding and isinstance(mesh, TreeMesh)):
        msg = f"plot_models.padding: got {padding}, wanted >= 0, and 0 on a TreeMesh. Pass limits instead."
        raise ValueError(msg)
    if padding:
        for axis, h in enumerate(mesh.h):
            view[axis, 0] = max(view[axis, 0], mesh.origin[axis] + h[:padding].sum())
            if axis < mesh.dim - 1:
                view[axis, 1] = min(view[axis, 1], mesh.origin[axis] + h[:-padding].sum())
    if (view[:, 0] >= view[:, 1]).any():
        msg = f"plot_models: nothing is left in view, {view.tolist()}. Use less padding or wider limits."
        raise ValueError(msg)
    return view


def _checked_truths(models, true_models, n_active) -> list:
    """The truth or None for each model, once every length is right."""
    truths = [None] * len(models) if true_models is None else list(true_models)
    if len(truths) != len(models):
        msg = f"plot_models.true_models: got {len(truths)} for {len(models)} models. Give one (or None) for each."
        raise ValueError(msg)
    for model, truth in zip(models, truths, strict=True):
        _array(f"plot_models.models {model.name!r}", model.values, (n_active,), blanks=True)
        if truth is not None:
            _array(f"plot_models.true_models of {model.name!r}", truth, (n_active,), blanks=True)
    return truths


def _key(fig, *, crossing, boundary) -> None:
    """What the dashed and the black lines are, below everything."""
    lines = [("the other planes", _CROSSING)] * crossing + [("true boundary", _OUTLINE)] * boundary
    if lines:
        handles = [Line2D([], [], label=label, **style) for label, style in lines]
        fig.legend(handles=handles, loc="lower center", ncols=2, frameon=False)


def _faces(x, y, image, jump) -> list:
    """Faces over which `image` changes by more than `jump`, as line segments."""
    row, column = np.nonzero(np.abs(np.diff(image, axis=1)) > jump)
    upright = [((x[j + 1], y[i]), (x[j + 1], y[i + 1])) for i, j in zip(row, column, strict=True)]
    row, column = np.nonzero(np.abs(np.diff(image, axis=0)) > jump)
    return upright + [((x[j], y[i + 1]), (x[j + 1], y[i + 1])) for i, j in zip(row, column, strict=True)]


def _tiles(xy) -> np.ndarray:
    """(n, 4, 2) corners of a tile about each station: the cell of their grid, or of their mean spacing."""
    lines = [np.unique(np.round(x, 2)) for x in xy.T]
    if len(lines[0]) * len(lines[1]) <= 1.5 * len(xy) and min(map(len, lines)) > 1:
        size = np.array([np.median(np.diff(line)) for line in lines])
    else:
        variance = np.linalg.eigvalsh(np.cov(xy.T, ddof=0))  # of a rectangle: its sides squared over 12
        sides = np.sqrt(12 * variance.clip(0))
        size = max(np.sqrt(sides.prod() / len(xy)), sides.max() / len(xy)) or 1.0
    return xy[:, None] + np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * size


def _figure(spans, bars, below=0.0) -> tuple[Figure, list, list]:
    """Figure with axes shaped as `spans` (rows of width, height) and colourbar axes right of columns `bars`.

    Placed by hand: constrained layout runs titles into one another where axes have a fixed aspect.
    """
    widths = np.max([[width for width, _ in row] for row in spans], axis=0)
    widths = np.maximum(widths / widths.sum(), 0.6 / len(widths))
    widths = widths / widths.sum() * (_WIDTH - _LEFT * len(widths) - _BAR * len(bars))
    scales = [min(min(inches / w, 6.0 / h) for inches, (w, h) in zip(widths, row, strict=True)) for row in spans]
    heights = [max(scale * max(h for _, h in row), 1.6) for scale, row in zip(scales, spans, strict=True)]
    total = sum(heights) + (_ABOVE + _BELOW) * len(spans) + below
    fig = Figure(figsize=(_WIDTH, total))
    grid, bar_grid, top = [], [], total
    for row, scale, height in zip(spans, scales, heights, strict=True):
        top, left = top - _ABOVE, 0.0
        boxes, bar_boxes = [], []
        for column, (w, h) in enumerate(row):
            left += _LEFT
            boxes.append((left, top - scale * h, scale * w, scale * h))
            left += widths[column]
            if column in bars:
                bar_boxes.append((left + 0.36, top - height, 0.16, height))
                left += _BAR
        top -= height + _BELOW
        inch = np.array([_WIDTH, total, _WIDTH, total])
        grid.append([fig.add_axes(box / inch) for box in boxes])
        bar_grid.append([fig.add_axes(box / inch) for box in bar_boxes])
    return fig, grid, bar_grid


def _colors(values, *, signed=False, log=False, limits=None) -> tuple[dict, str]:
    """Norm and map for what shares a colourbar, and the ends of that bar which something lies beyond."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        msg = "plotting: no cell in view has a value. Move the center or the limits."
        raise ValueError(msg)
    forward, back = (np.log10, lambda v: 10.0**v) if log else (np.asarray, np.asarray)
    values = forward(values)
    low, high = _robust_range(np.concatenate([values, -values]) if signed else values)
    if limits is not None:
        low, high = forward(limits)
    slack = 1e-9 * (high - low)
    ends = (values.min() < low - slack, values.max() > high + slack)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[ends]
    norm = (LogNorm if log else Normalize)(*back(np.array([low, high])))
    return {"norm": norm, "cmap": "RdBu_r" if signed else "viridis"}, extend


def _robust_range(values) -> tuple[float, float]:
    """Least and greatest value, but those beyond twice the range of the central 99.5 %."""
    low, high = np.quantile(values, (0.0025, 0.9975))
    if low == high:
        low, high = values.min(), values.max()
    reach = high - low
    low, high = values[values >= low - reach].min(), values[values <= high + reach].max()
    margin = 0.0 if low < high else 0.5 * abs(low) or 1.0
    return low - margin, high + margin


def _colorbar(cax, colors, name, unit) -> None:
    """Colourbar with name and unit; the unit alone where a low bar has no room (titles hold the name)."""
    style, extend = colors
    room = 12.5 * cax.get_position().height * cax.figure.get_figheight()
    label = _label(name, unit) if len(_label(name, unit)) <= room else unit or name
    cax.figure.colorbar(ScalarMappable(**style), cax=cax, extend=extend, label=label)


def _length_axes(ax, names, extent) -> float:
    """Label both axes, in km above 5 km; metres in that unit."""
    scale, unit = (1000.0, "km") if extent > 5000 else (1.0, "m")
    ax.set(xlabel=f"{names[0]} ({unit})", ylabel=f"{names[1]} ({unit})")
    ax.ticklabel_format(style="plain", useOffset=False)
    inches = ax.get_position().width * ax.figure.get_figwidth()
    ax.xaxis.set_major_locator(MaxNLocator(max(1, int(inches / 0.62)), steps=[1, 2, 5, 10]))
    return scale


def _place(value, extent, scale) -> str:
    text = f"{value:.{max(0, 3 - floor(log10(extent)))}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {'km' if scale > 1 else 'm'}".replace("-", "−")


def _label(name, unit) -> str:
    return f"{name} ({unit})" if unit else name


def _listed(who, items, kind) -> list:
    items = [items] if isinstance(items, kind) else list(items)
    if not items or not all(isinstance(item, kind) for item in items):
        msg = f"{who}: got {[type(item).__name__ for item in items]}, wanted at least one {kind.__name__}."
        raise ValueError(msg)
    return items


def _active(mesh, active_cells) -> np.ndarray:
    if not isinstance(mesh, TensorMesh | TreeMesh) or mesh.dim == 1:
        msg = f"plotting: got a {type(mesh).__name__}, wanted a 2-D or 3-D TensorMesh or TreeMesh."
        raise ValueError(msg)
    active = np.ones(mesh.n_cells, dtype=bool) if active_cells is None else np.asarray(active_cells)
    if active.dtype != bool or active.shape != (mesh.n_cells,) or not active.any():
        msg = f"plotting, active_cells: got {active.dtype} {active.shape}, wanted bool ({mesh.n_cells},), some True."
        raise ValueError(msg)
    return active


def _array(who, values, shape, *, blanks=False) -> np.ndarray:
    """Read-only float64 copy of the given shape; finite, or with some nan where `blanks` are allowed."""
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        msg = f"{who}: got shape {array.shape}, wanted {shape}. Give one entry per datum, active cell or axis."
        raise ValueError(msg)
    if np.isinf(array).any() or (np.isnan(array).all() if blanks else np.isnan(array).any()):
        msg = f"{who}: got nan or infinite entries, or none. Drop them first."
        raise ValueError(msg)
    array.flags.writeable = False
    return array
