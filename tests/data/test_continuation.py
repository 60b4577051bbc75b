"""Upward continuation against formulas: a point mass, a dipole, a plane, white noise."""

import numpy as np
import pytest

from simpeg_jointdl import datasets
from simpeg_jointdl.data._continuation import white_noise_factor

DEPTH = 3000.0
HEIGHT = 1000.0
UP = np.array([0.0, 0.0, HEIGHT])


def stations(shape=(49, 41), spacing=(500.0, 600.0), angle=0.0, bend=0.0):
    """Grid about the origin, its rows bent like those of a projected longitude-latitude grid."""
    x, y = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * h for n, h in zip(shape, spacing, strict=True)))
    x, y = x.ravel() * (1 + bend * y.ravel()), y.ravel() + bend * x.ravel() ** 2 / 2
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.column_stack([c * x - s * y, s * x + c * y, np.zeros(x.size)])


def point_mass(locations):
    """Vertical attraction of a unit mass at DEPTH, over that right above it."""
    offset = locations - [0.0, 0.0, -DEPTH]
    return offset[:, 2] * DEPTH**2 / np.linalg.norm(offset, axis=1) ** 3


def dipole(locations):
    """Vertical field of a vertical dipole at DEPTH, over that right above it."""
    offset = locations - [0.0, 0.0, -DEPTH]
    r = np.linalg.norm(offset, axis=1)
    return (3 * offset[:, 2] ** 2 - r**2) / r**5 * DEPTH**3 / 2


def interior(locations):
    return (np.abs(locations[:, :2]) < 8000.0).all(axis=1)


@pytest.mark.parametrize(("source", "percent"), [(point_mass, 3.0), (dipole, 1.0)])
@pytest.mark.parametrize(("angle", "bend"), [(0.0, 0.0), (0.5, 0.0), (30.0, 0.0), (0.4, 1e-6)])
def test_buried_source(source, percent, angle, bend):
    locations = stations(angle=angle, bend=bend)
    locations = np.random.default_rng(0).permutation(locations)  # any order will do
    higher, values = datasets.upward_continue(locations, source(locations), HEIGHT)
    np.testing.assert_array_equal(higher, locations + UP)
    truth = source(higher)
    error = np.abs(values - truth)[interior(locations)].max() / truth.max()
    assert 100 * error < percent


def test_two_steps_are_one():
    locations = stations()
    once = datasets.upward_continue(locations, dipole(locations), 2 * HEIGHT)
    twice = datasets.upward_continue(*datasets.upward_continue(locations, dipole(locations), HEIGHT), HEIGHT)
    np.testing.assert_allclose(twice[1], once[1], atol=1e-12)
    np.testing.assert_allclose(twice[0], once[0])


def test_planes_and_zero_height_change_nothing():
    locations = stations(angle=10.0)
    plane = 3.0 + 1e-3 * locations[:, 0] - 2e-3 * locations[:, 1]
    np.testing.assert_allclose(datasets.upward_continue(locations, plane, HEIGHT)[1], plane, atol=1e-9)
    values = dipole(locations)
    unchanged = datasets.upward_continue(locations, values, 0.0)
    np.testing.assert_array_equal(unchanged[1], values)
    np.testing.assert_array_equal(unchanged[0], locations)


def test_white_noise_factor():
    shape, spacing = (60, 50), (500.0, 600.0)
    locations = stations(shape, spacing)
    noise = np.random.default_rng(1).standard_normal(len(locations))
    left = datasets.upward_continue(locations, noise, HEIGHT)[1].std()
    factor = white_noise_factor(shape, spacing, HEIGHT)
    assert left == pytest.approx(factor, rel=0.1)
    assert factor == pytest.approx(np.sqrt(spacing[0] * spacing[1] / (8 * np.pi)) / HEIGHT, rel=0.15)
    assert white_noise_factor(shape, spacing, 0.0) == 1.0


def test_callers_arrays_stay_as_they_are():
    locations, values = stations(), dipole(stations())
    before = locations.copy(), values.copy()
    datasets.upward_continue(locations, values, HEIGHT)
    np.testing.assert_array_equal(locations, before[0])
    np.testing.assert_array_equal(values, before[1])


def with_relief(locations):
    return locations + np.column_stack([np.zeros((len(locations), 2)), np.arange(len(locations))])


@pytest.mark.parametrize(
    ("locations", "match"),
    [
        (stations()[:5], "got 5 stations, wanted 9 or more, on a grid"),
        (stations((20, 1)), "along one axis"),
        (stations((20, 1), angle=45.0), "one axis|one line"),
        (stations(spacing=(100.0, 1000.0)), "less than a factor of two"),
        (stations()[1:], "2008 stations do not fill a grid of 49 x 41"),
        (np.concatenate([stations(), stations() + 1e5]), "only 2009 of 4018 stations are connected"),
        (stations(bend=2e-5), "off a regular grid"),
        (stations() @ [[1, 0, 0], [0.3, 1, 0], [0, 0, 1]], "axes' cosine is 0.29"),
        (with_relief(stations()), "elevations span 2008 m, wanted less than a tenth"),
        (np.repeat(stations(), 2, axis=0), "at one point|do not fill|are connected"),
    ],
)
def test_what_is_no_level_grid_is_refused(locations, match):
    with pytest.raises(ValueError, match=match):
        datasets.upward_continue(locations, np.zeros(len(locations)), HEIGHT)


@pytest.mark.parametrize("height", [-1.0, np.nan, np.inf])
def test_downward_is_refused(height):
    with pytest.raises(ValueError, match=r"height: got .* wanted a finite number at least 0"):
        datasets.upward_continue(stations(), dipole(stations()), height)
