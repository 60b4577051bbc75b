"""The map from a network's weights to models under given data: its derivative, its meshes, what of it is model."""

import copy

import numpy as np
import pytest
import torch
from discretize import TensorMesh, TreeMesh

from simpeg_jointdl import datasets, maps, networks, testing

BLOCKS = datasets.load("two_blocks", cell_size=300.0, shape=(8, 8, 4), n_stations=(8, 8), noise=0.06)
DATA = {"gravity_data": BLOCKS.gravity.data(), "magnetic_data": BLOCKS.magnetics.data()}
FEW = ["gains", "layers.head.bias", "layers.style.2.bias"]


@pytest.fixture(scope="module")
def network():
    network = networks.GravMagUNet(widths=(8, 16), n_lifted=8, random_seed=3).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=generator)
    return network.requires_grad_(False)


def make(network, **options):
    return maps.GravMagMap(network, **{**DATA, "mesh": BLOCKS.mesh, **options})


# value ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trained", ["decoder", "adapters", "all", FEW])
def test_it_starts_at_what_the_network_predicts(network, trained):
    mapping = make(network, mesh=None, trained=trained)
    predicted = network.predict(**DATA)
    values = mapping * mapping.initial_model()
    assert mapping.mesh_of.shape_cells == predicted.mesh.shape_cells == (8, 8, 16)
    wanted = np.concatenate([predicted.density, predicted.susceptibility])
    np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_properties_are_halves_of_the_output(network):
    mapping = make(network)
    model = mapping.initial_model()
    np.testing.assert_array_equal(np.concatenate([one * model for one in mapping.properties]), mapping * model)


def test_a_module_with_the_weights_of_a_model_predicts_what_the_map_gives(network):
    mapping = make(network, mesh=None)
    model = mapping.initial_model() + 0.05 * np.random.default_rng(0).standard_normal(mapping.nP)
    plain = mapping.module_from(model)
    assert set(plain.state_dict()) == set(network.state_dict())
    assert np.abs(mapping * model - mapping * mapping.initial_model()).max() > 1e-4
    np.testing.assert_allclose(plain.predict(**DATA).density, mapping.properties[0] * model, atol=1e-6)


# derivative -----------------------------------------------------------------------------------------------
def test_derivative(network):
    mapping = make(network, trained=FEW)
    model = mapping.initial_model() + 0.1 * np.random.default_rng(0).standard_normal(mapping.nP)
    testing.check_map(mapping, model)


@pytest.mark.parametrize("trained", ["decoder", "adapters", "all"])
def test_derivative_of_many_parameters(network, trained):
    mapping = make(network, trained=trained)
    rng = np.random.default_rng(0)
    model = mapping.initial_model() + 0.05 * rng.standard_normal(mapping.nP)
    v, y = rng.standard_normal(mapping.nP), rng.standard_normal(mapping.shape[0])
    derivative = mapping.deriv(model)
    assert y @ (derivative @ v) == pytest.approx(v @ (derivative.T @ y), rel=1e-9)
    testing.check_derivative_order(lambda m: float(y @ (mapping * m)), lambda m: mapping.deriv(m).T @ y, model)


def test_derivative_over_tiles(network):
    n = 40
    x, y = np.meshgrid(*[100.0 * (np.arange(n) + 0.5)] * 2)
    anomaly = np.exp(-((x - 2100.0) ** 2 + (y - 1500.0) ** 2) / 600.0**2)
    mapping = maps.GravMagMap(network, -anomaly, trained=FEW, cell_size=100.0, height=50.0)
    assert mapping.mesh_of.shape_cells == (n, n, 16)
    model = mapping.initial_model()
    y = np.random.default_rng(0).standard_normal(mapping.shape[0])
    testing.check_derivative_order(lambda m: float(y @ (mapping * m)), lambda m: mapping.deriv(m).T @ y, model)


# meshes ---------------------------------------------------------------------------------------------------
def test_shallower_mesh_takes_the_upper_cells(network):
    whole, upper = make(network, mesh=None), make(network)
    model = whole.initial_model()
    cells = (whole.properties[0] * model).reshape((8, 8, 16), order="F")[:, :, 12:]
    np.testing.assert_allclose(upper.properties[0] * model, cells.ravel(order="F"), rtol=1e-6, atol=1e-8)
    assert not upper.outside.any()


