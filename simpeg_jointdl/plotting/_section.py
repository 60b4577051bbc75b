"""Layered resistivity models along a profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ._checks import checked_array
from ._style import BLANK, colorbar, lay_out, length_axes, length_text, shared_colors

_PANEL = 9.4  # inches, about the width of the panel
_NAME, _NAMES = 0.12, 0.62  # inches between names, and above the highest station
_EXAGGERATIONS = (1, 2, 5, 10, 20, 50, 100)


def plot_section(
    locations: ArrayLike,
    thicknesses: ArrayLike,
    resistivity: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    profile: ArrayLike | None = None,
    max_depth: float | None = None,
    limits: tuple[float, float] | None = None,
    max_width: float | None = None,
    vertical_exaggeration: float | None = None,
    title: str | None = None,
) -> Figure:
    """Plot the layered models of stations side by side along a profile, below the stations' elevations.

    Parameters
    ----------
    locations : (n, 3) array_like
        Easting, northing and elevation of the stations in m, in any order.
    thicknesses : (n_layers - 1,) or (n, n_layers - 1) array_like
        Thicknesses in m from the surface down, for all stations or for each.
    resistivity : (n, n_layers) array_like
        Resistivities in ohm m. A station with nan in all layers has no model and leaves a gap.
    names : sequence of str, optional
        Names of the stations, which are shown where there is space; every station has a symbol.
    profile : (2, 2) array_like, optional
        Easting and northing of the start and the end of the profile onto which stations are projected; by default the
        best-fitting line from west to east (or south to north). Distances are measured from its start, or from the
        first station.
    max_depth : float, optional
        Largest depth in m below each station; by default that of the deepest interface.
    limits : (float, float), optional
        Resistivities at the ends of the colour scale in ohm m; by default those shown.
    max_width : float, optional
        Largest width of a column in m; by default twice the median distance between neighbours. A column ends halfway
        to its neighbours, and the space beyond the largest width stays blank.
    vertical_exaggeration : float, optional
        Vertical exaggeration; by default the smallest of 1, 2, 5, 10, ... with which the height of the section is a
        fifth of its length.
    title : str, optional
        First part of the title.

    Returns
    -------
    matplotlib.figure.Figure
        Section with conductors in red and resistors in blue on a logarithmic scale. The title states the azimuth of the
        profile, the largest distance of a station from it, and the exaggeration.

    Raises
    ------
    ValueError
        If shapes do not fit, there are fewer than two positions on the profile, or values are not positive.
    """
    who = "plot_section"
    locations = checked_array(f"{who}.locations", locations, (len(locations), 3))
    thicknesses, resistivity = _checked(who, thicknesses, resistivity, len(locations))
    distance, offset, azimuth = _project(who, locations[:, :2], profile)
    depth = float(max_depth or thicknesses.sum(axis=1).max())
    left, right = _column_edges(distance, max_width)
    there = np.isfinite(resistivity).all(axis=1)
    quads, values = _quads(
        left[there], right[there], locations[there, 2], thicknesses[there], resistivity[there], depth
    )
    ends = np.array([left.min(), right.max()]) + np.array([-0.012, 0.012]) * (right.max() - left.min())
    span = np.array([np.ptp(ends), np.ptp(locations[:, 2]) + depth])
    stretch = float(vertical_exaggeration or next((e for e in _EXAGGERATIONS if e * span[1] >= 0.2 * span[0]), 100))
    room = _NAMES / _PANEL * span[0] / stretch
    fig, ((ax,),), ((bar,),) = lay_out([[(span[0], stretch * (span[1] + room))]], bars=(0,))
    style, extend = shared_colors(values, log=True, limits=limits)
    style["cmap"] = "turbo_r"
    scale = length_axes(ax, ("Distance", "Elevation"), span[0])
    ax.add_collection(PolyCollection(quads / scale, array=values, edgecolors="face", linewidths=0.2, **style))
    bottom = locations[:, 2].min() - depth
    ax.set(xlim=ends / scale, facecolor=BLANK, aspect=stretch)
    ax.set_ylim(bottom / scale, (locations[:, 2].max() + room) / scale)
    _mark(ax, distance / scale, locations[:, 2] / scale, names, span[0] / scale)
    ax.set_title(_caption(title, azimuth, offset, stretch, span[0]), fontsize=11)
    colorbar(bar, (style, extend), "Resistivity", "Ω m")
    bar.invert_yaxis()  # conductors in red at the top, as in most published sections
    return fig


def _checked(who, thicknesses, resistivity, n) -> tuple[np.ndarray, np.ndarray]:
    n_layers = np.shape(resistivity)[-1] if np.ndim(resistivity) else 0
    resistivity = checked_array(f"{who}.resistivity", resistivity, (n, n_layers), blanks=True)
    thicknesses = np.asarray(thicknesses, dtype=np.float64)
    if thicknesses.shape == (n_layers - 1,):
        thicknesses = np.tile(thicknesses, (n, 1))
    thicknesses = checked_array(f"{who}.thicknesses", thicknesses, (n, n_layers - 1))
    partly = np.isnan(resistivity).any(axis=1) & ~np.isnan(resistivity).all(axis=1)
    if (resistivity <= 0).any() or (thicknesses <= 0).any() or partly.any() or n_layers < 2:
        msg = (
            f"{who}: got resistivities from {np.nanmin(resistivity):g} ohm m in {n_layers} layers, {partly.sum()} "
            "columns with some nan, wanted two or more layers, all above zero, and columns without nan or all nan."
        )
        raise ValueError(msg)
    return thicknesses, resistivity


def _project(who, xy, profile) -> tuple[np.ndarray, float, float]:
    """Return distances along the profile, the largest distance from it, and its azimuth in degrees."""
    if profile is None:
        start = xy.mean(axis=0)
        direction = np.linalg.eigh(np.cov((xy - start).T, ddof=0))[1][:, -1] if len(xy) > 1 else np.array([1.0, 0.0])
        direction *= np.sign(direction[np.argmax(np.abs(direction))])
    else:
        start, end = checked_array(f"{who}.profile", profile, (2, 2))
        direction = (end - start) / (np.linalg.norm(end - start) or 1.0)
    along = (xy - start) @ direction
    across = np.abs((xy - start) @ np.array([-direction[1], direction[0]])).max()
    along = along - along.min() if profile is None else along
    if np.ptp(along) < 1e-6:
        msg = f"{who}: all stations project to one point of the profile, wanted two or more. Rotate the profile."
        raise ValueError(msg)
    return along, across, float(np.degrees(np.arctan2(*direction)) % 360.0)


def _column_edges(distance, max_width) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and right ends of columns (n,): halfway to the neighbours, within `max_width`."""
    order = np.argsort(distance, kind="stable")
    gaps = np.diff(distance[order])
    wide = float(max_width or 2.0 * np.median(gaps[gaps > 1e-6]))
    half = np.minimum(gaps, wide) / 2
    left, right = np.empty_like(distance), np.empty_like(distance)
    left[order] = distance[order] - np.concatenate([half[:1], half])
    right[order] = distance[order] + np.concatenate([half, half[-1:]])
    return left, right


