"""Learned prior on geology: shapes, units, bodies, bad input, and the weights of the package."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simpeg_jointdl import networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import GeologyVAE
from simpeg_jointdl.networks.geology import occupancy

SMALL = {"shape": (8, 16, 16), "n_latent": 12, "n_bodies": 3, "width": 16}


def make_network(**options):
    return GeologyVAE(**SMALL | options).eval()


def draw_latent(network, n=3, seed=0):
    return torch.randn(n, network.n_latent, generator=torch.Generator().manual_seed(seed))


# bodies -------------------------------------------------------------------------------------------------
def body(squareness, sharpness=4.0, center=(0.1, -0.2, 0.0), axes=(0.5, 0.3, 0.4)):
    """Return the parameters of one body, (1, 1, 17), with its edges along the axes."""
    matrix = torch.diag(1.0 / torch.tensor(axes)).flatten()
    numbers = torch.cat([torch.tensor(center), matrix, torch.tensor([squareness, sharpness, 0.0, 0.0, 0.0])])
    return numbers.double()[None, None]


def test_a_body_is_between_an_ellipsoid_and_a_box():
    points = torch.rand(4000, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    local = (points - points.new_tensor([0.1, -0.2, 0.0])) / points.new_tensor([0.5, 0.3, 0.4])
    ellipsoid = occupancy(body(-30.0), points)[0, 0] > 0.5
    box = occupancy(body(30.0), points)[0, 0] > 0.5
    assert torch.equal(ellipsoid, local.norm(dim=1) < 1.0)
    assert torch.equal(box, (local**8).sum(1) < 1.0)
    assert (box == (local.abs().amax(1) < 1.0)).double().mean() > 0.97


def test_edges_become_sharper_with_the_factor():
    points = torch.tensor([[0.1 + 0.5 * 1.1, -0.2, 0.0]], dtype=torch.float64)  # a tenth outside
    values = [float(occupancy(body(-30.0), points, sharper)) for sharper in (0.25, 1.0, 4.0)]
    assert values[0] > values[1] > values[2]
    assert values[0] == pytest.approx(1.0 / (1.0 + np.exp(0.25 * np.exp(4.0) * 0.1)), rel=1e-3)


def test_occupancy_is_differentiable_everywhere():
    parameters = body(0.3, sharpness=1.0).requires_grad_()
    points = torch.tensor([[0.1, -0.2, 0.0], [0.5, 0.1, 0.2], [-1.0, 1.0, 1.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: occupancy(p, points), parameters)  # at the centre, too


# encoder ----------------------------------------------------------------------------------
def test_moments_describe_the_position_of_a_body():
    network = make_network(shape=(16, 32, 32)).double()
    points = network.grid_points
    center, half = points.new_tensor([0.25, -0.5, 0.5]), points.new_tensor([0.5, 0.25, 0.25])
    inside = ((points - center).abs() < half).all(1)
    unit = torch.stack([-inside.double(), torch.zeros_like(inside, dtype=torch.float64)]).unflatten(1, (16, 32, 32))
    density, susceptibility = network.encoder.moments(unit[None])[0].chunk(2)
    assert density[0] == pytest.approx(0.3 * np.log(0.5 * 0.25 * 0.5), rel=1e-4)  # its fraction of the box
    assert density[1] == pytest.approx(-1.0, rel=1e-3)
    torch.testing.assert_close(density[2:5], center, rtol=1e-3, atol=0)
    torch.testing.assert_close(density[5:8], half / 3**0.5, rtol=1e-2, atol=0)
    torch.testing.assert_close(density[8:], torch.zeros(3).double(), rtol=0, atol=1e-3)
    assert not susceptibility.any()


# encoding and decoding ----------------------------------------------------------------------------------
def test_models_have_their_shapes_and_types(device, dtype):
    network = make_network().to(device, dtype)
    z = draw_latent(network).to(device, dtype)
    x = network.decode(z)
    assert (x.shape, x.dtype, x.device.type) == ((3, 2, 8, 16, 16), dtype, device.type)
    mean, log_variance = network.encode(x)
    assert mean.shape == log_variance.shape == (3, 12)
    assert network(x).shape == x.shape


def test_samples_of_a_batch_are_independent():
    network = make_network().double()
    z = draw_latent(network).double()
    torch.testing.assert_close(network.decode(z), torch.cat([network.decode(row[None]) for row in z]))


def test_default_points_are_those_of_the_grid():
    network = make_network()
    z = draw_latent(network)
    at_points = network.decode(z, network.grid_points)
    torch.testing.assert_close(at_points.unflatten(2, network.shape), network.decode(z))
    corner = network.grid_points[0]
    torch.testing.assert_close(corner, torch.tensor([-1 + 1 / 16, -1 + 1 / 16, 0.5 / 8]))


def test_amplitudes_are_latent_entries():
    network = make_network()
    z = draw_latent(network)
    larger = z.clone()
    larger[:, 0] += 1.0
    ratio = network.decode(larger)[:, 0] / network.decode(z)[:, 0]
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(np.exp(0.7))))
    torch.testing.assert_close(network.decode(larger)[:, 1], network.decode(z)[:, 1])


def test_amplitudes_of_models_are_about_standard_normal():
    network = make_network(shape=(16, 32, 32))
    x = synthetic.sample_geology((16, 32, 32), 200, random_seed=1, dtype="float32")
    amplitudes = network.encode(x)[0][:, :2]
    assert amplitudes.mean(0).abs().max() < 0.3
    assert ((amplitudes.std(0) > 0.7) & (amplitudes.std(0) < 1.4)).all()


def test_a_model_with_a_property_of_zero_can_be_encoded():
    network = make_network()
    x = torch.zeros(1, 2, 8, 16, 16)
    mean, log_variance = network.encode(x)
    assert torch.isfinite(mean).all()
    assert torch.isfinite(log_variance).all()
    assert mean[0, :2].tolist() == [0.0, 0.0]


def test_offsets_shift_bodies():
    network = make_network()
    z = draw_latent(network)
    none = torch.zeros(3, network.n_offsets)
    torch.testing.assert_close(network.decode(torch.cat([z, none], dim=1)), network.decode(z))
    up = none.unflatten(1, (3, 19)).clone()
    up[..., 2] = 1.0  # a tenth of the half depth, downwards
    higher = network.grid_points - torch.tensor([0.0, 0.0, 0.05])
    flat = [torch.cat([z, x.flatten(1)], dim=1) for x in (none, up)]
    torch.testing.assert_close(network.decode(flat[1], network.grid_points), network.decode(flat[0], higher))


def test_latent_vectors_of_random_geology():
    network = make_network()
    first, again = (network.sample_latent(5, random_seed=2) for _ in range(2))
    assert first.shape == (5, 12)
    assert torch.equal(first, again)
    assert not torch.equal(first, network.sample_latent(5, random_seed=3))
    assert network.double().sample_latent(2).dtype == torch.float64


def test_gradients_through_vmap_and_jvp():
    network = make_network().double().requires_grad_(False)
    z = draw_latent(network)[0].double()
    points = network.grid_points[::50]

    def properties(z):
        return network.decode(z[None], points)[0].flatten()

    forward, backward = torch.func.jacfwd(properties)(z), torch.func.jacrev(properties)(z)
    torch.testing.assert_close(forward, backward)


def test_the_same_seed_gives_the_same_weights_without_changing_the_global_generator():
    before = torch.default_generator.get_state()
    states = [make_network(random_seed=seed).state_dict() for seed in (0, 0, 1)]
    assert torch.equal(torch.default_generator.get_state(), before)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["decoder.hidden.0.weight"], states[2]["decoder.hidden.0.weight"])


# weights ------------------------------------------------------------------------------------------------
def test_from_pretrained_reads_a_file(tmp_path):
    network = make_network(random_seed=3)
    path = tmp_path / "net.safetensors"
    networks.save_weights(path, network, {"architecture": "GeologyVAE", "config": network.config})
    loaded = GeologyVAE.from_pretrained(path)
    assert loaded.config == network.config
    assert loaded.card["n_parameters"] == sum(p.numel() for p in network.parameters())
    assert not any(p.requires_grad for p in loaded.parameters())
    z = draw_latent(network)
    assert torch.equal(loaded.decode(z), network.decode(z))


# bad input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (8, 16, 12)}, r"shape: got \(8, 16, 12\), wanted \(nz, ny, nx\), each a multiple of 8"),
        ({"properties": ("gold",)}, r"properties: got 'gold', wanted only 'density', 'susceptibility'"),
        ({"shape": 16}, "shape: got 16, wanted"),
        ({"n_bodies": -1}, "n_bodies: got -1, wanted a whole number of at least 1"),
        ({"width": 0}, "width: got 0, wanted a whole number of at least 1"),
        ({"n_latent": 2}, "n_latent: got 2, wanted a whole number of at least 3"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_network(**options)


def test_bad_shapes_are_named():
    network = make_network()
    with pytest.raises(ValueError, match=r"decode\.z: got shape \(12,\), wanted \(n, 12\), or \(n, 69\)"):
        network.decode(torch.zeros(12))
    with pytest.raises(ValueError, match=r"decode\.points: got shape \(5, 2\), wanted \(n, 3\)"):
        network.decode(draw_latent(network), torch.zeros(5, 2))
    with pytest.raises(ValueError, match=r"encode\.x: got shape \(1, 2, 4, 4, 4\), wanted \(n_samples, 2, 8, 16"):
        network.encode(torch.zeros(1, 2, 4, 4, 4))


# the weights of the package -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pretrained():
    return GeologyVAE.from_pretrained()


def test_weights_of_the_package_are_small_and_have_a_card(pretrained):
    files = Path(networks.__file__).parent / "weights"
    assert sum(path.stat().st_size for path in files.glob("geology.*")) < 8e6
    assert pretrained.card["command"].startswith("python -m simpeg_jointdl.networks.train geology")
    assert {"data", "random_seed", "metrics", "version", "date"} <= set(pretrained.card)
    assert not pretrained.training


def test_weights_of_the_package_are_as_good_as_their_card_says(pretrained):
    x = synthetic.sample_geology(pretrained.shape, 48, kinds={"blocks": 1.0}, random_seed=12345, dtype="float32")
    (unit, _), (decoded, _) = pretrained.split(x), pretrained.split(pretrained(x))
    decoded = pretrained.decode_unit(pretrained.encode_unit(unit)[0]).reshape(unit.shape)
    rms = ((decoded - unit).square().sum((1, 2, 3, 4)) / unit.square().sum((1, 2, 3, 4))).sqrt()
    assert float(rms.median()) == pytest.approx(pretrained.card["metrics"]["rms_blocks"], abs=0.1)


def test_weights_of_the_package_decode_random_vectors_to_realistic_contrasts(pretrained):
    x = pretrained.decode(draw_latent(pretrained, n=32))
    largest = x.abs().amax((2, 3, 4)).median(0).values
    assert torch.isfinite(x).all()
    assert 0.05 < largest[0] < 0.5  # g/cc
    assert 0.005 < largest[1] < 0.06  # SI
