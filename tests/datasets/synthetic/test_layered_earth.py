"""Layered earths: the designs' ranges, and their shapes."""

import numpy as np
import pytest
import torch

from simpeg_jointdl.datasets import synthetic

RANGES = {"published": (2.0, 220.0), "wide": (0.1, 1e5)}


@pytest.mark.parametrize("design", RANGES)
def test_values_stay_in_their_range(design):
    values = 10.0 ** synthetic.sample_layered_earth(2000, design, random_seed=1)
    lower, upper = RANGES[design]
    assert values.shape == (2000, 40)
    assert float(values.min()) >= lower * (1 - 1e-9)
    assert float(values.max()) <= upper * (1 + 1e-9)
    assert float(values.min()) < 2 * lower
    assert float(values.max()) > 0.5 * upper


@pytest.mark.parametrize("design", RANGES)
def test_seeds_and_generators(design):
    one, two = (synthetic.sample_layered_earth(5, design, random_seed=3) for _ in range(2))
    assert torch.equal(one, two)
    generator = torch.Generator().manual_seed(3)
    assert torch.equal(synthetic.sample_layered_earth(5, design, random_seed=generator), one)
    assert not torch.equal(synthetic.sample_layered_earth(5, design, random_seed=generator), one)
    assert synthetic.sample_layered_earth(2, design, dtype="float32").dtype == torch.float32


def test_published_models_are_linear_between_five_layers():
    values = 10.0 ** synthetic.sample_layered_earth(300, "published", random_seed=2).numpy()
    bends = (np.abs(np.diff(values, 2, axis=1)) > 1e-6).sum(1)
    assert bends.max() <= 2 * 5  # a place between two layers bends at most two differences
    assert np.median(bends) == 5


def test_wide_models_are_blocky_smooth_and_mixed():
    values = synthetic.sample_layered_earth(3000, "wide", random_seed=2).numpy()
    jumps = (np.abs(np.diff(values, axis=1)) > 1e-9).sum(1)
    assert 0.2 < (jumps <= 8).mean() < 0.5  # blocky, or constant
    assert 0.4 < (jumps > 20).mean() < 0.75


def test_bad_input():
    with pytest.raises(ValueError, match="got the design 'narrow'"):
        synthetic.sample_layered_earth(3, "narrow")
    with pytest.raises(ValueError, match="got the design 'narrow'"):
        synthetic.layer_thicknesses("narrow")
    with pytest.raises(ValueError, match=r"sample_layered_earth.n_samples: got 0"):
        synthetic.sample_layered_earth(0)
    with pytest.raises(ValueError, match=r"sample_layered_earth.random_seed: got 1.5"):
        synthetic.sample_layered_earth(3, random_seed=1.5)
