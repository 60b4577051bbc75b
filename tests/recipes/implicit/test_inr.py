"""Inversions for a network from a few arguments: they fit the noise, and each argument does what it says."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from simpeg import maps
from simpeg.data import Data
from simpeg.inversion import BaseInversion

from simpeg_jointdl import data_misfit, datasets, directives, networks, optimization, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

BLOCKS = datasets.load("two_blocks", cell_size=300.0, shape=(8, 8, 4), n_stations=(8, 8), noise=0.06)
MESH, N = BLOCKS.mesh, BLOCKS.mesh.n_cells
DATA = [BLOCKS.gravity.data(), BLOCKS.magnetics.data()]
BOUNDS = [(-1.0, 1.0), (0.0, 0.2)]
SMALL = partial(networks.ImplicitNetwork, 3, width=12, depth=2, activation="gelu")
IDENTITY = maps.IdentityMap(nP=N)


def simulations(density=IDENTITY, susceptibility=IDENTITY, **options):
    return [
        gravity.Simulation3DIntegral(MESH, survey=BLOCKS.gravity.survey(), rhoMap=density, **options),
        magnetics.Simulation3DIntegral(MESH, survey=BLOCKS.magnetics.survey(), chiMap=susceptibility, **options),
    ]


def make(data=DATA, simulation=None, **options):
    """A silent recipe of both data sets with a small network."""
    n = options.get("units") or 2
    options = {"bounds": BOUNDS, "network": SMALL(n), "progress": False} | options
    return recipes.create_inr_inversion(data, simulations() if simulation is None else simulation, **options)


def gravity_alone(data=DATA[0], **options):
    options = {"bounds": (-1, 1), "network": SMALL(options.get("units") or 1)} | options
    return make(data, simulations()[0], **options)


def distance(found, name):
    truth = BLOCKS.true_models[name]
    return np.linalg.norm(found[name] - truth) / np.linalg.norm(truth)


# what comes out ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options", [{"network": None}, {"units": 2}], ids=["free, by Adam", "units, by Levenberg-Marquardt"]
)
def test_both_data_sets_are_fitted_to_their_noise(options):
    recipe = make(**options)
    assert type(recipe.inversion) is BaseInversion
    kind = optimization.LevenbergMarquardt if "units" in options else optimization.TorchMinimize
    assert type(recipe.inversion.opt) is kind
    found = recipe.run()
    assert recipe.inversion.opt.stopped_because == "target"
    if not options.get("units"):  # many small steps: the weights of both misfits have time to act
        assert (recipe.chi > 0.9).all()
    assert ((recipe.chi > 0.7) & (recipe.chi <= 1.05)).all(), recipe.chi  # of 64 data: 1.0 +- 0.18
    assert list(found) == ["density", "susceptibility"]
    for (low, high), (name, values) in zip(BOUNDS, found.items(), strict=True):
        assert values.shape == (N,)
        assert low <= values.min()
        assert values.max() <= high
        assert distance(found, name) < 1.0, "no better than nothing"
    history = recipe.log.history["chi"]
    assert all(curve[-1] == pytest.approx(one) for curve, one in zip(history.values(), recipe.chi, strict=True))


def test_one_data_set_alone():
    recipe = gravity_alone(units=2, contrasts=[[0.4], [-0.4]])
    found = recipe.run()
    assert list(found) == ["density"]
    assert recipe.chi == pytest.approx([1.0], abs=0.1)
    assert not any(isinstance(d, directives.BalanceMisfits) for d in recipe.inversion.directiveList)
    outside = recipe.network_map.evaluate(recipe.model, MESH.cell_centers[:3])
    np.testing.assert_allclose(outside[0], found["density"][:3])


def test_the_same_seed_gives_the_same_model_and_another_another():
    first, again, other = (gravity_alone(network=None, random_seed=k, max_iterations=1) for k in (0, 0, 1))
    np.testing.assert_array_equal(first.run()["density"], again.run()["density"])
    assert not np.array_equal(first.initial_model, other.initial_model)


def test_a_target_and_a_number_of_iterations():
    loose = gravity_alone(units=2, chifact=3.0)
    loose.run()
    assert 2.0 < loose.chi[0] <= 3.0 * 1.05
    short = gravity_alone(units=2, max_iterations=2)
    short.run()
    assert short.inversion.opt.iter == 2


def test_single_precision_and_the_device_reach_the_minimizer():
    for units in (None, 1):
        recipe = gravity_alone(units=units, dtype=torch.float32, device="cpu", max_iterations=1)
        assert recipe.inversion.opt.dtype == recipe.network_map.dtype == torch.float32
        assert recipe.inversion.opt.device == torch.device("cpu")


# simulations ------------------------------------------------------------------------------------------------
def test_simulations_stay_as_they_are():
    given = simulations()
    before = [copy.copy(one.__dict__) for one in given]
    recipe = make(simulation=given, max_iterations=1)
    recipe.run()
    for one, old in zip(given, before, strict=True):
        assert one.__dict__.keys() == old.keys()
        assert all(one.__dict__[key] is value for key, value in old.items())
    seen = [misfit.simulation for misfit in recipe.inversion.invProb.dmisfit.objfcts]
    assert all(a is not b for a, b in zip(seen, given, strict=True))


@pytest.mark.parametrize("units", [None, 2])
def test_maps_of_one_property_and_wires_are_the_same(units):
    wires = maps.Wires(("density", N), ("susceptibility", N))
    wired = simulations(wires.density, wires.susceptibility)
    found = [make(simulation=one, units=units, max_iterations=2).run() for one in (simulations(), wired)]
    for name in found[0]:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-10, atol=1e-13)


def test_a_map_of_its_own_stays_between_network_and_simulation():
    thousandth = maps.LinearMap(np.eye(N) * 1e-3)
    made = [
        make(DATA[0], simulations(mapping)[0], bounds=(-bound, bound), units=2, max_iterations=2,
             optimizer=optimization.LevenbergMarquardt(space="model", maxIter=2))
        for mapping, bound in ((IDENTITY, 1.0), (thousandth, 1000.0))
    ]  # fmt: skip
    g_per_cc, kg_per_m3 = (one.run()["density"] for one in made)
    np.testing.assert_allclose(kg_per_m3, 1000.0 * g_per_cc, rtol=1e-5, atol=1e-3)


def test_active_cells_are_those_of_the_simulations():
    active = MESH.cell_centers[:, 2] < -150.0
    part = simulations(*[maps.IdentityMap(nP=int(active.sum()))] * 2, active_cells=active)
    recipe = make(simulation=part, max_iterations=1)
    assert all(values.shape == (active.sum(),) for values in recipe.run().values())


# names, contrasts, misfits, couplings ------------------------------------------------------------------------
def test_names():
    assert list(make(names=["rho", "kappa"]).maps) == ["rho", "kappa"]
    twice = make([DATA[0], DATA[0]], [simulations()[0], simulations()[0]])
    assert list(twice.maps) == ["property_0", "property_1"]
    for names in (["density"], ["one", "one"]):
        with pytest.raises(ValueError, match=r"create_inr_inversion.names: got .*wanted 2 different names"):
            make(names=names)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_contrasts_start_with_the_sign_that_the_data_ask_for(sign):
    heavy = simulations()[0].dpred(np.full(N, 0.1 * sign))
    data = Data(BLOCKS.gravity.survey(), dobs=heavy, standard_deviation=0.01)
    recipe = gravity_alone(data, units=1)
    start = recipe.network_map.contrasts(recipe.initial_model)
    np.testing.assert_allclose(start, [[0.5 * sign]])
    within = gravity_alone(data, units=1, bounds=(-1.0, 0.0) if sign > 0 else (0.0, 1.0))
    assert (within.network_map.contrasts(within.initial_model) * sign < 0.0).all(), "bounds come first"
    given = gravity_alone(data, units=1, contrasts=[[-0.2 * sign]])
    np.testing.assert_allclose(given.network_map.contrasts(given.initial_model), [[-0.2 * sign]])


def test_signs_through_wires():
    wires = maps.Wires(("density", N), ("susceptibility", N))
    light = simulations()[0].dpred(np.full(N, -0.1))
    data = [Data(BLOCKS.gravity.survey(), dobs=light, standard_deviation=0.01), DATA[1]]
    recipe = make(data, simulations(wires.density, wires.susceptibility), units=1)
    start = recipe.network_map.contrasts(recipe.initial_model)
    assert start[0, 0] < 0.0 < start[0, 1]


def test_a_robust_misfit_bears_outliers():
    wrong = DATA[0].dobs.copy()
    wrong[::8] += 8.0 * DATA[0].standard_deviation[::8]
    data = Data(DATA[0].survey, dobs=wrong, standard_deviation=DATA[0].standard_deviation)
    recipe = gravity_alone(data, misfit=data_misfit.HuberDataMisfit, units=2)
    assert isinstance(recipe.inversion.invProb.dmisfit.objfcts[0], data_misfit.HuberDataMisfit)
    found = [one.run()["density"] for one in (gravity_alone(units=2), recipe, gravity_alone(data, units=2))]
    robust, plain = (np.linalg.norm(one - found[0]) for one in found[1:])
    assert robust < plain


@pytest.mark.parametrize(
    "couplings", [regularization.CrossGradient, [partial(regularization.CrossGradient, normalized=False)]]
)
def test_a_coupling_gets_what_it_asks_for(couplings):
    options = {"optimizer": "levenberg-marquardt"}  # faster, if not better, where properties are free
    free, coupled = make(**options), make(couplings=couplings, coupling_ratios=3.0, **options)
    assert any(isinstance(d, directives.CoolCouplings) for d in coupled.inversion.directiveList)
    free.run()
    coupled.run()
    assert (coupled.chi < 1.1).all()
    coupling = coupled.inversion.invProb.reg
    assert coupling(coupled.model) < coupling(free.model)


# cut off ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("units", [None, 2], ids=["Adam", "Levenberg-Marquardt"])
@pytest.mark.parametrize("couplings", [(), regularization.CrossGradient], ids=["", "coupled"])
def test_a_run_that_was_cut_off_goes_on(tmp_path, units, couplings):
    options = {"units": units, "couplings": couplings, "max_iterations": 1 if units is None else 6}
    whole = make(**options).run()
    path = tmp_path / "state.npz"
    cut = make(checkpoint=path, **options)
    cut.inversion.opt.maxIter = 3
    cut.run()
    assert cut.inversion.opt.iter == 3
    again = make(checkpoint=path, **options)
    resumed = again.resume()
    assert again.inversion.opt.iter > 3
    for name, values in whole.items():
        assert np.linalg.norm(resumed[name] - values) <= 1e-8 * np.linalg.norm(values)


# bad input --------------------------------------------------------------------------------------------------
def other_mesh():
    survey = datasets.load("two_blocks", cell_size=200.0, shape=(8, 8, 4), n_stations=(5, 5))
    one = magnetics.Simulation3DIntegral(survey.mesh, survey=survey.magnetics.survey(), chiMap=IDENTITY)
    return {"simulation": [simulations()[0], one]}


def other_cells():
    active = np.arange(N) > 0
    part = simulations(*[maps.IdentityMap(nP=N - 1)] * 2, active_cells=active)
    return {"simulation": [simulations()[0], part[1]]}


BAD = {
    "data for one": (lambda: {"data": DATA[:1]}, "got 1 data sets and 2 simulations, wanted one for each"),
    "no map": (lambda: {"simulation": [simulations()[0], simulations(susceptibility=None)[1]]},
               r"number 1 has the maps \[\], wanted exactly one"),
    "other mesh": (other_mesh, "number 1 is on another mesh than number 0"),
    "other cells": (other_cells, "active cells differ between simulations"),
    "odd map": (lambda: {"simulation": simulations(maps.LinearMap(np.ones((N, 3))))},
                rf"their maps take \[3, {N}\] values for {N} active cells"),
    "optimizer": (lambda: {"optimizer": "sgd"}, "optimizer: got 'sgd', wanted one of 'levenberg-marquardt', 'adam'"),
    "chifact": (lambda: {"chifact": 0.0}, "chifact: got 0.0, wanted a finite number above 0"),
    "coupling ratios": (lambda: {"coupling_ratios": -1.0}, "coupling_ratios: got -1.0, wanted a finite number above 0"),
    "bounds": (lambda: {"bounds": (-1, 1, 0)}, "bounds: got 3 pairs for 2 properties"),
    "units": (lambda: {"units": 0}, "got units=0"),
    "contrasts": (lambda: {"contrasts": [[1.0, 1.0]]}, "got contrasts without units"),
    "nothing to couple": (lambda: {"data": DATA[0], "simulation": simulations()[0], "bounds": None,
                                   "network": SMALL(1), "couplings": regularization.CrossGradient},
                          "there is one property only, and nothing to couple it to"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        make(**options())
