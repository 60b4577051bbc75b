"""Training of the network of gravity and magnetics: samples, terms of the loss, and the command."""

import numpy as np
import pytest
import torch

from simpeg_jointdl import networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train
from simpeg_jointdl.networks.gravmag import GravMagTask, boundaries
from simpeg_jointdl.networks.gravmag._samples import GravMagMeasurement, SampleHeights, measure, simulate

CPU = torch.device("cpu")


def make_sample(n=3, seed=5, **measurement):
    models = synthetic.sample_geology((16, 32, 32), n, random_seed=seed, device=CPU, dtype="float32")
    generator = torch.Generator().manual_seed(seed)
    heights = SampleHeights.draw(n, (16, 32, 32), generator, CPU)
    whole = {"missing": 0.0, "masked": 0.0, "trend": 0.0}
    return measure(models, heights, generator, GravMagMeasurement(**whole | measurement))


# samples ------------------------------------------------------------------------------------------------
def test_noise_has_the_given_standard_deviation():
    sample = make_sample(n=32, correlated=0.0)
    chi = sample.chi(sample.models, exact=False)
    assert float(chi.mean()) == pytest.approx(1.0, abs=0.03)
    assert float(sample.chi(sample.models).max()) == 0.0


def test_samples_have_gaps_trends_and_missing_grids():
    sample = make_sample(n=64, missing=0.2, masked=0.5, trend=0.5)
    masks = torch.stack((sample.grids.gravity_mask, sample.grids.magnetic_mask), 1).flatten(2)
    assert bool(masks.any(2).any(1).all())
    assert 4 < int((~masks.any(2)).sum()) < 40
    assert 0.2 < float((masks.any(2) & ~masks.all(2)).float().mean()) < 0.7
    assert all(bool(torch.isfinite(part).all()) for part in sample.grids)
    assert float(sample.chi(sample.models, exact=False).amax()) > 5.0  # no model explains a trend
    directions = sample.grids.direction
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(64))
    assert bool((directions.amin(0) < -0.3).all())
    assert bool((directions.amax(0) > 0.3).all())


def test_exact_data_are_those_of_the_models():
    sample = make_sample()
    torch.testing.assert_close(simulate(sample.models, sample.kernels), sample.exact)
    torch.testing.assert_close(simulate(2.0 * sample.models, sample.kernels), 2.0 * sample.exact)


def test_boundaries_are_where_a_property_changes():
    models = torch.zeros(1, 2, 4, 4, 4)
    models[0, 0, 2:, :, :] = 0.3  # a layer of higher density
    models[0, 1, :, :, 0] = 0.1  # a wall of higher susceptibility
    found = boundaries(models)[0]
    assert bool(found[1:3].all())
    assert bool(found[:, :, :2].all())
    assert not bool(found[0, :, 2:].any())
    assert not bool(found[3, :, 2:].any())


# training -----------------------------------------------------------------------------------------------
def test_terms_of_the_loss_can_be_left_out():
    for terms in (("model",), ("data",), ("structure",), ("model", "structure")):
        loss, parts = GravMagTask("small", 0, CPU, terms=terms).loss(0.0)
        assert set(parts) == set(terms)
        assert float(loss.detach()) == pytest.approx(sum(parts.values()), rel=1e-5)
    with pytest.raises(ValueError, match=r"terms: got \('models',\), wanted one or more of model, data, structure"):
        GravMagTask("small", 0, CPU, terms=("models",))


def test_the_same_seed_gives_the_same_samples():
    one, two, other = (GravMagTask("small", seed, CPU) for seed in (0, 0, 1))
    losses = [[task.loss(0.0)[1]["model"] for _ in range(2)] for task in (one, two, other)]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][0] != losses[0][1]
    one.loss(0.0)
    with torch.no_grad():
        assert one.validate() == two.validate()


def test_a_small_network_is_trained_and_read_again(tmp_path):
    path = tmp_path / "gravmag.safetensors"
    card = train.main(
        ["gravmag", "--size", "small", "--steps", "6", "--output", str(path), "--precision", "bf16-mixed"]
    )
    assert {"score", "rms_density_whole", "iou_susceptibility_none", "chi_density_partly"} <= set(card["metrics"])
    assert np.isfinite(list(card["metrics"].values())).all()
    network = networks.GravMagUNet.from_pretrained(path)
    assert network.card["precision"] == "bf16-mixed"
    assert not network.training
    assert network.config == card["config"]
