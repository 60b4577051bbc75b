"""Ensembles: every member fits the data, in one batch, and says what it leaves open."""

import numpy as np
import pytest
from simpeg import maps
from simpeg.potential_fields import gravity as simpeg_gravity

from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.potential_fields import gravity, magnetics

BLOCKS = datasets.load("two_blocks", shape=(8, 8, 4), n_stations=(6, 6))
N = BLOCKS.mesh.n_cells
DENSITY, SUSCEPTIBILITY = (-1.0, 1.0), (0.0, 0.2)


def simulations(engine=gravity):
    wires = maps.Wires(("density", N), ("susceptibility", N))
    return (
        engine.Simulation3DIntegral(BLOCKS.mesh, survey=BLOCKS.gravity.survey(), rhoMap=wires.density),
        magnetics.Simulation3DIntegral(BLOCKS.mesh, survey=BLOCKS.magnetics.survey(), chiMap=wires.susceptibility),
    )


def alone(engine=gravity):
    return engine.Simulation3DIntegral(BLOCKS.mesh, survey=BLOCKS.gravity.survey(), rhoMap=maps.IdentityMap(nP=N))


def run(recipe):
    result = recipe.run()
    return result


def test_every_member_fits_both_data_sets():
    data = [BLOCKS.gravity.data(), BLOCKS.magnetics.data()]
    recipe = recipes.create_inr_ensemble(
        data, simulations(), n_members=3, bounds=[DENSITY, SUSCEPTIBILITY], units=2, progress=False
    )
    ensemble = run(recipe)
    assert (ensemble.chi < 1.06).all()
    assert ensemble.members["density"].shape == (3, N)
    assert ensemble.spread["density"].max() > 1e-3
    low, high = ensemble.band(0.9)["susceptibility"]
    assert (low <= high).all()
    wide, narrow = (ensemble.coverage(BLOCKS.true_models, inflation=by)["density"] for by in (20.0, 0.1))
    assert narrow < wide
    for values, mean in zip(ensemble.members.values(), ensemble.mean.values(), strict=True):
        np.testing.assert_allclose(values.mean(axis=0), mean)


def test_the_batch_takes_the_steps_of_the_single_run():
    options = dict(bounds=DENSITY, units=1, contrasts=[[0.5]], max_iterations=4, progress=False)
    ensemble = recipes.create_inr_ensemble(BLOCKS.gravity.data(), alone(), n_members=2, **options)
    single = recipes.create_inr_inversion(BLOCKS.gravity.data(), alone(), **options)
    start = ensemble.network_map.member_model(ensemble.initial_model, 1)
    single.initial_model = start
    run(ensemble)
    run(single)
    got = ensemble.network_map.member_model(ensemble.model, 1)
    np.testing.assert_allclose(got, single.model, rtol=1e-3, atol=1e-4)  # sensitivities are in float32


def test_products_of_the_simulation():
    recipe = recipes.create_inr_ensemble(BLOCKS.gravity.data(), alone(), n_members=2, bounds=DENSITY, progress=False)
    (misfit,) = recipe.inversion.invProb.dmisfit.objfcts
    simulation, model, rng = misfit.simulation, recipe.initial_model, np.random.default_rng(0)
    v, w = rng.standard_normal(model.size), rng.standard_normal(simulation.survey.nD)
    product = simulation.Jvec(model, v)
    slope = (simulation.dpred(model + 1e-4 * v) - simulation.dpred(model - 1e-4 * v)) / 2e-4
    np.testing.assert_allclose(product, slope, rtol=1e-2, atol=1e-2 * np.abs(slope).max())
    np.testing.assert_allclose(w @ product, v @ simulation.Jtvec(model, w), rtol=1e-4)
    rows = simulation.member_rows(model, misfit.W, [1])[0].numpy()
    n = model.size // 2
    moved = (misfit.W @ simulation.Jvec(model, np.r_[np.zeros(n), v[n:]]))[len(w) // 2 :]
    np.testing.assert_allclose(rows @ v[n:], moved, rtol=1e-3, atol=1e-4 * np.abs(moved).max())


@pytest.mark.parametrize("n_members", [1, 2.5])
def test_too_few_members(n_members):
    with pytest.raises(ValueError, match=r"create_inr_ensemble.n_members: got .* wanted a whole number of at least 2"):
        recipes.create_inr_ensemble(BLOCKS.gravity.data(), alone(), n_members=n_members)


def test_simulations_without_tensors():
    with pytest.raises(TypeError, match=r"simpeg_jointdl\.potential_fields"):
        recipes.create_inr_ensemble(BLOCKS.gravity.data(), alone(simpeg_gravity), bounds=DENSITY)


def test_steps_to_models_that_are_not_finite_are_taken_back():
    options = dict(n_members=2, bounds=DENSITY, max_iterations=3, progress=False)
    recipe = recipes.create_inr_ensemble(BLOCKS.gravity.data(), alone(), **options)
    (misfit,) = recipe.inversion.invProb.dmisfit.objfcts
    fields, calls = misfit.simulation.fields, []

    def sometimes(m):
        calls.append(1)
        if len(calls) == 3:
            raise FloatingPointError("made up")
        return fields(m)

    misfit.simulation.fields = sometimes
    before = misfit(recipe.initial_model)
    run(recipe)
    assert len(calls) > 3
    assert misfit(recipe.model) < before
