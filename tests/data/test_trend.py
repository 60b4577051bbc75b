"""Trends: exact on polynomials, and hardly moved by anomalies."""

import numpy as np
import pytest

from simpeg_jointdl import datasets

RNG_SEED = 3


@pytest.fixture
def locations():
    rng = np.random.default_rng(RNG_SEED)
    return np.array([470e3, 7.74e6, 100.0]) + rng.uniform(-18e3, 18e3, size=(400, 3))


def surface(locations, order):
    x, y = (locations[:, :2] - [470e3, 7.74e6]).T / 1e4
    return [3.0 + 0 * x, 3.0 - 2 * x + y, 3.0 - 2 * x + y + 0.3 * x * y - 0.2 * x**2 + y**2][order]


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_polynomials_are_taken_out_whole(locations, order, robust):
    values = surface(locations, order)
    residual, trend = datasets.remove_trend(locations, values, order, robust=robust)
    np.testing.assert_allclose(trend, values, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(residual, 0.0, atol=1e-10)


@pytest.mark.parametrize("order", [0, 1])
def test_order_is_kept(locations, order):
    _, trend = datasets.remove_trend(locations, surface(locations, order + 1), order)
    _, again = datasets.remove_trend(locations, trend, order)
    np.testing.assert_allclose(again, trend, atol=1e-8)
    assert np.abs(trend - surface(locations, order + 1)).max() > 0.1


def test_plain_least_squares_leaves_orthogonal_residuals(locations):
    values = np.random.default_rng(RNG_SEED).standard_normal(400)
    residual, trend = datasets.remove_trend(locations[:, :2], values, 1, robust=False)
    np.testing.assert_allclose(residual + trend, values, atol=1e-12)
    np.testing.assert_allclose(residual @ (locations[:, :2] - 470e3) / 1e6, 0.0, atol=1e-6)


def test_anomalies_bias_the_robust_trend_less(locations):
    rng = np.random.default_rng(RNG_SEED)
    truth = surface(locations, 1)
    anomaly = 50.0 * (np.hypot(*(locations[:, :2] - [478e3, 7.748e6]).T) < 6e3)
    values = truth + anomaly + 0.1 * rng.standard_normal(400)
    plain, robust = (datasets.remove_trend(locations, values, 1, robust=r)[1] - truth for r in (False, True))
    assert np.abs(plain).max() > 5.0
    assert np.abs(robust).max() < 0.2


def test_stations_on_one_line():
    locations = np.column_stack([np.full(9, 5.0), np.arange(9.0)])
    residual, _ = datasets.remove_trend(locations, np.arange(9.0) * 2 + 1, 1)
    np.testing.assert_allclose(residual, 0.0, atol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((np.zeros((4, 3)), np.zeros(4), 3), "order=3, wanted 0, 1 or 2"),
        ((np.zeros((4, 3)), np.zeros(4), 1.0), "order=1.0, wanted 0, 1 or 2"),
        ((np.zeros((4, 4)), np.zeros(4)), r"locations: got shape \(4, 4\)"),
        ((np.zeros((4, 3)), np.zeros(5)), r"values: got shape \(5,\), wanted \(4,\)"),
        ((np.zeros((5, 2)), np.zeros(5), 2), "got 5 stations, wanted at least 6"),
    ],
)
def test_refusals(arguments, match):
    with pytest.raises(ValueError, match=match):
        datasets.remove_trend(*arguments)
