"""Cross-plot of two properties, with cluster centres and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ..data import PropertyModel
from ._checks import checked_array
from ._planes import HALO
from ._style import label_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..data import PropertyModel

_RING = {"marker": "o", "markersize": 15, "markerfacecolor": "none", "markeredgewidth": 2, "path_effects": HALO}
_SPREAD = 2.0  # standard deviations


def plot_crossplot(
    first: PropertyModel,
    second: PropertyModel,
    *,
    weights: ArrayLike | None = None,
    weights_label: str = "Sum of weights",
    centers: ArrayLike | None = None,
    memberships: ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Plot two properties against each other, as counts or weights of cells, or by cluster.

    Parameters
    ----------
    first, second : PropertyModel
        Properties on the horizontal and the vertical axis, on the same cells.
    weights : (n_active,) array_like, optional
        Weights to sum in each hexagon instead of counting cells, such as cell volumes. Cells of zero weight are left
        out.
    weights_label : str
        Label of the colourbar if there are weights, with their unit.
    centers : (n_clusters, 2) array_like, optional
        Cluster centres to mark.
    memberships : (n_active, n_clusters) array_like, optional
        Memberships of the cells in each cluster, as `GuidedFuzzyCMeans.memberships` returns them; rows sum to 1. Cells
        are then points in the colour of their cluster, with blended colours between clusters, instead of hexagons.
        Rings mark the centres, and ellipses two weighted standard deviations of the cells that belong mostly to a
        cluster.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the models differ in length; weights, centres or memberships do not fit them or are not finite; rows of
        memberships do not sum to 1 or have negative entries; or no cell has both properties and a weight.
    """
    n = (len(first.values),)
    x, y = first.values, checked_array(f"plot_crossplot.second {second.name!r}", second.values, n, blanks=True)
    heavy = np.ones(n) if weights is None else checked_array("plot_crossplot.weights", weights, n)
    keep = np.isfinite(x) & np.isfinite(y) & (heavy > 0)
    if not keep.any():
        msg = "plot_crossplot: got no cell with both properties and a weight above zero. Check the models."
        raise ValueError(msg)
    x, y, heavy = x[keep], y[keep], heavy[keep]
    fig = Figure(figsize=(8, 6.4), dpi=150, layout="constrained")
    ax = fig.add_subplot(title=title or "")
    ax.set(xlabel=label_of(first.name, first.unit), ylabel=label_of(second.name, second.unit))
    scales = {f"{axis}scale": "log" if m.log else "linear" for axis, m in (("x", first), ("y", second))}
    if centers is not None:
        centers = checked_array("plot_crossplot.centers", centers, (len(centers), 2))
    if memberships is None:
        cells = ax.hexbin(x, y, heavy, reduce_C_function=np.sum, gridsize=(50, 28), norm=LogNorm(), **scales)
        fig.colorbar(cells, ax=ax, label="Number of cells" if weights is None else weights_label)
        if centers is not None:
            ax.plot(*centers.T, color="tab:red", linestyle="none", label="cluster centre", **_RING)
            ax.legend()
    else:
        ax.set(**scales)
        belongs = _checked_memberships(memberships, n[0], centers)[keep]
        _draw_clusters(ax, np.column_stack([x, y]), heavy, belongs, centers, np.array([first.log, second.log]))
    ax.grid(alpha=0.3)
    ax.margins(0.05)
    return fig


def _draw_clusters(ax, points, heavy, belongs, centers, log) -> None:
    """Draw points in blended colours, a ring and an ellipse for each cluster, and the legend."""
    colors = np.array([colormaps["tab10"](k % 10)[:3] for k in range(belongs.shape[1])])
    ax.scatter(*points.T, c=(belongs @ colors).clip(0, 1), s=7, alpha=0.6, linewidths=0, rasterized=True)
    handles = []
    for k, color in enumerate(colors):
        handles.append(Line2D([], [], color=color, linestyle="none", marker="o", label=f"cluster {k + 1}"))
        amount = heavy * (belongs.argmax(axis=1) == k)
        if amount.sum() > 0:
            ax.plot(*_ellipse(points, amount, log).T, color=color, linewidth=1.8, path_effects=HALO)
        if centers is not None:
            ax.plot(*centers[k], color=color, linestyle="none", **{**_RING, "markerfacecolor": "white"})
    if centers is not None:
        handles.append(
            Line2D(
                [],
                [],
                color="0.3",
                linestyle="none",
                label="centre",
                **{**_RING, "markersize": 9, "markerfacecolor": "white"},
            )
        )
    handles.append(Line2D([], [], color="0.3", label=f"{_SPREAD:g} standard deviations"))
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=3)


def _ellipse(points, amount, log) -> np.ndarray:
    """Return an ellipse (n, 2) at `_SPREAD` standard deviations about the mean, on the axes of the figure."""
    points = np.where(log, np.log10(np.where(log, points, 1.0)), points)
    mean = np.average(points, axis=0, weights=amount)
    variances, axes = np.linalg.eigh(np.cov(points.T, aweights=amount, ddof=0))
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    curve = mean + _SPREAD * (circle * np.sqrt(variances.clip(0))) @ axes.T
    return np.where(log, 10.0 ** np.where(log, curve, 0.0), curve)


def _checked_memberships(memberships, n_active, centers) -> np.ndarray:
    n_clusters = np.size(memberships) // n_active if centers is None else len(centers)
    belongs = checked_array("plot_crossplot.memberships", memberships, (n_active, n_clusters))
    sums = belongs.sum(axis=1)
    if belongs.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        msg = (
            f"plot_crossplot.memberships: rows sum to {sums.min():.3g} to {sums.max():.3g}, the smallest entry is "
            f"{belongs.min():.3g}; wanted sums of 1 and no negative entries. Divide each row by its sum."
        )
        raise ValueError(msg)
    return belongs
