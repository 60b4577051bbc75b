"""Figures: units everywhere, true shapes, fair colours, no text over text, nothing left open."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from discretize import CylindricalMesh, TensorMesh, TreeMesh
from matplotlib.collections import LineCollection, QuadMesh

import simpeg_jointdl
from simpeg_jointdl.plotting import (
    DataFit,
    PropertyModel,
    plot_cell_values,
    plot_convergence,
    plot_crossplot,
    plot_data_fit,
    plot_depth_slices,
    plot_models,
)


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.fixture(params=["tensor", "tree"])
def ground(request):
    """Mesh, active cells below a slope, and a block's (n_active,) values."""
    if request.param == "tensor":
        mesh = TensorMesh([[100.0] * 12, [100.0] * 10, [50.0] * 8], origin="CCN")
    else:
        mesh = TreeMesh([[50.0] * 16] * 3, origin="CCN", diagonal_balance=True)
        mesh.refine_bounding_box(np.array([[-150.0, -150, -400], [150, 150, 0]]), level=-1)
    centers = mesh.cell_centers
    active = centers[:, 2] < -30 - 0.1 * centers[:, 0]
    return mesh, active, _block(centers)[active]


def _block(centers):
    inside = (np.abs(centers[:, :2]) < 150).all(axis=1) & (np.abs(centers[:, 2] + 200) < 100)
    return np.where(inside, 0.4, 0.0)


def _fit(n=6, name="gz", **changes):
    x, y = np.meshgrid(np.arange(n) * 200.0, np.arange(n) * 300.0)
    locations = np.column_stack([x.ravel(), y.ravel(), np.zeros(n * n)])
    observed = np.sin(np.arange(n * n))
    parts = {"locations": locations, "observed": observed, "predicted": observed + 0.1, "uncertainty": 0.1}
    parts["uncertainty"] = np.full(n * n, 0.1)
    return DataFit(name, "mGal", **(parts | changes))


def _panels(fig):
    return [ax for ax in fig.axes if not _is_colorbar(ax)]


def _bars(fig):
    return [ax for ax in fig.axes if _is_colorbar(ax)]


def _is_colorbar(ax):
    return hasattr(ax, "_colorbar")


def _colored(ax):
    return next(c for c in ax.collections if c.get_array() is not None)


def _assert_readable(fig):
    """All text lies on the page, over no other text, and over no other panel or colourbar."""
    fig.draw_without_rendering()
    assert fig.get_figwidth() * fig.dpi == pytest.approx(1200)
    texts = [(ax, *text) for ax in fig.axes for text in _texts(ax)]
    for ax, text, box in texts:
        assert fig.bbox.padded(1).containsx(box.x0), text
        assert fig.bbox.padded(1).containsx(box.x1), text
        assert fig.bbox.padded(1).containsy(box.y0), text
        assert fig.bbox.padded(1).containsy(box.y1), text
        assert not [other for other in fig.axes if other is not ax and _overlap(box, other.bbox)], text
    for (_, first, box), (_, second, other) in itertools.combinations(texts, 2):
        assert not _overlap(box, other), (first, second)


def _texts(ax):
    labels = [ax.title, *ax.texts, ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        ticks = axis._update_ticks()
        labels += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
    return [(label.get_text(), label.get_window_extent()) for label in labels if label.get_text()]


def _overlap(first, second):
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return min(width, height) > 1


# --- planes through a model


def test_three_planes_for_each_property_with_units_and_true_shape(ground):
    mesh, active, values = ground
    models = [PropertyModel("Density", "g/cc", values, signed=True), PropertyModel("κ", "SI", values / 10)]
    fig = plot_models(mesh, models, active_cells=active)
    panels = _panels(fig)
    assert len(panels) == 6
    assert [bar.get_ylabel() for bar in _bars(fig)] == ["Density (g/cc)", "κ (SI)"]
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in panels[:3]] == [
        ("Easting (m)", "Northing (m)"),
        ("Easting (m)", "Elevation (m)"),
        ("Northing (m)", "Elevation (m)"),
    ]
    assert all(ax.get_aspect() == 1 for ax in panels)
    assert "map at elevation −" in panels[0].get_title()
    _assert_readable(fig)


