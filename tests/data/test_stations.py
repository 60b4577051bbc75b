"""Tensors at stations: what a rotation keeps, which points are taken out, what is refused."""

import numpy as np
import pytest

from simpeg_jointdl.datasets import MTStations

FREQUENCIES = np.logspace(-2, 2, 13)
SHAPE = (2, 13, 2, 2)


def stations(impedance=None, error=None, **changes):
    generator = np.random.default_rng(7)
    if impedance is None:
        impedance = generator.normal(size=SHAPE) + 1j * generator.normal(size=SHAPE)
    parts = {"names": ["A", "B"], "locations": np.eye(2, 3), "frequencies": FREQUENCIES}
    return MTStations(**(parts | {"impedance": impedance, "error": error} | changes))


def half_space(rho=100.0):
    """Over 100 ohm m in ohm: Z = (1 + i) sqrt(π f μ₀ ρ)."""
    z = (1 + 1j) * np.sqrt(np.pi * FREQUENCIES * 4e-7 * np.pi * rho)
    tensor = np.zeros(SHAPE, dtype=complex)
    tensor[..., 0, 1], tensor[..., 1, 0] = z, -z
    return tensor


@pytest.mark.parametrize("component", ["determinant", "xy", "yx"])
def test_every_component_of_a_half_space_is_its_resistivity_and_45_degrees(component):
    for degrees in (0.0, 33.0):
        sounding = stations(half_space()).rotated(degrees).soundings(component)
        np.testing.assert_allclose(sounding.apparent_resistivity, 100.0)
        np.testing.assert_allclose(sounding.phase, 45.0)
        np.testing.assert_allclose(sounding.apparent_resistivity_error, 10.0)


def test_rotation_keeps_the_invariants_and_goes_back():
    given = stations()
    turned = given.rotated(40.0)
    assert turned.rotation == 40.0
    z, w = given.impedance, turned.impedance
    np.testing.assert_allclose(np.linalg.det(w), np.linalg.det(z))
    np.testing.assert_allclose(np.trace(w, axis1=-2, axis2=-1), np.trace(z, axis1=-2, axis2=-1))
    np.testing.assert_allclose(w[..., 0, 1] - w[..., 1, 0], z[..., 0, 1] - z[..., 1, 0])
    np.testing.assert_allclose(turned.rotated(-40.0).impedance, z)
    quarter = given.rotated(90.0).impedance  # x' is east, y' is south
    np.testing.assert_allclose(quarter[..., 0, 1], -z[..., 1, 0], atol=1e-14)
    np.testing.assert_allclose(quarter[..., 0, 0], z[..., 1, 1], atol=1e-14)


def test_rotation_is_clockwise_from_north_to_east():
    """Strike at N30E: in axes along it the tensor has no diagonal."""
    along = np.zeros(SHAPE, dtype=complex)
    along[..., 0, 1], along[..., 1, 0] = 1 + 1j, -3 - 2j
    seen_from_north = stations(along, rotation=30.0).rotated(-30.0)
    assert seen_from_north.rotation == 0.0
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    strike, normal = np.array([c, s]), np.array([-s, c])  # north, east
    wanted = (1 + 1j) * np.outer(strike, normal) + (-3 - 2j) * np.outer(normal, strike)
    np.testing.assert_allclose(seen_from_north.impedance[0, 0], wanted)


def test_equal_errors_stay_equal_under_rotation_and_unknown_ones_unknown():
    turned = stations(error=np.full(SHAPE, 0.2)).rotated(17.0)
    np.testing.assert_allclose(turned.error, 0.2 * np.ones(SHAPE))
    assert np.isnan(stations().rotated(17.0).error).all()


def test_a_tensor_with_a_gap_turns_into_a_gap():
    z = stations().impedance.copy()
    z[0, 3, 1, 1] = np.nan
    turned = stations(z, np.ones(SHAPE)).rotated(20.0)
    assert np.isnan(turned.impedance[0, 3]).all()
    assert np.isnan(turned.error[0, 3]).all()
    assert np.isnan(turned.impedance).sum() == 4


def test_masks_of_points_and_of_elements():
    bad = np.zeros(SHAPE[:2], dtype=bool)
    bad[1, 4] = True
    sounding = stations(half_space()).masked(bad).soundings()
    np.testing.assert_array_equal(np.isnan(sounding.phase), bad)
    element = np.zeros(SHAPE, dtype=bool)
    element[0, 2, 1, 0] = True
    given = stations(half_space()).masked(element)
    assert [int(np.isnan(given.soundings(c).phase).sum()) for c in ("determinant", "xy", "yx")] == [1, 0, 1]
    with pytest.raises(ValueError, match=r"masked: got int64 of shape \(2, 13\), wanted bool of shape \(2, 13\)"):
        given.masked(bad.astype(int))


def test_without_finds_what_was_spoilt_and_nothing_else():
    z, error = half_space(), np.abs(half_space()) * 0.02 + 1e-12
    z[0, 3, 0, 1] *= 3.0  # a spike
    z[0, 12, 1, 0] *= 2.5  # and one at the end
    z[1, 5, 1, 0] *= -1  # wrong quadrant
    error[1, 9, 0, 1] *= 40
    cleaned = stations(z, error).without(relative_error=0.5, wrong_quadrant=True, spikes=0.1)
    found = np.argwhere(np.isnan(cleaned.impedance)).tolist()
    assert found == [[0, 3, 0, 1], [0, 12, 1, 0], [1, 5, 1, 0], [1, 9, 0, 1]]
    assert np.isnan(stations(z, error).without().impedance).sum() == 0


def test_steep_curves_have_no_spikes():
    """Apparent resistivity as steep as layers can make it, up and down, with a gap."""
    slope = np.abs(np.log10(FREQUENCIES))
    z = half_space() * (10 ** (slope / 2))[:, None, None]
    z[0, 6] = np.nan
    assert np.isnan(stations(z).without(spikes=0.1).impedance).sum() == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frequencies": FREQUENCIES[::-1]}, "frequencies: got unsorted frequencies"),
        ({"frequencies": -FREQUENCIES}, "wanted every entry above 0"),
        ({"impedance": np.zeros((2, 13, 4))}, r"impedance: got shape \(2, 13, 4\), wanted \(2, 13, 2, 2\)"),
        ({"impedance": np.full(SHAPE, np.inf)}, "impedance: got 104 infinite entries"),
        ({"error": np.zeros(SHAPE)}, "error: the smallest entry is 0, wanted > 0, or nan for a missing value"),
        ({"names": ["A", "A"]}, r"names: got \['A'\]"),
        ({"longitude_latitude": np.zeros((3, 2))}, "longitude_latitude: got shape"),
        ({"rotation": np.nan}, "rotation: got nan"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        stations(**changes)


def test_unknown_component_and_bad_limits_are_named():
    with pytest.raises(ValueError, match=r"component: got 'te', wanted one of \('determinant', 'xy', 'yx'\)"):
        stations().soundings("te")
    with pytest.raises(ValueError, match="relative_error: got -1"):
        stations().without(relative_error=-1)
    with pytest.raises(ValueError, match=r"error_floor: got -0\.1"):
        stations().soundings(error_floor=-0.1)


def test_stations_are_chosen():
    chosen = stations(longitude_latitude=np.eye(2))[["B"]]
    assert chosen.names == ("B",)
    assert len(chosen) == 1
    np.testing.assert_array_equal(chosen.longitude_latitude, [[0, 1]])
    np.testing.assert_array_equal(chosen.impedance, stations().impedance[1:])
