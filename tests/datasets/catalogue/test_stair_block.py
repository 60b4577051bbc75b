"""The stair-block problem as it was published."""

import numpy as np
import pytest

from simpeg_jointdl import datasets


def test_geometry():
    block = datasets.load("stair_block")
    truth = 1e3 * block.true_models["density"]
    assert block.mesh.shape_cells == (21, 21, 11)
    assert len(block.gravity.gz) == 441
    assert block.magnetics is None
    np.testing.assert_allclose(np.sqrt(np.mean(truth**2)), 83.2, atol=0.05)  # the published rms of a zero model
    np.testing.assert_allclose(block.mesh.cell_centers.max(axis=0), [1000.0, 1000.0, 0.0], atol=1e-9)
    centers = block.mesh.cell_centers[truth > 0]
    np.testing.assert_allclose([centers[:, 2].max(), centers[:, 2].min()], [-50.0, -350.0])
    top, bottom = (centers[np.isclose(centers[:, 2], z)] for z in (-50.0, -350.0))
    assert top[:, 1].mean() - bottom[:, 1].mean() == pytest.approx(300.0)


def test_noise_is_seeded_and_of_the_size_asked_for():
    one, again, other = (datasets.load("stair_block", noise=0.05, random_seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.gravity.gz, again.gravity.gz)
    difference = (one.gravity.gz - other.gravity.gz) / one.gravity.uncertainty
    assert 1.2 < difference.std() < 1.6
    with pytest.raises(ValueError, match="wanted a seed"):
        datasets.load("stair_block", random_seed=None)
