"""Misfits compared in a search for cluster centres."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter


def plot_center_search(search: Any) -> Figure:
    """Plot the misfit of bodies against a factor of their properties, with one panel per rock unit.

    Parameters
    ----------
    search : simpeg_jointdl.recipes.CenterSearch
        Result of `find_centers`, or any object with `names`, `units`, `curve` and `limits`.

    Returns
    -------
    matplotlib.figure.Figure
        Largest misfit per datum relative to the limit that noise allows, against the factor. Above the dashed line the
        data exclude the factor.

    Raises
    ------
    ValueError
        If there is nothing to plot, as without `refine`.
    """
    if not search.curve:
        msg = "plot_center_search.search: got a search without comparisons. Run find_centers with refine=True."
        raise ValueError(msg)
    n = len(search.units)
    fig = Figure(figsize=(12, 0.4 + 4.0 * ((n + 1) // 2)), layout="constrained")
    for unit, values in enumerate(search.units):
        first = fig.axes[0] if fig.axes else None
        ax = fig.add_subplot((n + 1) // 2, min(n, 2), unit + 1, sharex=first, sharey=first)
        found = ", ".join(f"{name} {value:.3g}" for name, value in zip(search.names, values, strict=True))
        ax.set(title=f"unit {unit + 1}: {found}", xlabel="factor", ylabel="χ / largest χ that noise explains")
        for which in (None, *range(len(search.names))):
            rows = sorted((c for c in search.curve if (c.unit, c.which) == (unit, which)), key=lambda c: c.factor)
            worst = [float(np.max(c.chi / search.limits)) for c in rows]
            label = "all properties" if which is None else f"{search.names[which]} alone"
            ax.plot([c.factor for c in rows], worst, "o-" if which is None else "o--", markersize=4, label=label)
        ax.axhline(1, color="black", linewidth=0.9, linestyle="--", label="largest χ that noise explains")
        ax.set(xscale="log", yscale="log")
        ax.set_xticks(sorted({c.factor for c in search.curve}))
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
            axis.set_minor_locator(NullLocator())
        ax.grid(alpha=0.3)
        ax.legend()
    return fig
