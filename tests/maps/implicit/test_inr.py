"""What an implicit representation promises beside its derivative."""

import copy
import pickle

import numpy as np
import pytest
import torch
from discretize import TensorMesh

from simpeg_jointdl import maps, networks
from simpeg_jointdl.testing import check_map
from tests.maps.problem import network, seeded
from tests.registry import tree_mesh

MESH = TensorMesh([[2, 1, 3], [1, 2], [2, 2, 1]], origin=(10.0, -5.0, -5.0))


def test_it_starts_at_the_value_asked_for_and_not_saturated():
    bounds = [(-0.6, 0.6), (0.0, 0.2), (1.0, None)]
    mapping = maps.INRMap(MESH, network=network(3, last_scale=1e-6), n_properties=3, bounds=bounds, start=None)
    values = (mapping * mapping.initial_model()).reshape(3, -1)
    np.testing.assert_allclose(values, np.tile([[0.0], [0.01], [2.0]], (1, MESH.n_cells)), atol=1e-5)
    np.testing.assert_allclose(mapping.start, [0.0, 0.01, 2.0])
    slopes = np.abs(mapping.deriv(mapping.initial_model()).toarray()).max(axis=1).reshape(3, -1).min(axis=1)
    assert (slopes > [0.1, 0.005, 0.1]).all()


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_bounds_hold_wherever_the_weights_go(scale):
    mapping = maps.INRMap(MESH, network=network(2), n_properties=2, bounds=[(-0.3, 0.5), (0.0, None)])
    values = (mapping * (scale * mapping.initial_model())).reshape(2, -1)
    assert (values[0] >= -0.3).all()
    assert (values[0] <= 0.5).all()
    assert (values[1] >= 0.0).all()


def test_between_symmetric_bounds_it_is_the_hyperbolic_tangent():
    net = network(1)
    mapping = maps.INRMap(MESH, network=net, bounds=(-600.0, 600.0))
    low, high = MESH.nodes.min(axis=0), MESH.nodes.max(axis=0)
    points = torch.tensor(2 * (MESH.cell_centers - low) / (high - low) - 1)
    raw = net(*net.prepare(points)).detach().numpy().ravel()
    np.testing.assert_allclose(mapping * mapping.initial_model(), 600.0 * np.tanh(raw), rtol=1e-12)


def test_it_is_the_same_network_on_any_mesh():
    coarse = maps.INRMap(MESH, network=network(2), n_properties=2)
    fine = TensorMesh([[1, 1, 1, 1, 2], [1, 1, 1], [2, 1, 1, 1]], origin=MESH.origin)
    other = coarse.on(fine, np.arange(fine.n_cells) % 3 != 0)
    model = coarse.initial_model()
    np.testing.assert_array_equal(other.initial_model(), model)
    wanted = coarse.evaluate(model, fine.cell_centers[other.active_cells])
    np.testing.assert_allclose((other * model).reshape(2, -1), wanted, rtol=1e-12)
    np.testing.assert_allclose(coarse.evaluate(model, MESH.cell_centers).ravel(), coarse * model, rtol=1e-12)


def test_coordinates_are_scaled_by_the_domain_not_by_the_cells():
    near = np.arange(MESH.n_cells) < 7
    everywhere, some = (maps.INRMap(MESH, cells, network=network(1)) for cells in (None, near))
    model = everywhere.initial_model()
    np.testing.assert_allclose(some * model, (everywhere * model)[near], rtol=1e-12)


def test_averages_tend_to_the_integral():
    mapping = maps.INRMap(MESH, network=network(1), points_per_cell=12)
    model = mapping.initial_model()
    fine = mapping.on(MESH, points_per_cell=16)
    rough = mapping.on(MESH, points_per_cell=1)
    assert np.abs(mapping * model - fine * model).max() < 0.02 * np.abs(rough * model - fine * model).max()


