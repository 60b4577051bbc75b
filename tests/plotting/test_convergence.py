"""Convergence of an inversion."""

import numpy as np
import pytest

from simpeg_jointdl.plotting import (
    plot_convergence,
)
from tests.plotting.figures import assert_readable, overlaps


def test_convergence_shows_every_term_and_no_drop_to_zero():
    terms = {f"term {k}": np.geomspace(1, 1e4, 5) for k in range(6)}
    terms["coupling"] = [0.0, 1.0, 2.0, 3.0, 4.0]
    fig = plot_convergence({"chi": {"gravity": [2.0, 1.0]}, "term_value": terms, "change": {"a": [0.5, 0.1]}})
    assert [ax.get_ylabel() for ax in fig.axes[1:]] == ["Value of each term", "Relative change of the model"]
    assert fig.axes[1].get_yscale() == "log"
    assert fig.axes[1].yaxis.get_transform()._clip is False
    assert len(fig.axes[1].get_legend().get_texts()) == 7
    fig.draw_without_rendering()
    key = fig.axes[1].get_legend().get_window_extent()
    assert not any(overlaps(key, ax.bbox) for ax in fig.axes)
    assert_readable(fig)


@pytest.mark.parametrize(("values", "scale"), [([1, -1], "linear"), ([0, 0], "linear"), ([0, 1, 100], "log")])
def test_convergence_scales(values, scale):
    assert plot_convergence({"coupling_value": {"a": values}}).axes[0].get_yscale() == scale


def test_convergence_has_a_panel_for_each_group():
    history = {
        "coupling_weight": {"cross-gradient": [np.nan, 2.0, 3.0]},
        "chi": {"gravity": [20.0, 4.0, 1.1], "magnetics": [50, 9, 0.9]},
        "coupling_value": {"cross-gradient": [0.0, 1.0, 0.5]},
    }
    fig = plot_convergence(history)
    assert [ax.get_ylabel() for ax in fig.axes] == ["Misfit per datum χ", "Coupling weight", "Coupling value"]
    assert [ax.get_yscale() for ax in fig.axes] == ["log", "log", "linear"]
    assert [line.get_label() for line in fig.axes[0].lines] == ["gravity", "magnetics", "target"]
    assert set(fig.axes[0].lines[2].get_ydata()) == {1}
    for ax in fig.axes:
        assert ax.get_xlabel() == "Iteration"
        assert all(float(tick).is_integer() for tick in ax.get_xticks())
    np.testing.assert_array_equal(fig.axes[0].lines[0].get_xdata(), [1, 2, 3])
    assert plot_convergence(history, first_iteration=0).axes[0].lines[0].get_xdata()[0] == 0
    assert_readable(fig)


@pytest.mark.parametrize("history", [{}, {"loss": {"a": [1.0]}}, {"chi": [1.0, 2.0]}, {"chi": {}}])
def test_convergence_refuses_other_histories(history):
    with pytest.raises(ValueError, match=r"plot_convergence\.history"):
        plot_convergence(history)
