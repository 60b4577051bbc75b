"""The field data: the published crop to the digit, and what trend, continuation and thinning do to it."""

import sys

import numpy as np
import pytest

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets.catalogue import _ernest_henry

DEPOSIT = np.array([468_706.0, 7_739_798.0])  # 140.70 E, 20.44 S


@pytest.fixture
def load(field_data):
    return lambda **options: datasets.load("ernest_henry", **options)


@pytest.mark.parametrize(
    ("part", "name", "sign"),
    [("gravity", "gz", -1.0), ("magnetics", "tmi", 1.0)],
)
def test_raw_data_are_the_published_crop(field_data, load, part, name, sign):
    file = field_data / "qld_west_gravmag" / f"{part}_crop_ernest_henry.csv"
    rows = np.loadtxt(file, delimiter=",", skiprows=1)
    data = getattr(load(remove_trend=False), part)
    assert len(data.locations) == len(rows)
    np.testing.assert_allclose(data.locations[:, :2], rows[:, :2], atol=0.0501, rtol=0)
    np.testing.assert_array_equal(data.locations[:, 2], rows[:, 2])
    np.testing.assert_allclose(sign * getattr(data, name), rows[:, 5], atol=0.000501, rtol=0)


def test_uncertainty_and_field(load):
    raw = load(remove_trend=False)
    assert raw.magnetics.inducing_field == (50_560.0, -50.75, 6.28)
    assert (np.unique(raw.gravity.uncertainty), np.unique(raw.magnetics.uncertainty)) == ([1.0], [100.0])
    assert raw.license.startswith("The data may be used and redistributed for free")
    assert raw.mesh is None
    assert raw.true_models is None


def test_trend_is_a_plane(load):
    raw, data = load(remove_trend=False), load()
    for part, name in (("gravity", "gz"), ("magnetics", "tmi")):
        taken = getattr(getattr(raw, part), name) - getattr(getattr(data, part), name)
        again, _ = datasets.remove_trend(getattr(raw, part).locations, taken, 1, robust=False)
        np.testing.assert_allclose(again, 0.0, atol=1e-6)
    assert data.gravity.gz.std() < 0.7 * raw.gravity.gz.std()


@pytest.mark.parametrize("height", [0.0, 1000.0, 2000.0])
def test_deposit_is_dense_and_magnetic(load, height):
    data = load(upward_continuation=height)
    near = np.hypot(*(data.magnetics.locations[:, :2] - DEPOSIT).T) < 1500.0
    assert data.magnetics.tmi[near].max() > 2.0 * data.magnetics.tmi.std()
    near = np.hypot(*(data.gravity.locations[:, :2] - DEPOSIT).T) < 1500.0
    assert data.gravity.gz[near].mean() < -0.5 * data.gravity.gz.std()


def test_continuation_lifts_smooths_and_quietens(load):
    ground, higher, highest = (load(upward_continuation=height) for height in (0.0, 1000.0, 2000.0))
    np.testing.assert_allclose(higher.gravity.locations[:, 2], 1000.0)
    np.testing.assert_allclose(higher.magnetics.locations[:, 2], 1080.0)
    assert ground.magnetics.tmi.std() > higher.magnetics.tmi.std() > highest.magnetics.tmi.std()
    assert (np.unique(higher.magnetics.uncertainty), np.unique(highest.magnetics.uncertainty)) == (
        [25.0],
        [25.0],
    )
    half = load(upward_continuation=500.0)
    assert 30.0 < half.magnetics.uncertainty[0] < 40.0
    assert higher.gravity.uncertainty[0] == 1.0


def test_every_second_row_and_column(load):
    all_of_it, some = load(remove_trend=False), load(remove_trend=False, every=2)
    whole = all_of_it.gravity.gz.reshape(39, 41)
    np.testing.assert_array_equal(some.gravity.gz.reshape(20, 21), whole[::2, ::2])
    assert some.magnetics.tmi.size == 20 * 21


@pytest.mark.parametrize(
    ("options", "kind", "match"),
    [
        ({"every": 0}, ValueError, "ernest_henry.every: got 0, wanted a whole number of at least 1"),
        ({"every": 1.5}, ValueError, "ernest_henry.every: got 1.5"),
        ({"upward_continuation": -1.0}, ValueError, "ernest_henry.upward_continuation: got -1.0"),
    ],
)
def test_refusals(options, kind, match):
    with pytest.raises(kind, match=match):
        datasets.load("ernest_henry", **options)


def test_without_pyproj(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyproj", None)
    with pytest.raises(ImportError, match=r'pip install "simpeg_jointdl\[data\]"'):
        _ernest_henry._project(np.array([140.7]), np.array([-20.44]))