def _quads(left, right, top, thicknesses, resistivity, max_depth) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (n_quads, 4, 2) and resistivities, cut off at `max_depth` below each station."""
    infinite = np.full((len(top), 1), np.inf)
    ends = np.concatenate([np.zeros_like(infinite), np.cumsum(thicknesses, axis=1), infinite], axis=1)
    ends = top[:, None] - np.minimum(ends, max_depth)
    upper, lower = ends[:, :-1], ends[:, 1:]
    x0, x1 = (np.broadcast_to(x[:, None], upper.shape) for x in (left, right))
    corners = np.stack([np.stack(c, axis=-1) for c in ((x0, upper), (x1, upper), (x1, lower), (x0, lower))], axis=-2)
    seen = upper > lower
    return corners[seen], resistivity[seen]


def _mark(ax, x, z, names, width) -> None:
    """Draw a triangle at every station, and its name where the previous name leaves space."""
    ax.plot(x, z, "v", color="black", markersize=4.5, zorder=3, clip_on=False)
    if names is None:
        return
    if len(names) != len(x):
        msg = f"plot_section.names: got {len(names)}, wanted {len(x)}. Give one per station."
        raise ValueError(msg)
    last = -np.inf
    for i in np.argsort(x, kind="stable"):
        if x[i] - last >= _NAME / _PANEL * width:
            style = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 7}
            ax.annotate(str(names[i]), (x[i], z[i]), (0, 5), textcoords="offset points", **style)
            last = x[i]


def _caption(title, azimuth, offset, stretch, extent) -> str:
    parts = [title] if title else []
    parts.append(f"profile along azimuth {azimuth:.0f}°")
    parts.append(f"stations up to {length_text(offset, extent)} off it" if offset > 1e-3 * extent else "")
    parts.append(f"vertical exaggeration {stretch:g}" if stretch != 1 else "no vertical exaggeration")
    return ", ".join(part for part in parts if part)