def test_pieces_change_nothing():
    whole, parts = (
        maps.INRMap(MESH, network=network(2), n_properties=2, points_per_cell=2, max_points=n) for n in (10**6, 17)
    )
    model, rng = whole.initial_model(), np.random.default_rng(0)
    assert len(parts._pieces) > 3
    np.testing.assert_allclose(parts * model, whole * model, rtol=1e-13)
    v, y = rng.standard_normal(whole.nP), rng.standard_normal(whole.shape[0])
    np.testing.assert_allclose(parts.deriv(model) @ v, whole.deriv(model) @ v, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(parts.deriv(model).T @ y, whole.deriv(model).T @ y, rtol=1e-10, atol=1e-13)


def test_trees_are_sampled_in_their_own_cells():
    tree = tree_mesh(2)
    mapping = maps.INRMap(tree, network=network(1, 2), points_per_cell=2)
    model = mapping.initial_model()
    offsets = np.array([[a, b] for a in (-0.25, 0.25) for b in (-0.25, 0.25)])
    points = tree.cell_centers[:, None] + offsets * tree.h_gridded[:, None]
    wanted = mapping.evaluate(model, points.reshape(-1, 2)).reshape(tree.n_cells, 4).mean(axis=1)
    np.testing.assert_allclose(mapping * model, wanted, rtol=1e-12)


def test_the_same_seed_the_same_model_and_the_same_place_of_torchs_generator():
    mapping = maps.INRMap(MESH)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, again, other = (mapping.initial_model(random_seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(mapping.initial_model(), maps.INRMap(MESH).initial_model())


def test_the_trained_network_comes_back():
    mapping = maps.INRMap(MESH, network=network(1), frozen="trunk.0.*")
    model = 1.1 * mapping.initial_model()
    net = mapping.module_from(model)
    assert type(net) is networks.ImplicitNetwork
    assert {name for name, one in net.named_parameters() if not one.requires_grad} == {"trunk.0.weight", "trunk.0.bias"}
    again = maps.INRMap(MESH, network=net)
    np.testing.assert_array_equal(again * again.initial_model(), mapping * model)


def test_a_plain_module_of_the_coordinates_will_do():
    module = seeded(lambda: torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.Linear(4, 1)))
    before = copy.deepcopy(module.state_dict())
    mapping = maps.INRMap(MESH, network=module, bounds=(0, 1))
    assert mapping.shape == (MESH.n_cells, 21)
    assert module[0].weight.dtype == torch.float32  # the map's own copy is in float64
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_files(tmp_path):
    mapping = maps.INRMap(MESH, network=network(2), n_properties=2, frozen="heads.1.*")
    model = 1.3 * mapping.initial_model()
    mapping.save(tmp_path / "field.safetensors", model, data="a test", random_seed=1)
    fresh = maps.INRMap(MESH, network=network(2, random_seed=8), n_properties=2, frozen="heads.1.*")
    loaded = fresh.load(tmp_path / "field.safetensors")
    np.testing.assert_array_equal(loaded, model)
    np.testing.assert_array_equal(fresh * loaded, mapping * model)  # the frozen head came along
    card = networks.read_card(tmp_path / "field.safetensors")
    assert card["architecture"] == "ImplicitNetwork"
    assert card["data"] == "a test"


def test_files_of_others_are_refused(tmp_path):
    mapping, wider = (maps.INRMap(MESH, network=network(1, width=width)) for width in (6, 7))
    path = tmp_path / "field.safetensors"
    wider.save(path, wider.initial_model())
    model = mapping.initial_model()
    with pytest.raises(ValueError, match="not weights of this"):
        mapping.load(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="sha256"):
        wider.load(path)
    (tmp_path / "field.pt").write_bytes(pickle.dumps(1))
    with pytest.raises(ValueError, match="pickles"):
        mapping.load(tmp_path / "field.pt")
    np.testing.assert_array_equal(mapping.initial_model(), model)


def test_a_map_can_be_copied_and_pickled():
    mapping = maps.INRMap(MESH, network=network(1))
    model = mapping.initial_model()
    wanted = mapping * model
    for other in (copy.deepcopy(mapping), pickle.loads(pickle.dumps(mapping))):
        np.testing.assert_array_equal(other * model, wanted)


# units ------------------------------------------------------------------------------------------------------
def test_units_are_memberships_times_contrasts():
    contrasts = np.array([[0.3, 0.02], [-0.2, 0.1]])
    mapping = maps.INRMap(
        MESH, network=network(2), n_properties=2, units=2, bounds=[(-0.6, 0.6), (0, 0.2)], contrasts=contrasts
    )
    model = mapping.initial_model()
    net = mapping.module_from(model)
    low, high = MESH.nodes.min(axis=0), MESH.nodes.max(axis=0)
    points = torch.tensor(2 * (MESH.cell_centers - low) / (high - low) - 1)
    logits = net(*net.prepare(points)).detach().numpy() - 2.0
    shares = np.exp(logits) / (1 + np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose((mapping * model).reshape(2, -1), (shares @ contrasts).T, rtol=1e-12)
    np.testing.assert_allclose(mapping.contrasts(model), contrasts, rtol=1e-12)
    check_map(mapping, model)


def test_contrasts_stay_within_bounds():
    mapping = maps.INRMap(MESH, network=network(1), units=1, bounds=(0, 600))
    for scale in (-1e3, 1e3):
        contrast = mapping.contrasts(np.full(mapping.nP, scale))
        assert 0.0 <= contrast.item() <= 600.0


@pytest.mark.parametrize(
    ("bounds", "units", "wanted"),
    [
        ((0, 600), 1, [300]),
        ((-600, 600), 2, [300, -225]),
        ((-600, 0), 1, [-300]),
        ((0, None), 2, [1.0, 0.75]),
        (None, 2, [1.0, -0.75]),
        ((5, 6), 1, [5.05]),
    ],
)
def test_contrasts_start_apart_and_within_bounds(bounds, units, wanted):
    mapping = maps.INRMap(MESH, units=units, bounds=bounds)
    np.testing.assert_allclose(mapping.contrasts(mapping.initial_model()).ravel(), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrasts": [[1.0]]}, "got contrasts without units"),
        ({"units": 0}, "units=0"),
        ({"units": 1, "start": 0.5}, "without start"),
        ({"units": 2, "contrasts": [[1.0]]}, r"wanted \(2, 1\) finite numbers"),
        ({"units": 1, "contrasts": [[2.0]], "bounds": (0, 1)}, "strictly between 0 and 1"),
    ],
)
def test_units_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        maps.INRMap(MESH, **options)


def test_contrasts_of_a_map_without_units():
    mapping = maps.INRMap(MESH)
    with pytest.raises(ValueError, match="this map has no units"):
        mapping.contrasts(mapping.initial_model())