def test_axes_have_the_shape_of_the_ground(ground):
    mesh, active, values = ground
    model = PropertyModel("Density", "g/cc", values)
    fig = plot_models(mesh, model, active_cells=active, vertical_exaggeration=2)
    fig.draw_without_rendering()
    for ax, exaggeration in zip(_panels(fig), (1, 2, 2), strict=True):
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
    for ax, axes in zip(_panels(fig), ((0, 1), (0, 2), (1, 2)), strict=True):
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
    panels = _panels(plot_models(mesh, [weak, strong, other], active_cells=active))
    limits = [_colored(ax).get_clim() for ax in panels]
    assert limits[:6] == [(-0.8, 0.8)] * 6
    assert limits[6:] == [(0.0, 0.4)] * 3
    assert _colored(panels[0]).get_cmap().name == "RdBu_r"
    assert _colored(panels[6]).get_cmap().name == "viridis"


def test_a_spike_is_clipped_with_an_arrow_and_does_not_attract_the_planes():
    mesh = TensorMesh([[100.0] * 20, [100.0] * 20, [100.0] * 10], origin="CCN")
    values = _block(mesh.cell_centers / 2)
    values[mesh.point2index([[850.0, -50.0, -350.0]])] = 50.0
    fig = plot_models(mesh, PropertyModel("Density", "g/cc", values, signed=True))
    assert _colored(fig.axes[0]).get_clim() == (-0.4, 0.4)
    assert _bars(fig)[0]._colorbar.extend == "max"
    assert "elevation −450 m" in fig.axes[0].get_title() or "elevation −350 m" in fig.axes[0].get_title()
    exact = plot_models(mesh, PropertyModel("Density", "g/cc", values, color_limits=(-0.1, 50)))
    assert _colored(exact.axes[0]).get_clim() == (-0.1, 50)
    assert _bars(exact)[0]._colorbar.extend == "neither"


def test_log_colors():
    mesh = TensorMesh([[100.0] * 4] * 3)
    fig = plot_models(mesh, PropertyModel("ρ", "Ω·m", np.geomspace(1, 1e4, 64), log=True), center=[150] * 3)
    low, high = _colored(fig.axes[0]).norm.vmin, _colored(fig.axes[0]).norm.vmax
    assert 1 < low < 10
    assert 1e3 < high < 1e4
    assert _bars(fig)[0]._colorbar.extend == "neither"


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
    marks = [[line.get_xdata()[0], other.get_ydata()[0]] for line, other in (ax.lines for ax in _panels(fig))]
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
    _assert_readable(padded)
    _assert_readable(limited)


@pytest.mark.parametrize("shape", [(30, 10, 10), (10, 30, 10), (30, 30, 4), (8, 8, 40)])
def test_text_never_overlaps_whatever_the_shape(shape):
    mesh = TensorMesh([[100.0] * n for n in shape], origin=[450_000, 7_700_000, -4000])
    models = [PropertyModel(f"Density contrast, {kind}", "g/cc", np.arange(mesh.n_cells)) for kind in "ab"]
    _assert_readable(plot_models(mesh, models))


def test_two_dimensional_meshes_are_one_section():
    for mesh in (TensorMesh([[500.0] * 20, [250.0] * 8], origin="0N"), TreeMesh([[500.0] * 16] * 2)):
        if isinstance(mesh, TreeMesh):
            mesh.refine(2)
        model = PropertyModel("Resistivity", "Ω·m", np.linspace(10, 1000, mesh.n_cells), log=True)
        fig = plot_models(mesh, model)
        assert len(_panels(fig)) == 1
        assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("Distance (km)", "Elevation (km)")
        assert fig.axes[0].get_title() == "Resistivity"
        assert not fig.legends
        _assert_readable(fig)


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
    with pytest.raises(ValueError, match="wanted a point in view"):
        plot_models(mesh, model, active_cells=active, center=[9e9, 0, 0])
    with pytest.raises(ValueError, match="nothing is left in view"):
        plot_models(mesh, model, active_cells=active, limits=[[9e8, 9e9]] * 3)
    with pytest.raises(ValueError, match="at least one PropertyModel"):
        plot_models(mesh, [])


