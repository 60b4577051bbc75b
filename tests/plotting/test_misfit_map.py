"""Map of the misfit of stations."""

import itertools
import sys

import numpy as np
import pytest

from simpeg_jointdl.plotting import plot_misfit_map

PLACES = np.array([[4000.0, 0.0, 50.0], [0.0, 0.0, 0.0], [1000.0, 0.0, 100.0], [20_000.0, 0.0, 200.0]])


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def overlap(first, second):
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    return min(width, min(first.y1, second.y1) - max(first.y0, second.y0)) > 1


def labels_of(ax):
    labels = [ax.title, *ax.texts, ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        labels += [label for tick in axis._update_ticks() for label in (tick.label1, tick.label2)]
    return [(x.get_text(), x.get_window_extent()) for x in labels if x.get_visible() and x.get_text()]


def assert_readable(fig):
    """1200 pixels wide, all text on the page and over no other."""
    fig.draw_without_rendering()
    assert fig.get_figwidth() * fig.dpi == pytest.approx(1200)
    texts = [text for ax in fig.axes for text in labels_of(ax)]
    for text, box in texts:
        assert fig.bbox.padded(1).x0 <= box.x0, text
        assert box.x1 <= fig.bbox.padded(1).x1, text
        assert fig.bbox.padded(1).y0 <= box.y0, text
        assert box.y1 <= fig.bbox.padded(1).y1, text
    for (first, box), (second, other) in itertools.combinations(texts, 2):
        assert not overlap(box, other), (first, second)


# soundings ----------------------------------------------------------------------------------------------


def test_map_is_white_at_one_and_true_to_scale():
    chi = np.array([0.25, 1.0, 4.0, np.nan])
    fig = plot_misfit_map(PLACES, chi, names="ABCD")
    ax, bar = fig.axes
    points, crosses = ax.collections
    assert (points.norm.vmin, points.norm.vmax) == pytest.approx((0.25, 4.0))
    colors = points.to_rgba(points.get_array())[:, :3]
    assert colors[1].min() > 0.95
    assert colors[0, 2] > 2 * colors[0, 0]
    assert colors[2, 0] > 2 * colors[2, 2]
    assert len(crosses.get_offsets()) == 1
    assert ax.get_aspect() == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Easting (km)", "Northing (km)")
    assert ax.get_title() == "χ ≤ 1 at 2 of 3 stations, 1 without data"
    assert bar.get_ylabel().endswith("χ")
    box = ax.get_window_extent()
    assert box.height / box.width == pytest.approx(np.ptp(ax.get_ylim()) / np.ptp(ax.get_xlim()))
    assert_readable(fig)


@pytest.mark.parametrize(
    ("chi", "extend"), [([0.0, 1, 2, 3], "min"), ([0.5, 1, 2, 99], "max"), ([1, 1, 1, 1], "neither")]
)
def test_what_is_beyond_the_colors_shows(chi, extend):
    fig = plot_misfit_map(PLACES, chi)
    assert fig.axes[1]._colorbar.extend == extend
    fig.draw_without_rendering()


def test_map_says_what_is_wrong():
    with pytest.raises(ValueError, match="chi: got -1, wanted all >= 0"):
        plot_misfit_map(PLACES, [-1.0, 1, 1, 1])
    with pytest.raises(ValueError, match="chi: got only nan"):
        plot_misfit_map(PLACES, np.full(4, np.nan))
    with pytest.raises(ValueError, match=r"chi: got shape \(3,\), wanted \(4,\)"):
        plot_misfit_map(PLACES, np.ones(3))
    with pytest.raises(ValueError, match="names: got 2, wanted 4"):
        plot_misfit_map(PLACES, np.ones(4), names=["A", "B"])
