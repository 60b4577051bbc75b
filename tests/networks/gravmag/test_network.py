"""The network of gravity and magnetics: laws of scale, what is missing, its training, and weights."""

import numpy as np
import pytest
import torch

from simpeg_jointdl import networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train
from simpeg_jointdl.networks.gravmag import GravMagTask
from simpeg_jointdl.networks.gravmag._inputs import GravMagGrids, fill_gaps, network_inputs
from simpeg_jointdl.networks.gravmag._samples import Flight, GravMagMeasurement, measure, simulate
from simpeg_jointdl.networks.gravmag._task import boundaries

SMALL = {"widths": (8, 16), "n_lifted": 8}
CPU = torch.device("cpu")


def make_network():
    """With weights that are not at rest, or all laws would hold for the estimate alone."""
    network = networks.GravMagUNet(**SMALL, random_seed=3).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        weight += 0.03 * torch.randn(weight.shape, generator=generator)
    return network


def make_sample(n=3, seed=5, **measurement):
    models = synthetic.sample_geology((16, 32, 32), n, random_seed=seed, device=CPU, dtype="float32")
    generator = torch.Generator().manual_seed(seed)
    flight = Flight.draw(n, (16, 32, 32), generator, CPU)
    whole = {"missing": 0.0, "masked": 0.0, "trend": 0.0}
    return measure(models, flight, generator, GravMagMeasurement(**whole | measurement))


def assert_same(one, two, factors=(1.0, 1.0, 1.0), tolerance=2e-3):
    for a, b, factor in zip(one, two, factors, strict=True):
        assert float((factor * a - b).abs().max()) < tolerance * float(b.abs().max())


# laws ---------------------------------------------------------------------------------------------------
def test_models_have_their_shapes_and_signs():
    models = make_network()(make_sample().grids)
    assert all(model.shape == (3, 16, 32, 32) for model in models)
    assert bool((models.susceptibility >= 0).all())
    assert bool((models.density < 0).any())


@pytest.mark.parametrize(("rho", "chi"), [(1e-3, 1.0), (1.0, 50.0), (20.0, 0.01)])
def test_each_property_scales_with_its_own_grid(rho, chi):
    network, grids = make_network(), make_sample().grids
    scaled = grids._replace(
        gravity=rho * grids.gravity,
        gravity_noise=rho * grids.gravity_noise,
        magnetic=chi * grids.magnetic,
        magnetic_noise=chi * grids.magnetic_noise,
    )
    assert_same(network(grids), network(scaled), (rho, chi, 1.0))


def test_a_sample_does_not_see_its_neighbours():
    network, grids = make_network(), make_sample().grids
    together = network(grids)
    alone = [network(row) for row in grids.rows(1)]
    assert_same(together, [torch.cat(parts) for parts in zip(*alone, strict=True)])


def test_what_is_masked_does_not_matter():
    network, grids = make_network(), make_sample(masked=1.0).grids
    assert not bool(grids.gravity_mask.all())
    other = grids._replace(
        gravity=torch.where(grids.gravity_mask, grids.gravity, 1e6),
        magnetic=torch.where(grids.magnetic_mask, grids.magnetic, -1e6),
    )
    assert_same(network(grids), network(other))


@pytest.mark.parametrize("kind", ["gravity", "magnetic"])
def test_a_grid_may_be_missing(kind):
    network, grids = make_network(), make_sample().grids
    mask = torch.zeros_like(grids.gravity_mask)
    changes = {f"{kind}_mask": mask}
    if kind == "magnetic":
        changes["direction"] = torch.zeros_like(grids.direction)
    models = network(grids._replace(**changes))
    assert all(bool(torch.isfinite(model).all()) for model in models)
    other = network(
        grids._replace(**changes, **{kind: torch.full_like(grids.gravity, 7.0), f"{kind}_noise": mask[:, 0, 0] + 9.0})
    )
    assert_same(models, other)


def test_gaps_are_filled_smoothly():
    x = torch.linspace(0.0, 1.0, 32).expand(1, 32, 32)
    weight = torch.ones_like(x)
    weight[:, 10:14, 20:24] = 0.0
    filled = fill_gaps(torch.where(weight > 0, x, 99.0), weight)
    assert float((filled - x).abs().max()) < 0.1
    assert torch.equal(torch.where(weight > 0, filled, x), x)