def test_meshes_and_models_that_cannot_be_shown():
    with pytest.raises(ValueError, match="CylindricalMesh"):
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
        _assert_readable(plot_models(mesh, model, active_cells=active, true_models=[values]))
    zeros[0] = 1.0
    assert model.values[0] == 0
    assert not model.values.flags.writeable


# --- values per cell


def test_cell_values_on_the_same_planes(ground):
    mesh, active, values = ground
    amount = values * mesh.cell_volumes[active]
    names = {"title": "Cross-gradient", "unit": "(g/cc)²/m⁴", "active_cells": active}
    fig = plot_cell_values(mesh, amount, per_volume=True, true_models=[values], **names)
    assert len(_panels(fig)) == 3
    assert _bars(fig)[0].get_ylabel() in ("Cross-gradient ((g/cc)²/m⁴)", "(g/cc)²/m⁴")
    assert _colored(fig.axes[0]).get_clim() == pytest.approx((0, 0.4))
    _assert_readable(fig)
    assert _colored(plot_cell_values(mesh, amount + 1, log=True, **names).axes[0]).norm.vmin > 0
    blank = _colored(plot_cell_values(mesh, amount, log=True, center=[0, 0, -200], **names).axes[0]).get_array()
    assert np.ma.count_masked(blank) > 0
    with pytest.raises(ValueError, match=r"plot_cell_values.values: got shape"):
        plot_cell_values(mesh, amount[1:], **names)


# --- depth slices


def test_depth_slices_have_a_row_for_each_property_and_its_colors(ground):
    mesh, active, values = ground
    models = [PropertyModel("Density", "g/cc", values, signed=True), PropertyModel("κ", "SI", np.arange(len(values)))]
    fig = plot_depth_slices(mesh, models, active_cells=active, depths=[150, 200, 260], true_models=[values, None])
    panels = _panels(fig)
    assert len(panels) == 6
    assert [ax.get_title() for ax in panels[:3]] == ["150 m deep", "200 m deep", "260 m deep"]
    assert [panels[k].texts[0].get_text() for k in (0, 3)] == ["Density", "κ"]
    assert [bar.get_ylabel() for bar in _bars(fig)] == ["Density (g/cc)", "κ (SI)"]
    assert {_colored(ax).get_clim() for ax in panels[:3]} == {(-0.4, 0.4)}
    assert len({_colored(ax).get_clim() for ax in panels[3:]}) == 1
    assert all(ax.get_aspect() == 1 and ax.get_xlabel() == "Easting (m)" for ax in panels)
    assert [ax.get_ylabel() for ax in panels] == ["Northing (m)", "", ""] * 2
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["true boundary"]
    _assert_readable(fig)


def test_depth_slices_are_level_and_counted_from_the_highest_active_cell(ground):
    mesh, active, _ = ground
    heights = mesh.cell_centers[active, 2]
    top = (heights + mesh.h_gridded[active, 2] / 2).max()
    fig = plot_depth_slices(mesh, PropertyModel("z", "m", heights), active_cells=active, depths=[60.0, 210.0])
    for ax, depth in zip(_panels(fig), (60.0, 210.0), strict=True):
        shown = _colored(ax).get_array().compressed()
        assert (np.abs(shown - (top - depth)) <= mesh.h_gridded[:, 2].max() / 2).all()
    assert np.ma.count_masked(_colored(fig.axes[0]).get_array()) > 0


