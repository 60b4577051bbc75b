"""Joint inversions from a few arguments: every strategy with every coupling, and each argument does what it says."""

import time

import numpy as np
import pytest
from simpeg.inversion import BaseInversion
from simpeg.regularization import Sparse, WeightedLeastSquares

from simpeg_jointdl import directives, recipes, regularization
from tests.recipes.problem import COUPLINGS, STRATEGIES, make_tiny_problem, relative

SPARSE = (0.0, 1.0, 1.0, 1.0)


def concentration(values):
    """Part of the cells in which a model would fit as a block."""
    return np.abs(values).sum() ** 2 / np.square(values).sum() / values.size


@pytest.mark.parametrize("norms", [None, SPARSE], ids=["smooth", "sparse"])
@pytest.mark.parametrize("coupling", [*COUPLINGS, "instance"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_with_every_coupling_fits_the_data(strategy, coupling, norms):
    problem = make_tiny_problem()
    made = regularization.CrossGradient(problem.mesh, problem.wires) if coupling == "instance" else COUPLINGS[coupling]
    recipe = problem.recipe(couplings=made, strategy=strategy, norms=norms)
    assert type(recipe.inversion) is BaseInversion
    properties = recipe.run()
    assert (recipe.chi <= 1.0).all()
    assert list(properties) == ["density", "susceptibility"]
    assert all(values.shape == (problem.n,) and np.isfinite(values).all() for values in properties.values())
    assert properties["susceptibility"].min() >= 0.0
    weights = recipe.log.history.get("coupling_weight", {})
    assert (strategy == "separate") == (not weights)
    assert all(curve[-1] > 0.0 for curve in weights.values()), "the coupling never began"


# what comes out ---------------------------------------------------------------------------------------------
def test_a_recipe_is_a_plain_inversion_and_its_properties():
    problem = make_tiny_problem()
    recipe = problem.recipe(couplings=regularization.CrossGradient)
    model = recipe.inversion.run(recipe.initial_model)
    again = problem.recipe(couplings=regularization.CrossGradient).run()
    properties = recipe.properties(model)
    for k, name in enumerate(properties):
        np.testing.assert_array_equal(properties[name], model[k * problem.n : (k + 1) * problem.n])
        np.testing.assert_array_equal(properties[name], again[name])
    with pytest.raises(ValueError, match=r"Recipe.properties: got a model of shape \(3,\)"):
        recipe.properties(np.zeros(3))


def test_chi_is_that_of_the_final_model():
    problem = make_tiny_problem()
    recipe = problem.recipe(couplings=regularization.CrossGradient, chifact=[1.5, 0.8])
    recipe.run()
    for misfit, chi, target in zip(problem.misfits, recipe.chi, (1.5, 0.8), strict=True):
        assert misfit(recipe.model) / misfit.simulation.survey.nD == pytest.approx(chi, rel=1e-6)
        assert 0.8 * target < chi <= target


def test_a_sum_of_misfits_is_their_sequence():
    first, second = make_tiny_problem(), make_tiny_problem()
    from_list = first.recipe(strategy="separate").run()
    from_sum = second.recipe(strategy="separate", misfits=second.misfits[0] + second.misfits[1]).run()
    for name, values in from_list.items():
        np.testing.assert_allclose(from_sum[name], values, rtol=1e-9, atol=1e-12)


def test_multipliers_of_misfits_stay():
    problem = make_tiny_problem()
    recipe = problem.recipe(misfits=2.0 * problem.misfits[0] + problem.misfits[1])
    assert list(recipe.inversion.invProb.dmisfit.multipliers) == [2.0, 1.0]
    nested = problem.recipe(misfits=[2.0 * problem.misfits[0], problem.misfits[1]])
    assert list(nested.inversion.invProb.dmisfit.multipliers) == [2.0, 1.0]


def test_one_property_alone():
    problem = make_tiny_problem(("density",))
    recipe = problem.recipe(bounds=None)
    assert relative(recipe.run()["density"], problem.truth["density"]) < 1.0
    assert recipe.chi.shape == (1,)
    assert recipe.chi <= 1.0


# strategies -------------------------------------------------------------------------------------------------
def test_separate_leaves_couplings_out():
    coupled = make_tiny_problem().recipe(couplings=regularization.CrossGradient, strategy="separate")
    uncoupled = make_tiny_problem().recipe()
    found, wanted = coupled.run(), uncoupled.run()
    for name in found:
        np.testing.assert_array_equal(found[name], wanted[name])
    kinds = [type(term) for term in coupled.inversion.invProb.reg.objfcts]
    assert kinds == [WeightedLeastSquares, WeightedLeastSquares]


@pytest.mark.parametrize("norms", [None, SPARSE], ids=["smooth", "sparse"])
def test_the_first_of_a_sequence_is_inverted_as_if_alone(norms):
    problem, alone = make_tiny_problem(), make_tiny_problem(("density",))
    sequence = problem.recipe(couplings=regularization.CrossGradient, strategy="sequential", norms=norms).run()
    single = alone.recipe(norms=norms, bounds=None).run()
    assert relative(sequence["density"], single["density"]) < 1e-6


def test_coupled_models_are_more_alike_than_separate_ones():
    values = {}
    for strategy in STRATEGIES:
        problem = make_tiny_problem()
        recipe = problem.recipe(couplings=regularization.CrossGradient, strategy=strategy)
        recipe.run()
        values[strategy] = regularization.CrossGradient(problem.mesh, problem.wires)(recipe.model)
    assert all(values[strategy] < 0.7 * values["separate"] for strategy in STRATEGIES[1:]), values


# models and bounds ------------------------------------------------------------------------------------------
def test_bounds_by_number_and_by_cell():
    problem = make_tiny_problem()
    upper = np.full(problem.n, 0.02)
    upper[: problem.n // 2] = 0.01
    bounds = {"density": (-0.01, upper), "susceptibility": (0.0, 0.02)}
    found = problem.recipe(bounds=bounds, max_iterations=8).run()
    assert found["density"].min() >= -0.01
    assert (found["density"] <= upper).all()
    assert (found["density"] > 0.98 * upper).any(), "no bound was reached: the test says nothing"
    assert found["susceptibility"].min() >= 0.0
    assert found["susceptibility"].max() <= 0.02


def test_starts_from_the_starting_models_moved_into_the_bounds():
    problem = make_tiny_problem()
    given = np.linspace(-0.2, 0.2, problem.n)
    recipe = problem.recipe(
        starting_models={"density": given, "susceptibility": 0.5}, bounds={"susceptibility": (0.0, 0.1)}
    )
    found = recipe.properties(recipe.initial_model)
    np.testing.assert_array_equal(found["density"], given)
    assert (found["susceptibility"] < 0.1).all()
    np.testing.assert_allclose(found["susceptibility"], 0.1, rtol=1e-2)


def test_starts_from_the_reference_models_and_stays_near_them_where_no_data_object():
    problem = make_tiny_problem()
    reference = np.linspace(0.01, 0.02, problem.n)
    models = {"density": reference, "susceptibility": 0.01}
    recipe = problem.recipe(reference_models=models)
    start = recipe.properties(recipe.initial_model)
    np.testing.assert_array_equal(start["density"], reference)
    np.testing.assert_array_equal(start["susceptibility"], 0.01)
    # data that say next to nothing leave the smallness alone with the start
    recipe = problem.recipe(reference_models=models, starting_models={"density": 0.1}, alpha_s=10.0, chifact=1e5)
    found = recipe.run()["density"]
    assert relative(found, reference) < 0.2 * relative(np.full(problem.n, 0.1), reference)


def test_without_sensitivity_weights_the_change_from_a_reference_is_the_least_that_fits():
    def change(**options):
        problem = make_tiny_problem()
        reference = {"density": 0.01, "susceptibility": 0.01}
        found = problem.recipe(reference_models=reference, alpha_s=100.0, **options).run()
        return np.linalg.norm(found["density"] - 0.01)

    assert change(sensitivity_weights=False) < 0.9 * change()


def test_norms_make_sparse_models():
    problem = make_tiny_problem()
    recipe = problem.recipe(norms={"density": SPARSE})
    kinds = [type(term) for term in recipe.inversion.invProb.reg.objfcts]
    assert kinds == [Sparse, WeightedLeastSquares]
    sparse, smooth = recipe.run()["density"], make_tiny_problem().recipe().run()["density"]
    assert recipe.chi[0] <= 1.0
    assert concentration(sparse) < 0.9 * concentration(smooth)


# what is kept -----------------------------------------------------------------------------------------------
def test_log_and_checkpoint(tmp_path):
    problem = make_tiny_problem()
    options = {
        "couplings": regularization.CrossGradient,
        "checkpoint": tmp_path / "state.npz",
        "log": tmp_path / "log.csv",
    }
    recipe = problem.recipe(**options)
    found = recipe.run()
    table = directives.read_log(tmp_path / "log.csv")
    assert len(table["iteration"]) == recipe.inversion.opt.iter
    begin = time.perf_counter()
    resumed = make_tiny_problem().recipe(**options).resume()
    assert time.perf_counter() - begin < 5.0
    for name, values in found.items():
        np.testing.assert_array_equal(resumed[name], values)


def test_resume_needs_a_checkpoint():
    with pytest.raises(ValueError, match="no checkpoint was kept; make the recipe with checkpoint="):
        make_tiny_problem().recipe().resume()


def test_progress_is_shown_unless_told_not_to():
    problem = make_tiny_problem()
    shown = [
        any(isinstance(step, directives.ShowProgress) for step in recipe.inversion.directiveList)
        for recipe in (problem.recipe(progress=True), problem.recipe(progress=False))
    ]
    assert shown == [True, False]
    assert recipes.Recipe is type(problem.recipe())
