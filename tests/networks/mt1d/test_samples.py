"""Synthetic soundings of the training set: frequencies, noise and errors."""

import math

import pytest
import torch

from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks.mt1d import sample_soundings
from simpeg_jointdl.networks.mt1d._samples import MEASUREMENTS, simulate


@pytest.mark.parametrize("design", ["wide", "published"])
def test_samples_are_complete_soundings(design):
    model, soundings = sample_soundings(500, design, torch.Generator().manual_seed(0))
    again, _ = sample_soundings(500, design, torch.Generator().manual_seed(0))
    assert torch.equal(model, again)
    low, high = MEASUREMENTS[design].band
    assert soundings.log_frequency.min() >= low - 1e-5
    assert soundings.log_frequency.max() <= high + 1e-5
    assert all(bool(torch.isfinite(part).all()) for part in soundings[:3])
    present = torch.isfinite(soundings.error)
    assert bool(present.any(1).all())
    assert 0.02 < float((soundings.error == 0).any(1).double().mean()) < 0.7


def test_noise_has_the_standard_deviation_of_the_errors():
    measurement = MEASUREMENTS["published"]
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    model, noisy = sample_soundings(2000, "published", generators[0], measurement)
    resistivity, phase = simulate(model, synthetic.layer_thicknesses("published").float(), noisy.log_frequency)
    used = torch.isfinite(noisy.error) & (noisy.error > 0)
    for difference in ((noisy.log_resistivity - resistivity) * math.log(10.0) / 2.0, noisy.phase - phase):
        assert float((difference / noisy.error)[used].std()) == pytest.approx(1.0, abs=0.03)
