"""Network of gravity and magnetics: scaling laws, missing data, gradients, types and weights."""

import pytest
import torch

from simpeg_jointdl import networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks.gravmag import GravMagGrids
from simpeg_jointdl.networks.gravmag._inputs import fill_gaps, network_inputs
from simpeg_jointdl.networks.gravmag._samples import GravMagMeasurement, SampleHeights, measure

SMALL = {"widths": (8, 16), "n_lifted": 8}
CPU = torch.device("cpu")


def make_network():
    """Return a network with random weights, since the initial ones give only the linear estimate."""
    network = networks.GravMagUNet(**SMALL, random_seed=3).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        weight += 0.03 * torch.randn(weight.shape, generator=generator)
    return network


def make_sample(n=3, seed=5, **measurement):
    models = synthetic.sample_geology((16, 32, 32), n, random_seed=seed, device=CPU, dtype="float32")
    generator = torch.Generator().manual_seed(seed)
    heights = SampleHeights.draw(n, (16, 32, 32), generator, CPU)
    whole = {"missing": 0.0, "masked": 0.0, "trend": 0.0}
    return measure(models, heights, generator, GravMagMeasurement(**whole | measurement))


def assert_same(one, two, factors=(1.0, 1.0, 1.0), tolerance=2e-3):
    for a, b, factor in zip(one, two, factors, strict=True):
        assert float((factor * a - b).abs().max()) < tolerance * float(b.abs().max())


# scaling laws and missing data --------------------------------------------------------------------------
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


def test_samples_of_a_batch_are_independent():
    network, grids = make_network(), make_sample().grids
    together = network(grids)
    alone = [network(row) for row in grids.rows(1)]
    assert_same(together, [torch.cat(parts) for parts in zip(*alone, strict=True)])


def test_masked_values_do_not_matter():
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


def test_channels_have_unit_rms():
    grids = make_sample(n=16).grids
    inputs = network_inputs(grids, make_network().prior, (0.05, 0.005))
    torch.testing.assert_close(inputs.planes[:, :2].square().mean((2, 3)), torch.ones(16, 2))
    torch.testing.assert_close(inputs.priors.square().mean((2, 3, 4)), torch.ones(16, 2))
    assert float(inputs.constants.abs().max()) < 4.0
    assert float(inputs.planes[:, 2:].min()) == 1.0


def test_every_parameter_has_a_gradient():
    network = make_network().requires_grad_(True)
    sum(part.square().sum() for part in network(make_sample().grids)).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


def test_the_same_seed_gives_the_same_weights():
    one, two, other = (networks.GravMagUNet(**SMALL, random_seed=seed).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["layers.stem.weight"], other["layers.stem.weight"])


def test_bfloat16_is_used_only_in_the_layers():
    network, grids = make_network(), make_sample().grids
    exact = network(grids)
    with torch.autocast("cpu", torch.bfloat16):
        models = network(grids)
    assert all(model.dtype == torch.float32 for model in models)
    assert_same(exact[:2], models[:2], (1.0, 1.0), tolerance=0.05)


def test_float64_agrees_with_float32():
    network, grids = make_network(), make_sample().grids
    double = GravMagGrids(*(part.double() if part.is_floating_point() else part for part in grids))
    assert_same(network.double()(double), [part.double() for part in make_network()(grids)])


def test_the_weights_file_is_small():
    n_parameters = sum(weight.numel() for weight in networks.GravMagUNet().parameters())
    assert 4 * n_parameters < 16 * 2**20


# weights and bad input ----------------------------------------------------------------------------------
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


@pytest.mark.parametrize(("widths", "message"), [((), r": got \(\), wanted a sequence"), ((8, 0), r"\[1\]: got 0")])
@pytest.mark.parametrize("kind", [networks.GravMagUNet, networks.MT1DUNet])
def test_bad_widths_are_refused(kind, widths, message):
    with pytest.raises(ValueError, match=rf"{kind.__name__}.widths{message}"):
        kind(widths=widths)
    with pytest.raises(TypeError, match=rf"{kind.__name__}.widths: got 8, wanted a sequence"):
        kind(widths=8)
