"""Planes through a model: units, true shapes, colours, outlines."""

import numpy as np
import pytest
from discretize import CylindricalMesh, TensorMesh, TreeMesh
from matplotlib.collections import LineCollection, QuadMesh

from simpeg_jointdl.plotting import (
    PropertyModel,
    plot_models,
)
from tests.plotting.figures import assert_readable, bars_of, colored_of, make_block, panels_of


def test_three_planes_for_each_property_with_units_and_true_shape(ground):
    mesh, active, values = ground
    models = [PropertyModel("Density", "g/cc", values, signed=True), PropertyModel("κ", "SI", values / 10)]
    fig = plot_models(mesh, models, active_cells=active)
    panels = panels_of(fig)
    assert len(panels) == 6
    assert [bar.get_ylabel() for bar in bars_of(fig)] == ["Density (g/cc)", "κ (SI)"]
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in panels[:3]] == [
        ("Easting (m)", "Northing (m)"),
        ("Easting (m)", "Elevation (m)"),
        ("Northing (m)", "Elevation (m)"),
    ]
    assert all(ax.get_aspect() == 1 for ax in panels)
    assert "map at elevation −" in panels[0].get_title()
    assert_readable(fig)


def test_axes_have_the_shape_of_the_ground(ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", values)
    fig = plot_models(mesh, model, active_cells=active, vertical_exaggeration=2)
    fig.draw_without_rendering()
    for ax, exaggeration in zip(panels_of(fig), (1, 2, 2), strict=True):
        box, (x, y) = ax.get_window_extent(), (np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()))
        assert box.height / box.width == pytest.approx(exaggeration * y / x)
        assert box.width == pytest.approx(ax.get_position(original=True).width * fig.bbox.width)


def test_colors_show_the_value_of_the_cell_on_the_plane_and_leave_inactive_cells_blank(ground):
    mesh, active, _ = ground
    values = np.arange(active.sum(), dtype=float)
    center = np.array([60.0, -70.0, -220.0])
    fig = plot_models(mesh, PropertyModel("Index", "", values), active_cells=active, center=center)
    full = np.full(mesh.n_cells, np.nan)
    full[active] = values
    for ax, axes in zip(panels_of(fig), ((0, 1), (0, 2), (1, 2)), strict=True):
        mesh_on_plane = next(c for c in ax.collections if isinstance(c, QuadMesh))
        corners = mesh_on_plane.get_coordinates()
        points = np.tile(center, (*np.array(corners.shape[:2]) - 1, 1))
        points[..., axes] = (corners[1:, 1:] + corners[:-1, :-1]) / 2
        wanted = full[mesh.point2index(points.reshape(-1, 3))]
        np.testing.assert_array_equal(mesh_on_plane.get_array().filled(np.nan).ravel(), wanted)
    assert np.isnan(wanted).any()


def test_signed_colors_are_symmetric_and_alike_models_share_them(ground):
    mesh, active, values = ground
    weak, strong = (PropertyModel(f"{f}", "g/cc", f * values, signed=True) for f in (-0.5, 2.0))
    other = PropertyModel("κ", "SI", values)
    panels = panels_of(plot_models(mesh, [weak, strong, other], active_cells=active))
    limits = [colored_of(ax).get_clim() for ax in panels]
    assert limits[:6] == [(-0.8, 0.8)] * 6
    assert limits[6:] == [(0.0, 0.4)] * 3
    assert colored_of(panels[0]).get_cmap().name == "RdBu_r"
    assert colored_of(panels[6]).get_cmap().name == "viridis"


def test_a_spike_is_clipped_with_an_arrow_and_does_not_attract_the_planes():
    mesh = TensorMesh([[100.0] * 20, [100.0] * 20, [100.0] * 10], origin="CCN")
    values = make_block(mesh.cell_centers / 2)
    values[mesh.point2index([[850.0, -50.0, -350.0]])] = 50.0
    fig = plot_models(mesh, PropertyModel("Density", "g/cc", values, signed=True))
    assert colored_of(fig.axes[0]).get_clim() == (-0.4, 0.4)
    assert bars_of(fig)[0]._colorbar.extend == "max"
    assert "elevation −450 m" in fig.axes[0].get_title() or "elevation −350 m" in fig.axes[0].get_title()
    exact = plot_models(mesh, PropertyModel("Density", "g/cc", values, color_limits=(-0.1, 50)))
    assert colored_of(exact.axes[0]).get_clim() == (-0.1, 50)
    assert bars_of(exact)[0]._colorbar.extend == "neither"


def test_log_colors():
    mesh = TensorMesh([[100.0] * 4] * 3)
    fig = plot_models(mesh, PropertyModel("ρ", "Ω·m", np.geomspace(1, 1e4, 64), log=True), center=[150] * 3)
    low, high = colored_of(fig.axes[0]).norm.vmin, colored_of(fig.axes[0]).norm.vmax
    assert 1 < low < 10
    assert 1e3 < high < 1e4
    assert bars_of(fig)[0]._colorbar.extend == "neither"


