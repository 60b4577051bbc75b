"""Depth slices."""

import numpy as np
import pytest
from discretize import TensorMesh

from simpeg_jointdl.plotting import (
    PropertyModel,
    plot_depth_slices,
)
from tests.plotting.figures import assert_readable, bars_of, colored_of, panels_of


def test_depth_slices_have_a_row_for_each_property_and_its_colors(ground):
    mesh, active, values = ground
    models = [PropertyModel("Density", "g/cc", values, signed=True), PropertyModel("κ", "SI", np.arange(len(values)))]
    fig = plot_depth_slices(mesh, models, active_cells=active, depths=[150, 200, 260], true_models=[values, None])
    panels = panels_of(fig)
    assert len(panels) == 6
    assert [ax.get_title() for ax in panels[:3]] == ["150 m deep", "200 m deep", "260 m deep"]
    assert [panels[k].texts[0].get_text() for k in (0, 3)] == ["Density", "κ"]
    assert [bar.get_ylabel() for bar in bars_of(fig)] == ["Density (g/cc)", "κ (SI)"]
    assert {colored_of(ax).get_clim() for ax in panels[:3]} == {(-0.4, 0.4)}
    assert len({colored_of(ax).get_clim() for ax in panels[3:]}) == 1
    assert all(ax.get_aspect() == 1 and ax.get_xlabel() == "Easting (m)" for ax in panels)
    assert [ax.get_ylabel() for ax in panels] == ["Northing (m)", "", ""] * 2
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["true boundary"]
    assert_readable(fig)


def test_depth_slices_are_level_and_counted_from_the_highest_active_cell(ground):
    mesh, active, _ = ground
    heights = mesh.cell_centers[active, 2]
    top = (heights + mesh.h_gridded[active, 2] / 2).max()
    fig = plot_depth_slices(mesh, PropertyModel("z", "m", heights), active_cells=active, depths=[60.0, 210.0])
    for ax, depth in zip(panels_of(fig), (60.0, 210.0), strict=True):
        shown = colored_of(ax).get_array().compressed()
        assert (np.abs(shown - (top - depth)) <= mesh.h_gridded[:, 2].max() / 2).all()
    assert np.ma.count_masked(colored_of(fig.axes[0]).get_array()) > 0


def test_depths_are_spread_evenly_over_the_view():
    mesh = TensorMesh([[1000.0] * 8, [1000.0] * 8, [500.0] * 10], origin="CCN")
    model = PropertyModel("Density contrast of a model with a long name", "g/cc", np.arange(640.0))
    fig = plot_depth_slices(mesh, model, depths=2, limits=[[-4e3, 4e3], [-4e3, 4e3], [-4000, 0]])
    assert [ax.get_title() for ax in panels_of(fig)] == ["1 km deep", "3 km deep"]
    assert_readable(fig)
    assert len(panels_of(plot_depth_slices(mesh, model, padding=2))) == 4


@pytest.mark.parametrize("depths", [[0.0], [5000.0], [], 0, [np.nan], [[1000.0]]])
def test_depths_outside_the_view_are_refused(depths):
    mesh = TensorMesh([[1000.0] * 8, [1000.0] * 8, [500.0] * 10], origin="CCN")
    with pytest.raises(ValueError, match=r"plot_depth_slices\.depths: got"):
        plot_depth_slices(mesh, PropertyModel("a", "", np.arange(640.0)), depths=depths)


def test_depth_slices_need_three_dimensions():
    with pytest.raises(ValueError, match=r"got a 2-D mesh, wanted a 3-D mesh\. Use plot_models"):
        plot_depth_slices(TensorMesh([4, 4]), PropertyModel("a", "", np.ones(16)))