def test_depths_are_spread_evenly_over_the_view():
    mesh = TensorMesh([[1000.0] * 8, [1000.0] * 8, [500.0] * 10], origin="CCN")
    model = PropertyModel("Density contrast of a model with a long name", "g/cc", np.arange(640.0))
    fig = plot_depth_slices(mesh, model, depths=2, limits=[[-4e3, 4e3], [-4e3, 4e3], [-4000, 0]])
    assert [ax.get_title() for ax in _panels(fig)] == ["1 km deep", "3 km deep"]
    _assert_readable(fig)
    assert len(_panels(plot_depth_slices(mesh, model, padding=2))) == 4


@pytest.mark.parametrize("depths", [[0.0], [5000.0], [], 0, True, [np.nan], [[1000.0]]])
def test_depths_outside_the_view_are_refused(depths):
    mesh = TensorMesh([[1000.0] * 8, [1000.0] * 8, [500.0] * 10], origin="CCN")
    with pytest.raises(ValueError, match=r"plot_depth_slices\.depths: got"):
        plot_depth_slices(mesh, PropertyModel("a", "", np.arange(640.0)), depths=depths)


def test_depth_slices_need_three_dimensions():
    with pytest.raises(ValueError, match=r"got a 2-D mesh, wanted a 3-D one\. Use plot_models"):
        plot_depth_slices(TensorMesh([4, 4]), PropertyModel("a", "", np.ones(16)))


# --- data


def test_chi_is_the_mean_squared_normalised_residual():
    assert _fit().chi == pytest.approx(1.0)
    assert _fit(predicted=_fit().observed).chi == 0


def test_data_fit_rows_columns_units_and_colors():
    spiked = _fit(n=20, name="TMI")
    predicted = spiked.observed.copy()
    predicted[7] += 40.0
    fig = plot_data_fit([_fit(), _fit(n=20, name="TMI", predicted=predicted)])
    panels = _panels(fig)
    assert len(panels) == 6
    assert panels[2].get_title() == "gz, residual, χ = 1.00"
    assert [bar.get_ylabel() for bar in _bars(fig)[:2]] == ["gz (mGal)", "(predicted − observed) / σ"]
    assert all(ax.get_aspect() == 1 for ax in panels)
    assert all((ax.get_xlabel(), ax.get_ylabel()) == ("Easting (m)", "Northing (m)") for ax in panels[:3])
    assert panels[3].get_ylabel() == "Northing (km)"
    assert _colored(panels[0]).get_clim() == _colored(panels[1]).get_clim()
    assert sum(_colored(panels[0]).get_clim()) == pytest.approx(0)
    assert _colored(panels[2]).get_clim() == _colored(panels[5]).get_clim() == (-3, 3)
    assert [bar._colorbar.extend for bar in _bars(fig)] == ["neither", "neither", "max", "max"]
    _assert_readable(fig)


def test_stations_on_a_grid_fill_the_map():
    fig = plot_data_fit(_fit())
    tiles = _colored(fig.axes[0]).get_paths()
    np.testing.assert_allclose(np.ptp(tiles[0].vertices, axis=0), [200, 300])
    assert fig.axes[0].get_xlim() == (-100, 1100)
    assert fig.axes[0].get_ylim() == (-150, 1650)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (1.0, 0.7)])
def test_stations_on_a_line_and_a_single_one(direction):
    locations = np.column_stack([np.outer(np.arange(36) * 50.0, direction), np.zeros(36)])
    _assert_readable(plot_data_fit(_fit(locations=locations)))
    _assert_readable(plot_data_fit(_fit(n=1)))


def test_data_of_one_sign_have_sequential_colors():
    fit = _fit()
    fig = plot_data_fit(_fit(observed=fit.observed + 30, predicted=fit.predicted + 30))
    assert _colored(fig.axes[0]).get_cmap().name == "viridis"
    assert _colored(fig.axes[0]).get_clim()[0] > 28


