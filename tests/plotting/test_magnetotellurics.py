"""Figures of magnetotellurics: what is drawn where, which way axes run, no text over text."""

import itertools
import sys

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from simpeg_jointdl.data import MTSoundings
from simpeg_jointdl.plotting import plot_layered_model, plot_misfit_map, plot_section, plot_sounding

FREQUENCIES = np.logspace(-2, 2, 9)


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def soundings(names=("A", "B"), frequencies=FREQUENCIES, **changes):
    shape = (len(names), len(frequencies))
    rho = 100.0 * np.exp(np.sin(np.arange(np.prod(shape)))).reshape(shape)
    parts = {"apparent_resistivity": rho, "phase": np.linspace(20, 70, rho.size).reshape(shape)}
    locations = np.column_stack([np.arange(len(names)), np.zeros((len(names), 2))])
    return MTSoundings(names, locations, frequencies, **(parts | changes)).floored(0.05)


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
def test_sounding_has_points_bars_and_units():
    given = soundings()
    fig = plot_sounding(given, "B")
    upper, lower = fig.axes
    assert (upper.get_xscale(), upper.get_yscale(), lower.get_yscale()) == ("log", "log", "linear")
    assert upper.get_ylabel() == "Apparent resistivity (Ω m)"
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("Period (s)", "Phase (°)")
    assert lower.get_ylim() == (0, 90)
    assert upper.get_title() == "B"
    np.testing.assert_allclose(
        upper.lines[0].get_xydata(),
        np.column_stack([1 / FREQUENCIES, given[1].phase[0] * 0])
        + np.column_stack([0 * FREQUENCIES, given.apparent_resistivity[1]]),
    )
    (bars,) = upper.containers
    ends = np.array(bars.lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(ends / given.apparent_resistivity[1][:, None], np.exp([[-0.1, 0.1]] * 9))
    ends = np.array(lower.containers[0].lines[2][0].get_segments())[:, :, 1]
    np.testing.assert_allclose(np.diff(ends)[:, 0], 2 * np.degrees(0.05))
    assert_readable(fig)


def test_depth_grows_to_the_right_in_either_unit():
    for against, low_frequency in (("period", 100.0), ("frequency", 0.01)):
        fig = plot_sounding(soundings(), 0, against=against)
        left, right = fig.axes[0].get_xlim()
        place = np.log([left, low_frequency, right])
        assert abs(place[2] - place[1]) < abs(place[1] - place[0])
    assert fig.axes[1].get_xlabel() == "Frequency (Hz)"


def test_one_fit_has_its_chi_in_the_title_and_several_in_the_key():
    given = soundings()
    off = soundings(phase=given.phase + given.phase_error)  # half the data one error off
    fig = plot_sounding(given, "A", off)
    assert fig.axes[0].get_title() == "A, χ = 0.5"
    curves = {"one": off, "two": given["A"], "other frequencies": soundings(frequencies=FREQUENCIES * 1.5)}
    fig = plot_sounding(given, "A", curves)
    assert fig.axes[0].get_title() == "A"
    key = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert key == ["observed", "one, χ = 0.5", "two, χ = 0", "other frequencies"]
    assert_readable(fig)


def test_chi_is_over_the_frequencies_of_both():
    given = soundings()
    every_other = MTSoundings(
        ["A"], [[0, 0, 0]], FREQUENCIES[::2], given.apparent_resistivity[:1, ::2], given.phase[:1, ::2] + 3.0
    )
    fig = plot_sounding(given, "A", every_other)
    assert fig.axes[0].get_title() == f"A, χ = {(3 / np.degrees(0.05)) ** 2 / 2:.3g}"


def test_gaps_unknown_errors_and_odd_phases_are_drawn_as_they_are():
    phase = np.full((2, 9), 50.0)
    phase[0, 3], phase[0, 5] = np.nan, 130.0
    given = MTSoundings(["A", "B"], np.eye(2, 3), FREQUENCIES, np.full((2, 9), 10.0), phase)
    fig = plot_sounding(given, "A")
    assert len(fig.axes[1].lines[0].get_xdata()) == 8
    assert fig.axes[1].get_ylim() == (0, 135)
    assert fig.axes[0].get_ylim() == pytest.approx((1.0, 100.0))
    assert_readable(fig)


def test_sounding_says_what_is_wrong():
    with pytest.raises(TypeError, match=r"soundings: got list, wanted data\.MTSoundings"):
        plot_sounding([1.0])
    with pytest.raises(ValueError, match="got 2 stations, wanted one"):
        plot_sounding(soundings())
    with pytest.raises(ValueError, match=r"stations \['X'\]"):
        plot_sounding(soundings(), "X")
    with pytest.raises(ValueError, match="against: got 'depth'"):
        plot_sounding(soundings(), "A", against="depth")
    empty = np.full((2, 9), np.nan)
    with pytest.raises(ValueError, match="station A has no value"):
        plot_sounding(soundings(apparent_resistivity=empty, phase=empty), "A")


# layers -------------------------------------------------------------------------------------------------
THICKNESSES, RESISTIVITY = np.array([100.0, 300.0]), np.array([50.0, 5.0, 800.0])


@pytest.mark.parametrize("depth_scale", ["linear", "log"])
def test_layers_are_steps_downwards(depth_scale):
    fig = plot_layered_model(THICKNESSES, RESISTIVITY, RESISTIVITY / 2, RESISTIVITY * 2, depth_scale=depth_scale)
    (ax,) = fig.axes
    band, model = ax.patches
    np.testing.assert_array_equal(model.get_data().values, RESISTIVITY)
    top = 50.0 if depth_scale == "log" else 0.0
    np.testing.assert_allclose(model.get_data().edges, [top, 100.0, 400.0, 500.0])
    np.testing.assert_array_equal(band.get_data().baseline, RESISTIVITY / 2)
    np.testing.assert_array_equal(band.get_data().values, RESISTIVITY * 2)
    assert ax.get_ylim() == (500.0, top)
    assert ax.get_xlim() == pytest.approx((1.0, 1e4))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Resistivity (Ω m)", "Depth (m)")
    assert_readable(fig)


def test_several_models_and_bands_have_their_names():
    bands = np.array([RESISTIVITY / 3, RESISTIVITY / 2]), np.array([RESISTIVITY * 3, RESISTIVITY * 2])
    others = {"truth": ([400.0, 9000.0], [40.0, 4.0, 500.0]), "half-space": ([], [100.0])}
    names = ["90 %", "50 %"]
    fig = plot_layered_model(THICKNESSES, RESISTIVITY, *bands, name="U-Net", band_names=names, others=others)
    key = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert key == ["90 %", "50 %", "U-Net", "truth", "half-space"]
    assert fig.axes[0].get_ylabel() == "Depth (km)"
    assert fig.axes[0].get_ylim() == pytest.approx((11.75, 0.0))
    assert_readable(fig)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([100.0], RESISTIVITY), {}, r"model.thicknesses: got shape \(1,\), wanted \(2,\)"),
        (
            (THICKNESSES, np.log10(RESISTIVITY) - 2),
            {},
            "model.resistivity: got .*wanted all above zero",
        ),
        ((THICKNESSES, RESISTIVITY, RESISTIVITY), {}, "got one bound of a band"),
        ((THICKNESSES, RESISTIVITY, RESISTIVITY, RESISTIVITY / 2), {}, "lower <= upper"),
        ((THICKNESSES, RESISTIVITY), {"depth_scale": "sqrt"}, "depth_scale='sqrt'"),
        ((THICKNESSES, RESISTIVITY), {"band_names": ["90 %"]}, "1 names of 0 bands"),
        ((THICKNESSES, RESISTIVITY), {"depth_scale": "log", "max_depth": 10.0}, "max_depth: got 10, wanted more than"),
        ((THICKNESSES, RESISTIVITY), {"others": {"x": ([1.0], [1.0])}}, "x.thicknesses: got shape"),
    ],
)
def test_layers_say_what_is_wrong(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_layered_model(*arguments, **options)


# sections -----------------------------------------------------------------------------------------------
EASTING = np.array([4000.0, 0.0, 1000.0, 20_000.0])
PLACES = np.column_stack([EASTING, np.zeros(4), [50.0, 0.0, 100.0, 200.0]])


def columns_of(fig):
    (cells,) = (c for c in fig.axes[0].collections if isinstance(c, PolyCollection))
    return np.array([path.vertices[:4] for path in cells.get_paths()]), cells


def test_columns_end_halfway_hang_from_their_stations_and_leave_gaps():
    rho = np.arange(1.0, 13.0).reshape(4, 3)
    fig = plot_section(PLACES, THICKNESSES, rho, max_depth=600.0, max_width=4000.0, names="ABCD")
    corners, cells = columns_of(fig)
    assert len(corners) == 12
    np.testing.assert_array_equal(cells.get_array(), rho.ravel())
    corners = corners.reshape(4, 3, 4, 2)
    sides = [(c[..., 0].min(), c[..., 0].max()) for c in corners]
    np.testing.assert_allclose(sides, [(2.5, 6.0), (-0.5, 0.5), (0.5, 2.5), (18.0, 22.0)])
    tops = corners[:, 0, 0, 1] * 1000
    np.testing.assert_allclose(tops, PLACES[:, 2])
    np.testing.assert_allclose(corners[:, :, 2, 1] * 1000, PLACES[:, 2:] - [[100.0, 400.0, 600.0]])
    ax = fig.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Distance (km)", "Elevation (km)")
    assert ax.get_title() == "profile along azimuth 90°, vertical exaggeration 10"
    assert ax.get_aspect() == 10
    assert [text.get_text() for text in ax.texts] == ["B", "C", "A", "D"]
    assert_readable(fig)


def test_conductive_is_red_resistive_blue():
    fig = plot_section(PLACES, THICKNESSES, np.tile([1.0, 30.0, 1000.0], (4, 1)), max_depth=600.0)
    _, cells = columns_of(fig)
    red, _, blue = (to_hex(color) for color in cells.to_rgba(np.array([3.0, 30.0, 300.0])))
    assert int(red[1:3], 16) > 2 * int(red[5:7], 16)
    assert int(blue[5:7], 16) > 2 * int(blue[1:3], 16)
    assert fig.axes[1].get_ylabel() == "Resistivity (Ω m)"
    assert fig.axes[1].yaxis_inverted()


def test_section_without_a_model_leaves_a_gap_and_a_mark():
    rho = np.full((4, 3), 10.0)
    rho[2] = np.nan
    corners, _ = columns_of(plot_section(PLACES, THICKNESSES, rho, limits=(1, 100)))
    assert len(corners) == 3 * 2  # nothing is below the deepest interface


def test_profile_projects_at_right_angles_and_says_how_far_off():
    rotated = np.column_stack([PLACES[:, 0] * 0.6, PLACES[:, 0] * 0.8, PLACES[:, 2]])
    rotated[0, :2] += 500 * np.array([-0.8, 0.6])
    fig = plot_section(rotated, THICKNESSES, np.full((4, 3), 10.0), profile=[(0, 0), (6, 8)], vertical_exaggeration=1)
    assert (
        fig.axes[0].get_title() == "profile along azimuth 37°, stations up to 0.5 km off it, no vertical exaggeration"
    )
    np.testing.assert_allclose(fig.axes[0].lines[0].get_xdata(), EASTING / 1000)
    fitted = plot_section(rotated, THICKNESSES, np.full((4, 3), 10.0))
    np.testing.assert_allclose(fitted.axes[0].lines[0].get_xdata(), EASTING / 1000, atol=0.05)


def test_names_of_a_crowd_do_not_run_into_one_another():
    generator = np.random.default_rng(5)
    places = np.column_stack([generator.uniform(0, 1e5, (2, 60)).T, generator.uniform(0, 500, 60)])
    names = [f"YNP{i:02d}" for i in range(60)]
    fig = plot_section(places, THICKNESSES, np.full((60, 3), 10.0), names=names, title="Crowd")
    assert 20 < len(fig.axes[0].texts) < 60
    assert_readable(fig)
    fig = plot_misfit_map(places, generator.uniform(0.1, 5, 60), names=names)
    assert 20 < len(fig.axes[0].texts) <= 60
    assert_readable(fig)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resistivity": np.full((3, 3), 10.0)}, r"resistivity: got shape \(3, 3\), wanted \(4, 3\)"),
        ({"resistivity": np.full((4, 3), -1.0)}, "resistivities from -1 ohm m in 3 layers"),
        ({"resistivity": np.array([[1.0, np.nan, 1.0]] * 4)}, "4 columns with some nan"),
        ({"thicknesses": [1.0]}, r"thicknesses: got shape \(1,\), wanted \(4, 2\)"),
        ({"profile": [(0, 0), (0, 1)]}, "all stations project to one point of the profile"),
        ({"names": ["A"]}, "names: got 1, wanted 4"),
    ],
)
def test_section_says_what_is_wrong(changes, message):
    arguments = {"thicknesses": THICKNESSES, "resistivity": np.full((4, 3), 10.0)} | changes
    with pytest.raises(ValueError, match=message):
        plot_section(PLACES, **arguments)


# maps ---------------------------------------------------------------------------------------------------
