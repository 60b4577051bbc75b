"""Synthetic soundings: exact over a half-space, with the noise that their errors say, and bad input."""

import numpy as np
import pytest

from simpeg_jointdl.datasets import synthetic

F = np.logspace(-2, 3, 21)


def test_a_half_space_is_itself():
    soundings = synthetic.make_soundings([30.0], [], F, noise=0.0)
    np.testing.assert_allclose(soundings.apparent_resistivity, 30.0)
    np.testing.assert_allclose(soundings.phase, 45.0)
    assert np.isnan(soundings.phase_error).all()


def test_noise_is_what_the_errors_say():
    resistivity = np.full((400, 2), 100.0)
    soundings = synthetic.make_soundings(resistivity, [500.0], F, noise=0.02, random_seed=1)
    rho = (soundings.apparent_resistivity - 100.0) / soundings.apparent_resistivity_error
    phase = (soundings.phase - 45.0) / soundings.phase_error
    np.testing.assert_allclose([rho.std(), phase.std()], 1.0, atol=0.03)
    assert soundings.names[:2] == ("S001", "S002")
    again = synthetic.make_soundings(resistivity, [500.0], F, noise=0.02, random_seed=1)
    np.testing.assert_array_equal(again.phase, soundings.phase)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resistivity": [100.0, -1.0, 3.0]}, "resistivity: got -1"),
        ({"resistivity": [100.0, 3.0]}, r"resistivity: got shape \(1, 2\), wanted \(n, 3\)"),
        ({"thicknesses": [0.0, 3.0]}, "thicknesses: got 0"),
        ({"frequencies": [-1.0, 3.0]}, "frequencies: got -1"),
        ({"noise": -0.1}, "noise: got -0.1"),
    ],
)
def test_bad_input(change, message):
    arguments = {"resistivity": [100.0, 5.0, 500.0], "thicknesses": [300.0, 200.0], "frequencies": F} | change
    with pytest.raises(ValueError, match=message):
        synthetic.make_soundings(**arguments)
