"""Every recipe keeps every promise of recipes."""

import copy
import pickle

import pytest
from simpeg import optimization

from simpeg_jointdl import recipes
from simpeg_jointdl.testing import check_recipe
from tests.registry import RECIPES, implicit


def pickled(recipe):
    """The recipe that comes back out of a pickle."""
    return pickle.loads(pickle.dumps(recipe))


REFUSED = {"create_mt_inversion": {"target_chi": -1.0}}


@pytest.mark.parametrize("name", RECIPES)
def test_contract(name, tmp_path, capfd):
    create = RECIPES[name]()
    wrong = REFUSED.get(create.func.__name__, {"chifact": -1.0})
    check_recipe(create, tmp_path, wrong=wrong, has_files="retraining" not in name, copiers=(pickled, copy.deepcopy))
    assert capfd.readouterr() == ("", "")


def test_a_minimizer_of_simpeg_is_silent_too(capfd):
    minimizer = optimization.InexactGaussNewton(maxIter=2)
    make = implicit(recipes.create_inr_inversion, units=1, optimizer=minimizer, progress=False)
    recipe = make()
    recipe.run()
    assert minimizer.iter == 2
    assert capfd.readouterr() == ("", "")


def test_recipes_are_of_one_abstract_kind():
    kinds = [
        recipes.Recipe,
        recipes.EnsembleRecipe,
        recipes.FinetunedRecipe,
        recipes.RetrainingRecipe,
        recipes.MTRecipe,
    ]
    assert all(kind.__bases__ == (recipes.BaseRecipe,) for kind in kinds)
    with pytest.raises(TypeError, match="abstract"):
        recipes.BaseRecipe(None, None, {}, None)
