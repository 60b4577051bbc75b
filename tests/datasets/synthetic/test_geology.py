"""Synthetic geology: seeded, the same on every mesh, with the structure and the sharing that were asked for."""

import discretize
import numpy as np
import pytest
import torch

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets import synthetic

SHAPE = (8, 16, 16)
KINDS = tuple(synthetic.DEFAULT_KINDS)
VISIBLE = ("layers", "blocks", "ellipsoids", "intrusions", "dykes")


def tensor_mesh(n=16, width=50.0):
    return discretize.TensorMesh([[(width, n)], [(width, n)], [(width, n // 2)]], origin="CCN")


def tree_mesh():
    mesh = discretize.TreeMesh([[(50.0, 16)], [(50.0, 16)], [(50.0, 16)]], origin="CCN", diagonal_balance=True)
    mesh.refine_ball([[0.0, 0.0, -200.0]], [150.0], [4], finalize=True)
    return mesh


def edges(x):
    """Where a value differs from the next one along x, (n_samples, n_properties, ...) of bool."""
    return x.diff(dim=-1) != 0


# seeds --------------------------------------------------------------------------------------------------
def test_same_seed_same_geology():
    first, again = (synthetic.sample_geology(SHAPE, 6, random_seed=4) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, synthetic.sample_geology(SHAPE, 6, random_seed=5))


def test_a_generator_goes_on_from_its_state():
    generator = torch.Generator().manual_seed(4)
    first = synthetic.sample_geology(SHAPE, 3, random_seed=generator)
    assert torch.equal(first, synthetic.sample_geology(SHAPE, 3, random_seed=4))
    assert not torch.equal(first, synthetic.sample_geology(SHAPE, 3, random_seed=generator))


def test_on_a_device_and_in_a_type(device, dtype):
    x = synthetic.sample_geology(SHAPE, 3, random_seed=1, device=device, dtype=dtype)
    assert (x.device.type, x.dtype, x.shape) == (device.type, dtype, (3, 2, *SHAPE))
    reference = synthetic.sample_geology(SHAPE, 3, random_seed=1)
    differs = ~torch.isclose(x.cpu().double(), reference, rtol=1e-5)  # cells whose centre lies on a boundary
    assert differs.double().mean() < 0.01


# what there is ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", VISIBLE)
def test_every_kind_is_seen_alone(kind):
    x = synthetic.sample_geology((16, 32, 32), 20, kinds={kind: 1.0}, sharing="whole", random_seed=2)
    assert torch.isfinite(x).all()
    # small bodies may slip between cell centres, or lie across the side of the domain
    assert x.flatten(1).any(1).double().mean() >= 0.9


@pytest.mark.parametrize("kinds", [None, {"blocks": 0.01}, {"layers": 0.01, "dykes": 0.02, "folds": 1.0}])
def test_no_sample_is_empty_of_geology(kinds):
    x = synthetic.sample_geology((16, 32, 32), 50, kinds=kinds, random_seed=3)
    assert x.flatten(1).any(1).double().mean() >= 0.9


def test_folds_and_faults_change_layers():
    options = {"random_seed": 8, "sharing": "whole"}
    flat, folded, faulted = (
        synthetic.sample_geology(SHAPE, 10, kinds={"layers": 1.0, **more}, **options)
        for more in ({}, {"folds": 1.0}, {"faults": 1.0})
    )
    roughness = [edges(x[:, 0]).double().mean() for x in (flat, folded, faulted)]
    assert roughness[1] > 1.5 * roughness[0]
    assert roughness[2] > 1.2 * roughness[0]


def test_units_and_signs():
    x = synthetic.sample_geology(SHAPE, 300, random_seed=6)
    largest = x.abs().amax((2, 3, 4))
    density, susceptibility = (largest[:, i][largest[:, i] > 0].median() for i in (0, 1))
    assert 0.1 < density < 0.35  # g/cc
    assert 0.01 < susceptibility < 0.04  # SI
    assert x[:, 0].min() < -0.1
    assert x[:, 1].min() == 0.0


def test_probabilities_are_kept():
    x = synthetic.sample_geology(SHAPE, 400, kinds={"layers": 0.3, "blocks": 1.0}, random_seed=1, sharing="whole")
    bottom = x[:, 0, -1].flatten(1)
    layered = (bottom != 0).all(1).double().mean()  # no block fills the floor
    assert layered == pytest.approx(0.3, abs=0.08)


# sharing ------------------------------------------------------------------------------------------------
def shared_part(sharing):
    """Edges of both properties over edges of either."""
    x = edges(synthetic.sample_geology(SHAPE, 60, sharing=sharing, random_seed=9))
    return float((x[:, 0] & x[:, 1]).sum() / (x[:, 0] | x[:, 1]).sum())


def test_structure_is_shared_wholly_partly_or_not():
    whole, mixed, partly, none = (shared_part(sharing) for sharing in ("whole", "mixed", "partly", "none"))
    assert whole > 0.99
    assert none < 0.15
    assert none < partly < whole
    assert none < mixed < whole


def test_one_property_alone():
    x = synthetic.sample_geology(SHAPE, 4, properties="susceptibility", random_seed=0)
    assert x.shape == (4, 1, *SHAPE)
    assert x.min() == 0.0


# meshes -------------------------------------------------------------------------------------------------
def test_grid_and_mesh_show_the_same_geology():
    models = datasets.make_geology(tensor_mesh(), random_seed=3)
    grid = synthetic.sample_geology(SHAPE, 1, random_seed=3)[0]
    for name, x in zip(models, grid, strict=True):
        on_mesh = x.flip(0).flatten().numpy()  # x fastest, z upwards
        np.testing.assert_array_equal(models[name], on_mesh)


def test_a_finer_mesh_shows_the_same_geology():
    kinds = {"blocks": 1.0, "layers": 1.0, "faults": 1.0}
    coarse, fine = (datasets.make_geology(tensor_mesh(n, 800.0 / n), kinds=kinds, random_seed=5) for n in (16, 48))
    fine = fine["density"].reshape(24, 48, 48)[1::3, 1::3, 1::3].ravel()  # the middle of three is the coarse centre
    np.testing.assert_array_equal(coarse["density"], fine)


def test_tree_mesh_and_active_cells():
    mesh = tree_mesh()
    whole = datasets.make_geology(mesh, n_samples=3, random_seed=2)
    active = mesh.cell_centers[:, 2] < -100.0
    part = datasets.make_geology(mesh, active, n_samples=3, random_seed=2)
    for name in ("density", "susceptibility"):
        assert whole[name].shape == (3, mesh.n_cells)
        np.testing.assert_array_equal(part[name], whole[name][:, active])


def test_points_in_any_order():
    points = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 1], (200, 3))
    order = np.random.default_rng(1).permutation(200)
    one, other = (synthetic.sample_geology(p, 5, random_seed=7) for p in (points, torch.as_tensor(points[order])))
    assert torch.equal(one[..., torch.as_tensor(order)], other)


# bad input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kinds": {"volcano": 1.0}}, ValueError, r"kinds: got \['volcano'\], wanted some of"),
        ({"kinds": {"layers": 1.5}}, ValueError, "wanted probabilities from 0 to 1"),
        ({"kinds": {"layers": -0.5}}, ValueError, r"kinds\['layers'\]: got -0.5"),
        ({"kinds": {"layers": "often"}}, TypeError, r"kinds\['layers'\]: got 'often', wanted a finite number"),
        ({"kinds": ["layers"]}, TypeError, "wanted a dict of probabilities"),
        ({"kinds": {"faults": 1.0, "layers": 0.0}}, ValueError, "which gives empty models"),
        ({"sharing": "some"}, ValueError, "sharing: got 'some', wanted one of"),
        ({"properties": ("density", "gold")}, ValueError, "properties: got .* wanted some of"),
        ({"properties": ("density", "density")}, ValueError, "each once"),
        ({"properties": ()}, ValueError, "properties: got"),
        ({"n_samples": 0}, ValueError, "n_samples: got 0, wanted a whole number of at least 1"),
        ({"random_seed": None}, TypeError, "random_seed: got None, wanted a whole number"),
        ({"points": (8, 8)}, ValueError, "points: got 2 entries, wanted 3"),
        ({"points": (8, 8, 0)}, ValueError, "wanted a whole number of at least 1"),
        ({"points": np.zeros((5, 2))}, ValueError, r"points: got shape \(5, 2\)"),
        ({"dtype": "float16"}, ValueError, "dtype: got 'float16'"),
    ],
)
def test_bad_input_is_named(options, error, message):
    arguments = {"points": SHAPE, "n_samples": 2} | options
    with pytest.raises(error, match=message):
        synthetic.sample_geology(**arguments)


def test_bad_meshes_are_named():
    with pytest.raises(ValueError, match=r"mesh: got TensorMesh of dimension 2, wanted 3"):
        datasets.make_geology(discretize.TensorMesh([4, 4]))
    with pytest.raises(ValueError, match=r"active_cells: got bool of shape \(3,\), 3 of them true, wanted \(2048,\)"):
        datasets.make_geology(tensor_mesh(), np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="0 of them true"):
        datasets.make_geology(tensor_mesh(), np.zeros(2048, dtype=bool))