def test_true_boundary_lies_on_the_faces_of_the_block(ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", 0.9 * values)
    center = [0.0, 0.0, -200.0]
    fig = plot_models(mesh, model, active_cells=active, true_models=[values], center=center)
    lines = next(c for c in fig.axes[0].collections if isinstance(c, LineCollection))
    points = np.concatenate(lines.get_segments())
    half = 100 if isinstance(mesh, TensorMesh) else 150  # cell centres within 150 m
    np.testing.assert_array_equal(np.abs(points).max(axis=1), half)
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["the other planes", "true boundary"]


def test_dashes_mark_the_other_planes(ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", values)
    fig = plot_models(mesh, model, active_cells=active, center=[60.0, -70.0, -220.0])
    marks = [[line.get_xdata()[0], other.get_ydata()[0]] for line, other in (ax.lines for ax in panels_of(fig))]
    assert marks == [[60, -70], [60, -220], [-70, -220]]


def test_padding_and_limits_choose_the_view_and_5_km_the_unit():
    mesh = TensorMesh([[1000.0] * 12, [1000.0] * 10, [500.0] * 6], origin=[450_000, 7_700_000, -3000])
    model = PropertyModel("Density", "g/cc", np.arange(720.0))
    padded = plot_models(mesh, model, padding=2)
    assert padded.axes[0].get_xlim() == (452, 460)
    assert padded.axes[1].get_ylim() == (-2, 0)
    assert padded.axes[0].get_xlabel() == "Easting (km)"
    limited = plot_models(mesh, model, limits=[[451e3, 455e3], [7702e3, 7705e3], [-1000, 9e3]])
    assert limited.axes[0].get_xlim() == (451_000, 455_000)
    assert limited.axes[1].get_ylim() == (-1000, 0)
    assert limited.axes[0].get_xlabel() == "Easting (m)"
    assert_readable(padded)
    assert_readable(limited)


@pytest.mark.parametrize("shape", [(30, 10, 10), (10, 30, 10), (30, 30, 4), (8, 8, 40)])
def test_text_never_overlaps_whatever_the_shape(shape):
    mesh = TensorMesh([[100.0] * n for n in shape], origin=[450_000, 7_700_000, -4000])
    models = [PropertyModel(f"Density contrast, {kind}", "g/cc", np.arange(mesh.n_cells)) for kind in "ab"]
    assert_readable(plot_models(mesh, models))


def test_two_dimensional_meshes_are_one_section():
    for mesh in (TensorMesh([[500.0] * 20, [250.0] * 8], origin="0N"), TreeMesh([[500.0] * 16] * 2)):
        if isinstance(mesh, TreeMesh):
            mesh.refine(2)
        model = PropertyModel("Resistivity", "Ω·m", np.linspace(10, 1000, mesh.n_cells), log=True)
        fig = plot_models(mesh, model)
        assert len(panels_of(fig)) == 1
        assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("Distance (km)", "Elevation (km)")
        assert fig.axes[0].get_title() == "Resistivity"
        assert not fig.legends
        assert_readable(fig)


def test_models_refuse_what_does_not_fit(ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", values)
    with pytest.raises(ValueError, match=r"'Density': got shape \(\d+,\), wanted"):
        plot_models(mesh, model)
    with pytest.raises(ValueError, match="active_cells"):
        plot_models(mesh, model, active_cells=active[1:])
    with pytest.raises(ValueError, match="got 2 for 1 models"):
        plot_models(mesh, model, active_cells=active, true_models=[values, values])
    with pytest.raises(ValueError, match="true_models of 'Density'"):
        plot_models(mesh, model, active_cells=active, true_models=[values[1:]])
    with pytest.raises(ValueError, match="wanted a point within"):
        plot_models(mesh, model, active_cells=active, center=[9e9, 0, 0])
    with pytest.raises(ValueError, match="got an empty view"):
        plot_models(mesh, model, active_cells=active, limits=[[9e8, 9e9]] * 3)
    with pytest.raises(ValueError, match="at least one PropertyModel"):
        plot_models(mesh, [])


def test_meshes_and_models_that_cannot_be_shown():
    with pytest.raises(TypeError, match="CylindricalMesh"):
        plot_models(CylindricalMesh([4, 4, 4]), PropertyModel("m", "", np.ones(64)))
    with pytest.raises(ValueError, match="2-D or 3-D"):
        plot_models(TensorMesh([4]), PropertyModel("m", "", np.ones(4)))
    tree = TreeMesh([[1.0] * 4] * 3, diagonal_balance=True)
    tree.refine(2)
    with pytest.raises(ValueError, match="Pass limits instead"):
        plot_models(tree, PropertyModel("m", "", np.ones(64)), padding=1)
    with pytest.raises(ValueError, match="log=True"):
        PropertyModel("m", "", np.zeros(3), log=True)
    with pytest.raises(ValueError, match="infinite"):
        PropertyModel("m", "", [1.0, np.inf])


def test_a_constant_model_and_the_callers_array_are_left_alone(ground):
    mesh, active, values = ground
    zeros = np.zeros_like(values)
    for signed in (False, True):
        model = PropertyModel("Density", "g/cc", zeros, signed=signed)
        assert_readable(plot_models(mesh, model, active_cells=active, true_models=[values]))
    zeros[0] = 1.0
    assert model.values[0] == 0
    assert not model.values.flags.writeable
