"""Style of all figures: layout of axes, colours and units."""

from __future__ import annotations

from math import floor, log10

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BLANK = "0.85"
_WIDTH, _LEFT, _BAR, _ABOVE, _BELOW = 12.0, 1.06, 1.5, 0.6, 0.6  # in inches


def label_of(name: str, unit: str) -> str:
    """Return a name with its unit in brackets."""
    return f"{name} ({unit})" if unit else name


def lay_out(spans, bars, below=0.0, between=_LEFT) -> tuple[Figure, list, list]:
    """Return a figure with axes of the aspect of `spans`, and colourbar axes right of the columns `bars`.

    `spans` are rows of (width, height). `below` is the space for a legend, and `between` that left of every column but
    the first, in inches. Axes are placed by hand, since in a constrained layout titles overlap if axes have a fixed
    aspect.
    """
    widths = np.max([[width for width, _ in row] for row in spans], axis=0)
    widths = np.maximum(widths / widths.sum(), 0.6 / len(widths))
    left_of = [_LEFT] + [between] * (len(widths) - 1)
    widths = widths / widths.sum() * (_WIDTH - sum(left_of) - _BAR * len(bars))
    scales = [min(min(inches / w, 6.0 / h) for inches, (w, h) in zip(widths, row, strict=True)) for row in spans]
    heights = [max(scale * max(h for _, h in row), 1.6) for scale, row in zip(scales, spans, strict=True)]
    total = sum(heights) + (_ABOVE + _BELOW) * len(spans) + below
    fig = Figure(figsize=(_WIDTH, total))
    grid, bar_grid, top = [], [], total
    for row, scale, height in zip(spans, scales, heights, strict=True):
        top, left = top - _ABOVE, 0.0
        boxes, bar_boxes = [], []
        for column, (w, h) in enumerate(row):
            left += left_of[column]
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


def shared_colors(values, *, signed=False, log=False, limits=None) -> tuple[dict, str]:
    """Return norm and colour map of values, and the ends of the colourbar that values exceed."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        msg = "plotting: got no cell with a value in the view. Move the center or the limits."
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
    """Return the smallest and largest value within twice the range of the central 99.5 %."""
    low, high = np.quantile(values, (0.0025, 0.9975))
    if low == high:
        low, high = values.min(), values.max()
    reach = high - low
    low, high = values[values >= low - reach].min(), values[values <= high + reach].max()
    margin = 0.0 if low < high else 0.5 * abs(low) or 1.0
    return low - margin, high + margin


def colorbar(cax, colors, name, unit) -> None:
    """Draw a colourbar with name and unit, or the unit alone if the bar is too short for both."""
    style, extend = colors
    room = 12.5 * cax.get_position().height * cax.figure.get_figheight()
    label = label_of(name, unit) if len(label_of(name, unit)) <= room else unit or name
    cax.figure.colorbar(ScalarMappable(**style), cax=cax, extend=extend, label=label)


def length_axes(ax, names, extent) -> float:
    """Label both axes, in km above 5 km, and return the length of the unit in m."""
    scale, unit = length_scale(extent)
    ax.set(xlabel=f"{names[0]} ({unit})", ylabel=f"{names[1]} ({unit})")
    ax.ticklabel_format(style="plain", useOffset=False)
    inches = ax.get_position().width * ax.figure.get_figwidth()
    ax.xaxis.set_major_locator(MaxNLocator(max(1, int(inches / 0.62)), steps=[1, 2, 5, 10]))
    return scale


def length_scale(extent) -> tuple[float, str]:
    """Return the length of the unit in m, and the unit."""
    return (1000.0, "km") if extent > 5000 else (1.0, "m")


def length_text(metres, extent) -> str:
    """Return a length with its unit, to about a thousandth of `extent`."""
    scale, unit = length_scale(extent)
    text = f"{metres / scale:.{max(0, 3 - floor(log10(extent / scale)))}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".replace("-", "−")