def test_mass_survives_another_cell_size(network):
    own = make(network, mesh=None)
    low, high = own.mesh_of.origin, own.mesh_of.origin + [h.sum() for h in own.mesh_of.h]
    fine = TensorMesh([np.full(n, size / n) for n, size in zip((11, 16, 32), high - low, strict=True)], origin=low)
    other, model = make(network, mesh=fine), own.initial_model()
    for one, two in zip(own.properties, other.properties, strict=True):
        mass = own.mesh_of.cell_volumes @ (one * model)
        scale = own.mesh_of.cell_volumes @ np.abs(one * model)
        assert fine.cell_volumes @ (two * model) == pytest.approx(mass, abs=1e-5 * scale)


def test_a_tree_of_the_same_cells_keeps_its_own_order(network):
    cell, n = 300.0, 8
    tree = TreeMesh([np.full(n, cell)] * 3, origin=[*BLOCKS.mesh.origin[:2], -n * cell])
    tree.refine(-1)
    tensor = TensorMesh([np.full(n, cell)] * 3, origin=tree.origin)
    assert (tree.shape_cells, tree.n_cells) == (tensor.shape_cells, tensor.n_cells)
    on_tree, on_tensor = (
        mapping * mapping.initial_model() for mapping in (make(network, mesh=m) for m in (tree, tensor))
    )
    places = tensor.point2index(tree.cell_centers)
    np.testing.assert_allclose(on_tree[: n**3], on_tensor[: n**3][places], atol=1e-12)
    averages, outside = maps.between_meshes(tensor, tree, np.ones(tree.n_cells, dtype=bool))
    assert not outside.any()
    np.testing.assert_array_equal(averages @ np.arange(n**3), places)


def test_files(network, tmp_path):
    mapping = make(network, trained=FEW)
    model = 1.1 * mapping.initial_model()
    mapping.save(tmp_path / "map.safetensors", model)
    np.testing.assert_allclose(make(network, trained=FEW).load(tmp_path / "map.safetensors"), model, rtol=1e-6)
    with pytest.raises(ValueError, match="weights of 'GravMagMap', wanted 'GravMagUNet'"):
        networks.GravMagUNet.from_pretrained(tmp_path / "map.safetensors")


def test_a_card_is_not_that_of_changed_weights(network):
    known = copy.deepcopy(network)
    known.card = {"metrics": {"score": 0.7}}
    mapping = make(known)
    once = mapping.module_from(1.1 * mapping.initial_model())
    assert once.card == {"initial": known.card}
    again = make(once)
    assert again.module_from(again.initial_model()).card == once.card
    assert mapping.module_from(mapping.initial_model()).card is not None
    plain = make(network)
    assert plain.module_from(plain.initial_model()).card is None


def test_outside_is_zero_and_told(network, caplog):
    own = make(network, mesh=None).mesh_of
    wide = TensorMesh([np.full(12, 300.0), np.full(8, 300.0), np.full(4, 300.0)], origin=(*own.origin[:2], -1200.0))
    active = np.arange(wide.n_cells) % 5 != 0
    with caplog.at_level("INFO", logger="simpeg_jointdl"):
        mapping = make(network, mesh=wide, active_cells=active)
    np.testing.assert_array_equal(mapping.outside, wide.cell_centers[active, 0] > own.nodes_x[-1])
    density = mapping.properties[0] * mapping.initial_model()
    assert not density[mapping.outside].any()
    assert np.count_nonzero(density) > 0.9 * (~mapping.outside).sum()
    assert f"{mapping.outside.sum()} of {active.sum()} active cells are outside" in caplog.text


# bad input ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trained": "some"}, "wanted one of decoder, adapters, all"),
        ({"trained": ["layers.nothing.*"]}, "no parameter is named"),
        ({"trained": []}, "no parameter is named"),
        ({"rank": 0, "trained": "adapters"}, "rank"),
        ({"mesh": TensorMesh([4, 4, 4], origin=(1e6, 0.0, 0.0))}, "none of its 64 active cells is inside"),
    ],
)
def test_bad_values(network, options, message):
    with pytest.raises(ValueError, match=message):
        make(network, **options)


def test_another_network():
    with pytest.raises(TypeError, match="got SiLU, wanted a networks"):
        make(torch.nn.SiLU())
