"""Largest eigenvalues of blocks of a matrix."""

import numpy as np
import pytest

from simpeg_jointdl._problem.spectra import spectral_norm

MATRIX = np.diag([1.0, 5.0, 2.0, 9.0]) + 0.1
BLOCK = np.array([True, True, True, False])


def test_it_is_close_to_the_largest_eigenvalue_of_the_block_and_never_above():
    found = spectral_norm(lambda v: MATRIX @ v, BLOCK, np.random.default_rng(0))
    largest = np.linalg.eigvalsh(MATRIX[:3, :3]).max()
    assert found == pytest.approx(largest, rel=1e-3)
    assert found <= largest


def test_the_same_seed_gives_the_same_estimate():
    found = [spectral_norm(lambda v: MATRIX @ v, BLOCK, np.random.default_rng(3)) for _ in range(2)]
    assert found[0] == found[1]


@pytest.mark.parametrize("support", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)])
def test_a_block_of_zeros_has_norm_zero(support):
    assert spectral_norm(np.zeros_like, support, np.random.default_rng(0)) == 0.0
