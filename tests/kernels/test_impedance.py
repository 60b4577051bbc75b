"""Impedance tensors: units, rotation, components, and the checks of their quality."""

import numpy as np
import pytest
from scipy.constants import mu_0

from simpeg_jointdl.kernels import (
    MU_0,
    apparent_resistivity,
    impedance_component,
    is_spike,
    is_wrong_quadrant,
    rotate_impedance,
)

FREQUENCIES = np.logspace(2, -2, 9)
RNG = np.random.default_rng(0)
TENSORS = RNG.standard_normal((4, 2, 2)) + 1j * RNG.standard_normal((4, 2, 2))
ERRORS = RNG.uniform(0.1, 0.2, (4, 2, 2))


def half_space(resistivity):
    """Impedance tensors of a half-space in ohm, (n_frequencies, 2, 2)."""
    z = np.sqrt(2j * np.pi * FREQUENCIES * MU_0 * resistivity)
    return z[:, None, None] * np.array([[0.0, 1.0], [-1.0, 0.0]])


def test_the_magnetic_constant_is_that_of_simpeg():
    assert mu_0 == MU_0
    assert pytest.approx(4e-7 * np.pi, rel=1e-9) == MU_0


@pytest.mark.parametrize("name", ["xy", "yx", "determinant"])
def test_a_half_space_has_its_resistivity_and_45_degrees(name):
    z, _ = impedance_component(half_space(50.0), np.ones((9, 2, 2)), name)
    np.testing.assert_allclose(apparent_resistivity(z, FREQUENCIES), 50.0, rtol=1e-12)
    np.testing.assert_allclose(np.angle(z, deg=True), 45.0, rtol=1e-12)


def test_rotating_there_and_back_changes_nothing_and_a_quarter_swaps_the_elements():
    turned, _ = rotate_impedance(TENSORS, ERRORS, 40.0)
    back, _ = rotate_impedance(turned, ERRORS, -40.0)
    np.testing.assert_allclose(back, TENSORS, atol=1e-12)
    quarter, errors = rotate_impedance(TENSORS, ERRORS, 90.0)
    np.testing.assert_allclose(quarter[:, 0, 1], -TENSORS[:, 1, 0], atol=1e-12)
    np.testing.assert_allclose(errors, ERRORS[:, ::-1, ::-1], atol=1e-12)


def test_each_tensor_may_have_its_own_angle():
    angles = np.array([0.0, 30.0, 60.0, 90.0])
    together, _ = rotate_impedance(TENSORS, ERRORS, angles)
    for one, tensor, error, angle in zip(together, TENSORS, ERRORS, angles, strict=True):
        np.testing.assert_allclose(one, rotate_impedance(tensor, error, angle)[0], atol=1e-12)


def test_the_determinant_does_not_depend_on_the_axes_and_its_error_is_that_of_noise():
    z, error = impedance_component(TENSORS, ERRORS, "determinant")
    turned, _ = impedance_component(*rotate_impedance(TENSORS, ERRORS, 25.0), "determinant")
    np.testing.assert_allclose(np.abs(turned), np.abs(z), rtol=1e-12)
    noise = 1e-4 * (np.random.default_rng(1).standard_normal((5000, 4, 2, 2)) * ERRORS)
    many, _ = impedance_component(TENSORS + noise, ERRORS, "determinant")
    spread = np.sqrt(np.mean(np.abs(many**2 - z**2) ** 2, axis=0)) / (2 * np.abs(z))
    np.testing.assert_allclose(spread, 1e-4 * error, rtol=0.05)


def test_a_determinant_of_zero_is_missing():
    z, error = impedance_component(np.zeros((1, 2, 2), dtype=complex), np.ones((1, 2, 2)), "determinant")
    assert np.isnan(z).all()
    assert np.isnan(error).all()


def test_only_phases_outside_the_first_quadrant_are_wrong():
    tensors = half_space(10.0)
    tensors[2, 0, 1] = -tensors[2, 0, 1]
    tensors[3, 1, 0] = np.conj(tensors[3, 1, 0])
    tensors[4] = np.nan
    wrong = np.argwhere(is_wrong_quadrant(tensors)).tolist()
    assert wrong == [[2, 0, 1], [3, 1, 0]]


def test_a_spike_is_found_and_a_slope_of_the_earth_is_not():
    slope = -np.log10(FREQUENCIES)  # a decade per decade, the steepest over layers
    curves = np.stack([slope, np.zeros(9), np.zeros(9), np.full(9, np.nan)])
    curves[1, 4] = 2.0
    curves[2, [0, 5]] = 3.0, np.nan
    found = is_spike(curves, FREQUENCIES, 0.5)
    assert np.argwhere(found).tolist() == [[1, 4], [2, 0]]