def test_channels_have_the_size_of_one():
    grids = make_sample(n=16).grids
    inputs = network_inputs(grids, make_network().prior, (0.05, 0.005))
    torch.testing.assert_close(inputs.planes[:, :2].square().mean((2, 3)), torch.ones(16, 2))
    torch.testing.assert_close(inputs.priors.square().mean((2, 3, 4)), torch.ones(16, 2))
    assert float(inputs.constants.abs().max()) < 4.0
    assert float(inputs.planes[:, 2:].min()) == 1.0


def test_every_parameter_is_reached():
    network = make_network().requires_grad_(True)
    sum(part.square().sum() for part in network(make_sample().grids)).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


def test_the_same_seed_gives_the_same_weights():
    one, two, other = (networks.GravMagUNet(**SMALL, random_seed=seed).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["layers.stem.weight"], other["layers.stem.weight"])


def test_bfloat16_leaves_the_physics_alone():
    network, grids = make_network(), make_sample().grids
    exact = network(grids)
    with torch.autocast("cpu", torch.bfloat16):
        models = network(grids)
    assert all(model.dtype == torch.float32 for model in models)
    assert_same(exact[:2], models[:2], (1.0, 1.0), tolerance=0.05)


def test_float64_is_float32_with_more_digits():
    network, grids = make_network(), make_sample().grids
    double = GravMagGrids(*(part.double() if part.is_floating_point() else part for part in grids))
    assert_same(network.double()(double), [part.double() for part in make_network()(grids)])


def test_the_size_on_file_is_small():
    n_parameters = sum(weight.numel() for weight in networks.GravMagUNet().parameters())
    assert 4 * n_parameters < 16 * 2**20


# samples ------------------------------------------------------------------------------------------------
def test_noise_is_what_is_told():
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
    assert float(sample.chi(sample.models, exact=False).amax()) > 5.0  # a trend is no model's
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
    models[0, 0, 2:, :, :] = 0.3  # a layer of density
    models[0, 1, :, :, 0] = 0.1  # a wall of susceptibility
    found = boundaries(models)[0]
    assert bool(found[1:3].all())
    assert bool(found[:, :, :2].all())
    assert not bool(found[0, :, 2:].any())
    assert not bool(found[3, :, 2:].any())


# training -----------------------------------------------------------------------------------------------
def test_terms_can_be_switched_off():
    for terms in (("model",), ("data",), ("structure",), ("model", "structure")):
        loss, parts = GravMagTask("small", 0, CPU, terms=terms).loss(0.0)
        assert set(parts) == set(terms)
        assert float(loss.detach()) == pytest.approx(sum(parts.values()), rel=1e-5)
    with pytest.raises(ValueError, match=r"terms: got \('models',\), wanted some of model, data, structure"):
        GravMagTask("small", 0, CPU, terms=("models",))


def test_the_same_seed_gives_the_same_samples():
    one, two, other = (GravMagTask("small", seed, CPU) for seed in (0, 0, 1))
    losses = [[task.loss(0.0)[1]["model"] for _ in range(2)] for task in (one, two, other)]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][0] != losses[0][1]
    one.loss(0.0)
    with torch.no_grad():
        assert one.validate() == two.validate()


def test_it_trains_small_and_comes_back(tmp_path):
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


def test_weights_of_another_version_are_refused(tmp_path):
    path = tmp_path / "old.safetensors"
    network = make_network()
    networks.save_weights(path, network, {"architecture": "GravMagUNet", "config": {"depth": 3}, "version": "0.0.1"})
    with pytest.raises(ValueError, match=r"are of another version of this network, 0\.0\.1"):
        networks.GravMagUNet.from_pretrained(path)
    networks.save_weights(path, network, {"architecture": "GravMagUNet", "config": network.config | {"n_lifted": 9}})
    with pytest.raises(ValueError, match="of another shape"):
        networks.GravMagUNet.from_pretrained(path)
    networks.save_weights(path, network, {"architecture": "MT1DUNet", "config": {}})
    with pytest.raises(ValueError, match="weights of 'MT1DUNet', wanted 'GravMagUNet'"):
        networks.GravMagUNet.from_pretrained(path)


@pytest.mark.parametrize(("widths", "message"), [((), r"got \(\), wanted a sequence"), ((8, 0), "got 0"), (8, "got 8")])
@pytest.mark.parametrize("kind", [networks.GravMagUNet, networks.MT1DUNet])
def test_widths(kind, widths, message):
    with pytest.raises(ValueError, match=rf"{kind.__name__}.widths: {message}"):
        kind(widths=widths)
