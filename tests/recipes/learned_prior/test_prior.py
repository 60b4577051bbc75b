"""The learned prior by recipe, with a decoder too small to have learned anything."""

import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl import datasets, networks, recipes
from simpeg_jointdl.potential_fields import gravity, magnetics

BLOCKS = datasets.load("two_blocks", shape=(8, 8, 4), n_stations=(5, 5), noise=0.05)
N = BLOCKS.mesh.n_cells


def decoder():
    return networks.GeologyVAE(shape=(8, 8, 8), n_latent=8, n_bodies=4, width=8)


def simulations():
    dense = gravity.Simulation3DIntegral(BLOCKS.mesh, survey=BLOCKS.gravity.survey(), rhoMap=maps.IdentityMap(nP=N))
    magnetic = magnetics.Simulation3DIntegral(
        BLOCKS.mesh, survey=BLOCKS.magnetics.survey(), chiMap=maps.IdentityMap(nP=N)
    )
    return dense, magnetic


def make(data, simulation, **options):
    options = {
        "decoder": decoder(),
        "n_candidates": 8,
        "n_starts": 2,
        "progress": False,
        "max_iterations": 12,
        **options,
    }
    return recipes.create_prior_inversion(data, simulation, **options)


def test_the_misfit_falls_and_only_what_data_see_is_given_back():
    recipe = make(BLOCKS.gravity.data(), simulations()[0])
    (misfit,) = recipe.inversion.invProb.dmisfit.objfcts
    nothing = np.sum((misfit.W @ misfit.data.dobs) ** 2)
    models = recipe.run()
    assert list(models) == ["density"]
    assert misfit(recipe.model) < nothing


def test_both_data_sets():
    recipe = make([BLOCKS.gravity.data(), BLOCKS.magnetics.data()], simulations(), max_iterations=3)
    models = recipe.run()
    assert list(models) == ["density", "susceptibility"]
    assert recipe.chi.shape == (2,)


def test_ranks_are_other_starts_in_order():
    data, simulation = BLOCKS.gravity.data(), simulations()[0]
    recipe, other = (make(data, simulation, rank=rank) for rank in (0, 1))
    assert np.abs(recipe.initial_model - other.initial_model).max() > 1e-3
    np.testing.assert_array_equal(make(data, simulation).initial_model, recipe.initial_model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 2}, "wanted a rank below"),
        ({"n_candidates": 1}, "wanted a rank below"),
        ({"rank": -1}, "create_prior_inversion.rank: got -1, wanted a whole number of at least 0"),
    ],
)
def test_ranks_that_do_not_exist(options, message):
    with pytest.raises(ValueError, match=message):
        make(BLOCKS.gravity.data(), simulations()[0], **options)


def test_properties_the_decoder_does_not_know():
    network = networks.GeologyVAE(properties=("density",), shape=(8, 8, 8), n_latent=8, n_bodies=4, width=8)
    with pytest.raises(ValueError, match="number 0 is of susceptibility"):
        make(BLOCKS.magnetics.data(), simulations()[1], decoder=network)


def test_a_simulation_that_has_been_used_is_left_with_its_model():
    simulation = simulations()[0]
    used = np.full(N, 0.1)
    before = simulation.dpred(used)
    recipe = make(BLOCKS.gravity.data(), simulation)
    assert recipe.initial_model.size != N
    np.testing.assert_array_equal(simulation.model, used)
    np.testing.assert_array_equal(simulation.dpred(used), before)
