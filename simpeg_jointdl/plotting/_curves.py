"""Two properties against each other, and an inversion against its iterations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._checks import checked_array, label_of
from ._planes import HALO

_HISTORY = {
    "chi": "Misfit per datum χ",
    "beta": "Trade-off parameter β",
    "coupling_weight": "Coupling weight",
    "coupling_value": "Coupling value",
}


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
    x, y = first.values, checked_array(f"plot_crossplot.second {second.name!r}", second.values, n, blanks=True)
    heavy = np.ones(n) if weights is None else checked_array("plot_crossplot.weights", weights, n)
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
    ax.set(xlabel=label_of(first.name, first.unit), ylabel=label_of(second.name, second.unit))
    ax.grid(alpha=0.3)
    if centers is not None:
        marks = checked_array("plot_crossplot.centers", centers, (len(centers), 2))
        ring = {"markersize": 15, "markerfacecolor": "none", "markeredgewidth": 2, "path_effects": HALO}
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
            curve = checked_array(f"plot_convergence.history[{group!r}][{name!r}]", curve, (len(curve),), blanks=True)
            ax.plot(first_iteration + np.arange(len(curve)), curve, ".-", label=name)
            least = min(least, np.nanmin(curve))
        if group == "chi":
            ax.axhline(1, color="black", linewidth=0.9, linestyle="--", label="target")
        ax.set_yscale("log" if least > 0 else "linear")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
        ax.legend()
    return fig
