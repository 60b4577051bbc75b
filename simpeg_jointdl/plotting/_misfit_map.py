"""Map of the misfit of each station."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter
from numpy.typing import ArrayLike

from ._checks import checked_array
from ._style import colorbar, length_axes

_TICKS = (
    (0.2, 0.5, 1, 2, 5),
    (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)  # ticks of the colourbar for a small and a large range
_PLACES = (  # of a name beside its symbol: offset in points, and alignment
    ((7, 0), "left", "center"),
    ((-7, 0), "right", "center"),
    ((0, 7), "center", "bottom"),
    ((0, -7), "center", "top"),
    ((5, 5), "left", "bottom"),
    ((-5, -5), "right", "top"),
)


def plot_misfit_map(
    locations: ArrayLike,
    chi: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Plot a map of stations, coloured by their misfit.

    Parameters
    ----------
    locations : (n, 2) or (n, 3) array_like
        Easting and northing (and elevation) in m.
    chi : (n,) array_like
        Mean squared residual of each station, as from `MTSoundings.chi`. A station without data (nan) is a cross.
    names : sequence of str, optional
        Names of the stations, which are shown where there is space.
    limits : (float, float), optional
        Ends of the colour scale; by default 1/k and k, where k from 2 to 30 is the largest χ or 1/χ.
    title : str, optional
        Title; by default the number of stations with χ up to 1.

    Returns
    -------
    matplotlib.figure.Figure
        Map with logarithmic colours: white is χ = 1, blue is a smaller and red a larger misfit.

    Raises
    ------
    ValueError
        If shapes do not fit, a χ is negative, or there is no value.
    """
    xy = np.asarray(locations, dtype=np.float64)
    xy = checked_array("plot_misfit_map.locations", xy[..., :2], (len(xy), 2))
    chi = checked_array("plot_misfit_map.chi", chi, (len(xy),), blanks=True)
    if (chi < 0).any():
        msg = f"plot_misfit_map.chi: got {np.nanmin(chi):g}, wanted all >= 0. Give χ, not its logarithm."
        raise ValueError(msg)
    known = np.isfinite(chi)
    if limits is None:
        reach = float(np.exp(np.abs(np.log(np.maximum(chi[known], 1e-3))).max()).clip(2.0, 30.0))
        limits = (1 / reach, reach)
    ends = chi[known].min() < limits[0] * (1 - 1e-9), chi[known].max() > limits[1] * (1 + 1e-9)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[ends]
    style = {"norm": LogNorm(*limits), "cmap": "RdBu_r"}
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    span = np.ptp(xy, axis=0)
    span = np.maximum(1.16 * span, 0.3 * span.max() or 1000.0)
    fig, ax, bar = _axes(span)
    scale = length_axes(ax, ("Easting", "Northing"), span.max())
    low, high = (middle - span / 2) / scale, (middle + span / 2) / scale
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect=1.0)
    mark = {"s": 60, "linewidths": 0.8, "zorder": 3}
    # values beyond the colour scale, zero included, have the colour of its end
    best_first = np.flatnonzero(known)[np.argsort(chi[known], kind="stable")]  # the largest misfit is on top
    colors = np.maximum(chi[best_first], 0.5 * limits[0])
    ax.scatter(*xy[best_first].T / scale, c=colors, edgecolors="black", **mark, **style)
    ax.scatter(*xy[~known].T / scale, marker="x", c="0.4", **mark)
    ax.grid(alpha=0.3)
    fitted = f"χ ≤ 1 at {int((chi <= 1).sum())} of {int(known.sum())} stations"
    fitted += "" if known.all() else f", {int((~known).sum())} without data"
    ax.set_title(fitted if title is None else title)
    colorbar(bar, (style, extend), "Misfit per datum χ", "")
    ticks = _TICKS[limits[1] > 25 * limits[0]]
    bar.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if limits[0] <= tick <= limits[1]]))
    bar.yaxis.set_major_formatter("{x:g}")
    bar.yaxis.set_minor_formatter(NullFormatter())
    if names is not None:
        _write_names(fig, ax, xy / scale, names)
    return fig


def _axes(span):
    """Return a figure, its panel with the aspect of `span`, and the axes of the colourbar."""
    scale = min(5.7 / span[0], 6.6 / span[1])
    inches = scale * span
    fig = Figure(figsize=(8, inches[1] + 1.1), dpi=150)
    page = np.array([8, inches[1] + 1.1] * 2)
    left = 0.95 + (5.7 - inches[0]) / 2
    ax = fig.add_axes(np.array([left, 0.6, *inches]) / page)
    return fig, ax, fig.add_axes(np.array([left + inches[0] + 0.2, 0.6, 0.16, inches[1]]) / page)


def _write_names(fig, ax, xy, names) -> None:
    """Write names beside the symbols where they neither overlap nor leave the panel."""
    if len(names) != len(xy):
        msg = f"plot_misfit_map.names: got {len(names)}, wanted {len(xy)}. Give one per station."
        raise ValueError(msg)
    fig.draw_without_rendering()
    marks = ax.transData.transform(xy)
    radius = 5.0 * fig.dpi / 72
    taken = [(*(mark - radius), *(mark + radius)) for mark in marks]
    for point, name in zip(xy, names, strict=True):
        for offset, ha, va in _PLACES:
            style = {"ha": ha, "va": va, "fontsize": 7}
            text = ax.annotate(str(name), point, offset, textcoords="offset points", **style)
            x0, y0, x1, y1 = text.get_window_extent().extents
            inside = ax.bbox.x0 < x0 and x1 < ax.bbox.x1 and ax.bbox.y0 < y0 and y1 < ax.bbox.y1
            if inside and not any(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in taken):
                taken.append((x0, y0, x1, y1))
                break
            text.remove()
