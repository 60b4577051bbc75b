"""Cross-plots with and without clusters."""

import numpy as np
import pytest

from simpeg_jointdl.plotting import (
    PropertyModel,
    plot_crossplot,
)
from tests.plotting.figures import assert_readable, colored_of


def test_crossplot():
    rng = np.random.default_rng(3)
    first = PropertyModel("Density", "g/cc", rng.normal(size=400), signed=True)
    second = PropertyModel("ρ", "Ω·m", np.exp(rng.normal(size=400)), log=True)
    fig = plot_crossplot(first, second, centers=[[0, 1], [1, 2]], title="Cells")
    ax = fig.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Density (g/cc)", "ρ (Ω·m)", "Cells")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert fig.axes[1].get_ylabel() == "Number of cells"
    assert colored_of(ax).get_array().sum() == 400
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 1], [1, 2]])
    assert_readable(fig)
    weighted = plot_crossplot(first, second, weights=np.full(400, 2.5), weights_label="Volume (m³)")
    assert weighted.axes[1].get_ylabel() == "Volume (m³)"
    assert colored_of(weighted.axes[0]).get_array().sum() == pytest.approx(1000)


def test_crossplot_refuses_what_does_not_fit():
    first, second = PropertyModel("a", "", np.ones(4)), PropertyModel("b", "", np.ones(5))
    with pytest.raises(ValueError, match="second 'b': got shape"):
        plot_crossplot(first, second)
    with pytest.raises(ValueError, match="weights: got shape"):
        plot_crossplot(first, first, weights=np.ones(3))
    with pytest.raises(ValueError, match="centers: got shape"):
        plot_crossplot(first, first, centers=np.ones((2, 3)))
    with pytest.raises(ValueError, match="no cell with both"):
        plot_crossplot(first, first, weights=np.zeros(4))
    assert_readable(plot_crossplot(first, first))


def test_crossplot_of_clusters():
    rng = np.random.default_rng(3)
    which = np.arange(400) % 2
    first = PropertyModel("Density", "g/cc", 0.4 * which + 0.02 * rng.normal(size=400))
    second = PropertyModel("ρ", "Ω·m", 10.0 ** (1 + 2 * which + 0.1 * rng.normal(size=400)), log=True)
    centers = [[0.0, 10.0], [0.4, 1000.0]]
    fig = plot_crossplot(first, second, centers=centers, memberships=np.eye(2)[which], title="Cells")
    (ax,) = fig.axes
    points = ax.collections[0]
    np.testing.assert_array_equal(points.get_offsets(), np.column_stack([first.values, second.values]))
    colors = points.get_facecolors()
    assert len(np.unique(colors[which == 0], axis=0)) == len(np.unique(colors[which == 1], axis=0)) == 1
    assert not np.allclose(colors[0], colors[1])
    curves = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) > 1]
    rings = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 1]
    np.testing.assert_array_equal(np.concatenate(rings), centers)
    for curve, (x, y) in zip(curves, centers, strict=True):
        low, high = curve.min(axis=0), curve.max(axis=0)
        np.testing.assert_allclose([low[0], high[0]], [x - 0.04, x + 0.04], atol=0.006)
        np.testing.assert_allclose(np.log10([low[1] / y, high[1] / y]), [-0.2, 0.2], atol=0.03)
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    assert names == ["cluster 1", "cluster 2", "centre", "2 standard deviations"]
    assert_readable(fig)


def test_crossplot_blends_colors_and_needs_no_centers():
    model = PropertyModel("a", "", np.arange(3.0))
    fig = plot_crossplot(model, model, memberships=[[1, 0], [0.5, 0.5], [0, 1]], weights=[1, 1, 1])
    first, both, second = fig.axes[0].collections[0].get_facecolors()[:, :3]
    np.testing.assert_allclose(both, (first + second) / 2)
    alone = plot_crossplot(model, model, memberships=np.eye(2)[[0, 0, 0]])  # nothing in the second
    assert len(alone.axes[0].lines) == 1


@pytest.mark.parametrize(
    ("memberships", "match"),
    [
        (np.full((4, 2), 0.7), "rows sum to 1.4 to 1.4"),
        (np.tile([1.5, -0.5], (4, 1)), "the smallest entry is -0.5"),
        (np.full((3, 2), 0.5), r"memberships: got shape \(3, 2\)"),
        (np.ones(4), r"memberships: got shape \(4,\)"),
    ],
)
def test_crossplot_refuses_memberships_that_are_none(memberships, match):
    model = PropertyModel("a", "", np.arange(4.0))
    with pytest.raises(ValueError, match=match):
        plot_crossplot(model, model, memberships=memberships)
