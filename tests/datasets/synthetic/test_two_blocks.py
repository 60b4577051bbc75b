"""Two blocks: the same problem in every size, and one that a single correlation does not explain."""

import numpy as np
import pytest

from simpeg_jointdl import datasets

SMALL = {"shape": (12, 12, 6), "n_stations": (6, 5)}
GRAVITATION = 6.6743e-11


def test_default_size():
    blocks = datasets.load("two_blocks")
    assert blocks.mesh.shape_cells == (24, 24, 12)
    assert blocks.mesh.nodes_z[-1] == 0.0
    assert blocks.active_cells.all()
    assert blocks.gravity.locations.shape == (256, 3)
    assert np.unique(blocks.gravity.locations[:, 2]) == [20.0]
    np.testing.assert_array_equal(blocks.gravity.locations, blocks.magnetics.locations)
    assert blocks.mesh.is_inside(blocks.gravity.locations - [0, 0, 21]).all()


def test_structure_is_shared_but_no_sign_of_correlation():
    models = datasets.make_two_blocks(**SMALL).true_models
    density, susceptibility = models["density"], models["susceptibility"]
    np.testing.assert_array_equal(density != 0, susceptibility != 0)
    pairs = {(float(a), float(b)) for a, b in zip(density, susceptibility, strict=True)}
    assert pairs == {(0.0, 0.0), (0.4, 0.06), (-0.3, 0.03)}


def test_dense_ground_pulls_down():
    blocks = datasets.make_two_blocks(**SMALL, noise=1e-6)
    gravity = blocks.gravity
    assert gravity.locations[gravity.gz.argmin(), 0] < 0 < gravity.locations[gravity.gz.argmax(), 0]


def test_from_afar_it_is_a_point_mass():
    blocks = datasets.make_two_blocks(**SMALL | {"n_stations": (1, 1)}, clearance=1e6, noise=1e-6)
    masses = 1e3 * blocks.true_models["density"] * blocks.mesh.cell_volumes
    expected = -GRAVITATION * masses.sum() / 1e12 * 1e5  # mGal
    assert blocks.gravity.gz[0] == pytest.approx(expected, rel=1e-2)


def test_cell_size_changes_nothing_but_the_scale():
    one, two = (datasets.make_two_blocks(cell_size=h, **SMALL) for h in (50.0, 500.0))
    np.testing.assert_allclose(two.gravity.locations, 10 * one.gravity.locations)
    np.testing.assert_allclose(two.gravity.gz, 10 * one.gravity.gz, rtol=1e-6)
    np.testing.assert_allclose(two.gravity.uncertainty, 10 * one.gravity.uncertainty, rtol=1e-6)
    np.testing.assert_allclose(two.magnetics.tmi, one.magnetics.tmi, rtol=1e-6, atol=1e-6)


def test_scales_of_the_models_are_scales_of_the_data():
    one = datasets.make_two_blocks(**SMALL)
    other = datasets.make_two_blocks(**SMALL, density_scale=0.5, susceptibility_scale=0.01)
    np.testing.assert_allclose(other.gravity.gz, 0.5 * one.gravity.gz)
    np.testing.assert_allclose(other.magnetics.tmi, 0.01 * one.magnetics.tmi)
    for name, scale in (("density", 0.5), ("susceptibility", 0.01)):
        np.testing.assert_allclose(other.true_models[name], scale * one.true_models[name])


def test_noise_is_seeded_and_as_large_as_it_says():
    shape = {"shape": (12, 12, 6), "n_stations": (16, 16)}
    noisy, again, other = (datasets.make_two_blocks(**shape, random_seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(noisy.gravity.gz, again.gravity.gz)
    assert np.abs(noisy.gravity.gz - other.gravity.gz).max() > 0
    clean = datasets.make_two_blocks(**shape, noise=1e-9)
    for part, name in (("gravity", "gz"), ("magnetics", "tmi")):
        truth, data = getattr(clean, part), getattr(noisy, part)
        scaled = (getattr(data, name) - getattr(truth, name)) / data.uncertainty
        assert scaled.std() == pytest.approx(1.0, abs=0.15)
        assert data.uncertainty[0] == pytest.approx(0.02 * np.abs(getattr(truth, name)).max(), rel=1e-6)


def test_cells_need_not_be_cubes():
    blocks = datasets.make_two_blocks(cell_size=(100.0, 80.0, 50.0), **SMALL)
    assert [float(h[0]) for h in blocks.mesh.h] == [100.0, 80.0, 50.0]
    assert blocks.gravity.locations[0, 2] == 10.0


@pytest.mark.parametrize(
    ("options", "kind", "match"),
    [
        ({"cell_size": 0.0}, ValueError, r"make_two_blocks.cell_size: got 0.0, wanted a finite number above 0"),
        ({"cell_size": (1.0, 2.0)}, ValueError, "cell_size: got 2 entries, wanted 3"),
        ({"shape": 12}, TypeError, "shape: got 12, wanted 3 entries"),
        ({"shape": (12, 12, 0)}, ValueError, "shape: got 0, wanted a whole number of at least 1"),
        ({"shape": (12, 12, 6.0)}, ValueError, "shape: got 6.0, wanted a whole number"),
        ({"shape": (2, 2, 1)}, ValueError, "a block contains no cell centre. Use at least"),
        ({"n_stations": (4, True)}, TypeError, "n_stations: got True"),
        ({"clearance": 0.0}, ValueError, "clearance: got 0.0"),
        ({"noise": 0.0}, ValueError, "noise: got 0.0"),
        ({"noise": "some"}, TypeError, "noise: got 'some'"),
        ({"density_scale": -1.0}, ValueError, "density_scale: got -1.0"),
        ({"susceptibility_scale": np.nan}, ValueError, "susceptibility_scale: got nan"),
        ({"inducing_field": (1.0, 2.0)}, ValueError, "inducing_field: got 2 entries"),
        ({"random_seed": None}, ValueError, "random_seed: got None, wanted a seed"),
    ],
)
def test_refusals(options, kind, match):
    with pytest.raises(kind, match=match):
        datasets.make_two_blocks(**{**SMALL, **options})


@pytest.mark.parametrize("shape", [(8, 8, 4), (9, 10, 5), (16, 8, 7)])
def test_smallest_shapes_hold_both_blocks(shape):
    blocks = datasets.make_two_blocks(shape=shape, n_stations=(2, 2))
    assert len(np.unique(blocks.true_models["density"])) == 3
