"""A learned prior as a map: latent vectors in, properties out."""

import numpy as np
import pytest
import torch
from discretize import TensorMesh

from simpeg_jointdl import maps, networks
from simpeg_jointdl.testing import check_map

MESH = TensorMesh([[50.0] * 4, [50.0] * 3, [50.0, 25.0, 50.0]], origin=(100.0, 0.0, -125.0))


def vae(**options):
    return networks.GeologyVAE(shape=(8, 8, 8), n_latent=6, n_bodies=3, width=8, **options).double().eval()


def random_model(mapping, seed=0):
    return 0.5 * np.random.default_rng(seed).standard_normal(mapping.nP)


@pytest.mark.parametrize("options", [{}, {"offsets": True}, {"points_per_cell": 2}], ids=str)
def test_contract(options):
    mapping = maps.DecoderMap(vae(), MESH, np.arange(36) % 5 != 0, **options)
    check_map(mapping, random_model(mapping), rtol=1e-7)


def test_the_decoder_sees_the_box_upside_up():
    network = vae()
    mapping = maps.DecoderMap(network, MESH)
    model = random_model(mapping)
    fractions = (MESH.cell_centers - MESH.nodes.min(axis=0)) / np.ptp(MESH.nodes, axis=0)
    points = torch.tensor(np.column_stack([2 * fractions[:, :2] - 1, 1 - fractions[:, 2]]))
    with torch.no_grad():
        wanted = network.decode(torch.tensor(model)[None], points)[0].numpy()
    np.testing.assert_allclose((mapping * model).reshape(2, -1), wanted, rtol=1e-12)
    np.testing.assert_allclose(mapping.evaluate(model, MESH.cell_centers), wanted, rtol=1e-12)
    for i, part in enumerate(mapping.properties):
        np.testing.assert_allclose(part * model, wanted[i], rtol=1e-12)


def test_the_model_is_the_latent_vector_and_the_decoder_stays():
    network = vae()
    mapping = maps.DecoderMap(network, MESH, offsets=True)
    assert mapping.names == ("latent",)
    assert mapping.nP == network.n_latent + network.n_offsets
    assert not mapping.initial_model().any()
    draw = mapping.initial_model(random_seed=1)
    assert draw[: network.n_latent].any()
    assert not draw[network.n_latent :].any()


def test_prior():
    mapping = maps.DecoderMap(vae(), MESH)
    model = random_model(mapping)
    prior = mapping.prior(reference_model=0.3 * model)
    np.testing.assert_allclose(prior(model), np.sum((0.7 * model) ** 2), rtol=1e-12)


def test_inverse_is_the_encoding_of_a_model():
    network = vae()
    mapping = maps.DecoderMap(network, TensorMesh([[1.0] * 8] * 3, origin="CCN"))
    model = random_model(mapping)
    grid = network.decode(torch.tensor(model)[None])
    with torch.no_grad():
        wanted = network.encode(grid)[0][0].numpy()
    np.testing.assert_allclose(mapping.inverse(mapping * model), wanted, rtol=1e-6, atol=1e-9)


def test_candidates_are_seeded():
    mapping = maps.DecoderMap(vae(), MESH, offsets=True)
    one, again, other = (mapping.candidates(3, random_seed=seed) for seed in (1, 1, 2))
    assert one.shape == (3, mapping.nP)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize(
    ("decoder", "mesh", "options", "error", "message"),
    [
        (torch.nn.Identity(), MESH, {}, TypeError, "with n_latent, properties and decode"),
        (vae(), TensorMesh([2, 2]), {}, ValueError, "got 2 dimensions, wanted 3"),
        (vae(), MESH, {"points_per_cell": 0}, ValueError, "DecoderMap.points_per_cell: got 0"),
    ],
)
def test_bad_input(decoder, mesh, options, error, message):
    with pytest.raises(error, match=message):
        maps.DecoderMap(decoder, mesh, **options)


def test_properties_for_the_encoder_are_of_all_active_cells():
    mapping = maps.DecoderMap(vae(), MESH)
    with pytest.raises(ValueError, match=rf"inverse: got properties of shape \(2,\), wanted \({2 * MESH.n_cells},\)"):
        mapping.inverse(np.ones(2))


def test_rescaled_models_have_rescaled_properties():
    mapping = maps.DecoderMap(vae(), MESH)
    model = random_model(mapping)
    other, factor = mapping.rescaled(model, 1, 1.3)
    assert factor == pytest.approx(1.3)
    density, susceptibility = (mapping * model).reshape(2, -1)
    np.testing.assert_allclose((mapping * other).reshape(2, -1), [density, 1.3 * susceptibility], rtol=1e-6)
    far, factor = mapping.rescaled(model, 0, 1e9)
    assert far[0] == 2.0
    assert not mapping.unsized(far)[:2].any()
    assert factor < 100.0
