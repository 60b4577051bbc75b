"""Maps of observed and predicted data and of their residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from .._core import validation as check
from ._checks import checked_array
from ._style import BLANK, colorbar, lay_out, length_axes, shared_colors


@dataclass(frozen=True, eq=False)
class DataFit:
    """Observed data of one kind, and the prediction of a model.

    Parameters
    ----------
    name, unit : str
        Name and unit, for titles and colourbars.
    locations : (n_data, 3) array_like
        Easting, northing and elevation in m.
    observed, predicted, uncertainty : (n_data,) array_like
        Observed data, predicted data and standard deviations in `unit`.

    Raises
    ------
    ValueError
        If shapes do not fit, entries are not finite, or an uncertainty is not above zero.
    """

    name: str
    unit: str
    locations: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    uncertainty: np.ndarray

    def __post_init__(self) -> None:
        n = np.size(self.observed)
        shapes = {"locations": (n, 3), "observed": (n,), "predicted": (n,), "uncertainty": (n,)}
        for key, shape in shapes.items():
            object.__setattr__(self, key, checked_array(f"DataFit.{key}", getattr(self, key), shape))
        if not (self.uncertainty > 0).all():
            msg = f"DataFit.uncertainty: got {self.uncertainty.min():g}, wanted all above zero. Set a floor."
            raise ValueError(msg)

    @property
    def residual(self) -> np.ndarray:
        """Predicted minus observed data, divided by the uncertainty."""
        return (self.predicted - self.observed) / self.uncertainty

    @property
    def chi(self) -> float:
        """Mean squared normalized residual, which is 1 if the data are fitted to their uncertainty."""
        return float(np.mean(self.residual**2))


def plot_data_fit(datasets: DataFit | Sequence[DataFit]) -> Figure:
    """Plot maps of observed data, predicted data and normalized residuals, one row per data set.

    Parameters
    ----------
    datasets : DataFit or sequence of DataFit
        Data sets. Observed and predicted data have the same colours; those of the residual run from -3 to 3.

    Returns
    -------
    matplotlib.figure.Figure
    """
    datasets = check.listed("plot_data_fit.datasets", datasets, DataFit)
    tiles = [_tiles(data.locations[:, :2]) for data in datasets]
    spans = [np.ptp(tile, axis=(0, 1)) for tile in tiles]
    spans = [np.maximum(span, 0.25 * span.max()) for span in spans]  # so that a straight line has axes of some height
    fig, grid, bars = lay_out([[span] * 3 for span in spans], bars=(1, 2))
    for data, tile, span, row, bar in zip(datasets, tiles, spans, grid, bars, strict=True):
        both = np.concatenate([data.observed, data.predicted])
        shared = shared_colors(both, signed=both.min() < 0 < both.max())
        symmetric = shared_colors(data.residual, signed=True, limits=(-3.0, 3.0))
        panels = [
            (f"{data.name}, observed", data.observed, shared),
            (f"{data.name}, predicted", data.predicted, shared),
            (f"{data.name}, residual, χ = {data.chi:.2f}", data.residual, symmetric),
        ]
        for ax, (title, values, (style, _)) in zip(row, panels, strict=True):
            scale = length_axes(ax, ("Easting", "Northing"), span.max())
            corners = tile / scale
            ax.add_collection(PolyCollection(corners, array=values, edgecolors="face", linewidths=0.8, **style))
            middle = (corners.min(axis=(0, 1)) + corners.max(axis=(0, 1))) / 2
            low, high = middle - span / scale / 2, middle + span / scale / 2
            ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect=1.0, title=title, facecolor=BLANK)
        colorbar(bar[0], shared, data.name, data.unit)
        colorbar(bar[1], symmetric, "(predicted − observed) / σ", "")
    return fig


def _tiles(xy) -> np.ndarray:
    """Return the corners (n, 4, 2) of a tile around each station, of the size of the grid or the mean spacing."""
    lines = [np.unique(np.round(x, 2)) for x in xy.T]
    if len(lines[0]) * len(lines[1]) <= 1.5 * len(xy) and min(map(len, lines)) > 1:
        size = np.array([np.median(np.diff(line)) for line in lines])
    else:
        variance = np.linalg.eigvalsh(np.cov(xy.T, ddof=0))  # the variance of a rectangle is its side squared over 12
        sides = np.sqrt(12 * variance.clip(0))
        size = max(np.sqrt(sides.prod() / len(xy)), sides.max() / len(xy)) or 1.0
    return xy[:, None] + np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * size
