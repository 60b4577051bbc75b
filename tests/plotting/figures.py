"""What tests of figures look at: panels, colourbars, texts and whether these overlap."""

import itertools

import numpy as np
import pytest

from simpeg_jointdl.plotting import (
    DataFit,
)


def make_block(centers):
    inside = (np.abs(centers[:, :2]) < 150).all(axis=1) & (np.abs(centers[:, 2] + 200) < 100)
    return np.where(inside, 0.4, 0.0)


def make_fit(n=6, name="gz", **changes):
    x, y = np.meshgrid(np.arange(n) * 200.0, np.arange(n) * 300.0)
    locations = np.column_stack([x.ravel(), y.ravel(), np.zeros(n * n)])
    observed = np.sin(np.arange(n * n))
    parts = {"locations": locations, "observed": observed, "predicted": observed + 0.1, "uncertainty": 0.1}
    parts["uncertainty"] = np.full(n * n, 0.1)
    return DataFit(name, "mGal", **(parts | changes))


def panels_of(fig):
    return [ax for ax in fig.axes if not is_colorbar(ax)]


def bars_of(fig):
    return [ax for ax in fig.axes if is_colorbar(ax)]


def is_colorbar(ax):
    return hasattr(ax, "_colorbar")


def colored_of(ax):
    return next(c for c in ax.collections if c.get_array() is not None)


def assert_readable(fig):
    """All text lies on the page, over no other text, and over no other panel or colourbar."""
    fig.draw_without_rendering()
    assert fig.get_figwidth() * fig.dpi == pytest.approx(1200)
    texts = [(ax, *text) for ax in fig.axes for text in texts_of(ax)]
    for ax, text, box in texts:
        assert fig.bbox.padded(1).containsx(box.x0), text
        assert fig.bbox.padded(1).containsx(box.x1), text
        assert fig.bbox.padded(1).containsy(box.y0), text
        assert fig.bbox.padded(1).containsy(box.y1), text
        assert not [other for other in fig.axes if other is not ax and overlaps(box, other.bbox)], text
    for (_, first, box), (_, second, other) in itertools.combinations(texts, 2):
        assert not overlaps(box, other), (first, second)


def texts_of(ax):
    labels = [ax.title, *ax.texts, ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        ticks = axis._update_ticks()
        labels += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
    return [(label.get_text(), label.get_window_extent()) for label in labels if label.get_text()]


def overlaps(first, second):
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return min(width, height) > 1
