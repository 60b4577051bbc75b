"""Rounds of inversions and trainings: the network learns what the inversion finds."""

import numpy as np
import torch

from simpeg_jointdl import recipes
from tests.recipes.finetuned.problem import (
    make_rounds,
    state,
)


def test_the_network_learns_from_what_the_inversion_finds(wider_network):
    before = state(wider_network)
    recipe = make_rounds(wider_network, training={"trained": "all"}, rounds=3, tolerance=0.01)
    assert isinstance(recipe, recipes.RetrainingRecipe)
    found = recipe.run()
    differences = [one["difference"] for one in recipe.history]
    assert len(differences) == 3
    assert differences[-1] < 0.6 * differences[0]
    assert all(one["loss"][1] < one["loss"][0] for one in recipe.history[:-1])
    assert (recipe.chi <= 1.0).all()
    np.testing.assert_array_equal(found["density"], recipe.properties(recipe.model)["density"])
    assert not recipe.agreed
    for name, value in wider_network.state_dict().items():
        assert torch.equal(value, before[name])


def test_rounds_end_when_both_agree(network):
    recipe = make_rounds(network, tolerance=10.0)
    recipe.run()
    assert recipe.agreed
    assert len(recipe.history) == 1
    assert recipe.network is network


def test_rounds_are_the_same_again(network):
    first, again = (make_rounds(network, rounds=2, tolerance=1e-6, random_seed=4).run() for _ in range(2))
    np.testing.assert_array_equal(first["density"], again["density"])