@pytest.mark.parametrize("part", ["locations", "predicted", "uncertainty"])
def test_data_of_wrong_length(part):
    with pytest.raises(ValueError, match=rf"DataFit.{part}: got shape"):
        _fit(**{part: getattr(_fit(), part)[1:]})


def test_data_refuse_zero_uncertainty_nan_and_nothing():
    with pytest.raises(ValueError, match="Set a floor"):
        _fit(uncertainty=np.zeros(36))
    with pytest.raises(ValueError, match=r"DataFit.observed: got nan"):
        _fit(observed=np.full(36, np.nan))
    with pytest.raises(ValueError, match="at least one DataFit"):
        plot_data_fit([])


# --- crossplot and convergence


def test_crossplot():
    rng = np.random.default_rng(3)
    first = PropertyModel("Density", "g/cc", rng.normal(size=400), signed=True)
    second = PropertyModel("ρ", "Ω·m", np.exp(rng.normal(size=400)), log=True)
    fig = plot_crossplot(first, second, centers=[[0, 1], [1, 2]], title="Cells")
    ax = fig.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Density (g/cc)", "ρ (Ω·m)", "Cells")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert fig.axes[1].get_ylabel() == "Number of cells"
    assert _colored(ax).get_array().sum() == 400
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 1], [1, 2]])
    _assert_readable(fig)
    weighted = plot_crossplot(first, second, weights=np.full(400, 2.5), weights_label="Volume (m³)")
    assert weighted.axes[1].get_ylabel() == "Volume (m³)"
    assert _colored(weighted.axes[0]).get_array().sum() == pytest.approx(1000)


def test_crossplot_refuses_what_does_not_fit():
    first, second = PropertyModel("a", "", np.ones(4)), PropertyModel("b", "", np.ones(5))
    with pytest.raises(ValueError, match="second 'b': got shape"):
        plot_crossplot(first, second)
    with pytest.raises(ValueError, match="weights: got shape"):
        plot_crossplot(first, first, weights=np.ones(3))
    with pytest.raises(ValueError, match="centers: got shape"):
        plot_crossplot(first, first, centers=np.ones((2, 3)))
    with pytest.raises(ValueError, match="no cell has both"):
        plot_crossplot(first, first, weights=np.zeros(4))
    _assert_readable(plot_crossplot(first, first))


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
    _assert_readable(fig)


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
        (np.tile([1.5, -0.5], (4, 1)), "the least entry is -0.5"),
        (np.full((3, 2), 0.5), r"memberships: got shape \(3, 2\)"),
        (np.ones(4), r"memberships: got shape \(4,\)"),
    ],
)
def test_crossplot_refuses_memberships_that_are_none(memberships, match):
    model = PropertyModel("a", "", np.arange(4.0))
    with pytest.raises(ValueError, match=match):
        plot_crossplot(model, model, memberships=memberships)


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
    assert not any(_overlap(key, ax.bbox) for ax in fig.axes)
    _assert_readable(fig)


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
    _assert_readable(fig)


@pytest.mark.parametrize("history", [{}, {"loss": {"a": [1.0]}}, {"chi": [1.0, 2.0]}, {"chi": {}}])
def test_convergence_refuses_other_histories(history):
    with pytest.raises(ValueError, match=r"plot_convergence\.history"):
        plot_convergence(history)


def test_saving_needs_no_pyplot(tmp_path):
    """In a fresh process and a bare package (SimPEG itself imports pyplot); the PNG is 1200 pixels wide."""
    code = (
        "import sys, types\n"
        "sys.modules['simpeg_jointdl'] = package = types.ModuleType('simpeg_jointdl')\n"
        f"package.__path__ = {list(simpeg_jointdl.__path__)!r}\n"
        "from simpeg_jointdl import plotting\n"
        "fig = plotting.plot_convergence({'chi': {'a': [2.0, 1.0]}})\n"
        f"fig.savefig({str(tmp_path / 'figure.png')!r})\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    header = (tmp_path / "figure.png").read_bytes()[:24]
    assert int.from_bytes(header[16:20], "big") == 1200
