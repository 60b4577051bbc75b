"""Inversions that start from a prediction: they fit the noise, each in its way, and say what they cannot do."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from discretize import TensorMesh
from simpeg import data_misfit, maps
from simpeg.data import Data
from simpeg.inversion import BaseInversion
from simpeg.objective_function import ComboObjectiveFunction

from simpeg_jointdl import datasets, directives, networks, optimization, recipes, regularization
from simpeg_jointdl._tensor_path import Crossing, sum_product
from simpeg_jointdl.potential_fields import gravity, magnetics
from simpeg_jointdl.recipes.finetuned._inputs import make_ground
from simpeg_jointdl.recipes.finetuned._mixture import mixed, share_of_sparse, unexplained
from simpeg_jointdl.recipes.finetuned._network import firmness
from simpeg_jointdl.regularization.reference import ModelChange
from tests.recipes.problem import quiet

BLOCKS = datasets.load("two_blocks", cell_size=300.0, shape=(12, 12, 6), n_stations=(12, 12), noise=0.05)
MESH, N = BLOCKS.mesh, BLOCKS.mesh.n_cells
DATA = [BLOCKS.gravity.data(), BLOCKS.magnetics.data()]
IDENTITY = maps.IdentityMap(nP=N)
DEVIATION = np.array(DATA[0].standard_deviation)
UP = np.array([0.0, 0.0, 500.0])
TOP = 500.0 - MESH.h[2][-1]  # of the mesh lifted by 500 m, less a layer of air


@pytest.fixture(scope="module")
def network():
    """Untrained: it predicts the estimate in closed form that a trained one corrects."""
    return networks.GravMagUNet(widths=(8, 16), n_lifted=8, random_seed=3).eval().requires_grad_(False)


def simulations(mesh=MESH):
    identity = maps.IdentityMap(nP=mesh.n_cells)
    return [
        gravity.Simulation3DIntegral(mesh, survey=BLOCKS.gravity.survey(), rhoMap=identity),
        magnetics.Simulation3DIntegral(mesh, survey=BLOCKS.magnetics.survey(), chiMap=identity),
    ]


def make(network, data=DATA, simulation=None, **options):
    options = {"progress": False, "dtype": "float32", **options}
    simulation = simulations() if simulation is None else simulation
    return quiet(recipes.create_finetuned_inversion(data, simulation, network=network, **options))


def few_steps(n=1):
    """Steps that go somewhere, and take little time."""
    return optimization.LevenbergMarquardt(maxIter=n, space="model", cg_maxiter=10)


def chi_of(properties):
    found = []
    for name, simulation, data in zip(("density", "susceptibility"), simulations(), DATA, strict=True):
        residual = (simulation.dpred(properties[name]) - data.dobs) / data.standard_deviation
        found.append(np.mean(residual**2))
    return np.array(found)


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


# over the weights -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("trained", "optimizer", "kind"),
    [
        ("decoder", "levenberg-marquardt", optimization.LevenbergMarquardt),
        ("all", "levenberg-marquardt", optimization.LevenbergMarquardt),
        ("adapters", "levenberg-marquardt", optimization.LevenbergMarquardt),
        ("adapters", "adam", optimization.TorchMinimize),
    ],
)
def test_weights_fit_both_data_sets_to_their_noise(network, trained, optimizer, kind):
    before = state(network)
    held_to = "mesh" if trained == "decoder" else "prediction"  # which saves an inversion
    recipe = make(network, trained=trained, optimizer=optimizer, held_to=held_to)
    assert type(recipe.inversion) is BaseInversion
    assert type(recipe.inversion.opt) is kind
    found = recipe.run()
    assert recipe.inversion.opt.stopped_because == "target" or recipe.finishing is not None
    assert 0.9 < recipe.chi.max() <= 1.08, recipe.chi
    assert recipe.chi.min() > 0.6, "the other data set is not at its noise by itself, but is not fitted far beyond"
    assert list(found) == ["density", "susceptibility"]
    assert found["susceptibility"].min() >= 0.0
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), "the network that was given is left as it is"


def test_the_start_is_the_prediction(network):
    recipe = make(network)
    start = recipe.properties(recipe.initial_model)
    predicted = network.predict(*DATA)
    upper = predicted.density.reshape((12, 12, 16), order="F")[:, :, 10:].ravel(order="F")
    np.testing.assert_allclose(start["density"], upper, atol=1e-5 * np.abs(upper).max())


def test_the_ground_is_the_top_of_the_active_cells(network):
    lifted = TensorMesh(MESH.h, origin=MESH.origin + UP)
    up = datasets.GravityData(BLOCKS.gravity.locations + UP, BLOCKS.gravity.gz, DEVIATION)
    above = np.ones(N, dtype=bool)
    above[MESH.cell_centers[:, 2] > -MESH.h[2][-1]] = False  # air
    wanted, found = (
        make(
            network, data.data(), gravity.Simulation3DIntegral(mesh, survey=data.survey(), rhoMap=IDENTITY), mode="mesh"
        )
        for mesh, data in ((MESH, BLOCKS.gravity), (lifted, up))
    )
    np.testing.assert_allclose(found.initial_model, wanted.initial_model, atol=1e-6)
    identity = maps.IdentityMap(nP=int(above.sum()))
    lower = gravity.Simulation3DIntegral(lifted, survey=up.survey(), active_cells=above, rhoMap=identity)
    explicit, implied = (make(network, up.data(), lower, mode="mesh", **place) for place in ({"ground": TOP}, {}))
    np.testing.assert_allclose(implied.initial_model, explicit.initial_model, atol=1e-12)


def test_a_second_run_is_the_first_again(network):
    recipe = make(network, trained=["layers.head.*"], max_iterations=2, held_to="prediction", finish=False)
    first, again = recipe.run(), recipe.run()
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])


def test_a_fine_tuned_network_goes_to_a_file_and_comes_back(network, tmp_path):
    recipe = make(network, optimizer=few_steps(), trained="adapters", held_to="prediction", finish=False)
    recipe.run()
    networks.save_weights(tmp_path / "tuned.safetensors", recipe.network)
    again = networks.GravMagUNet.from_pretrained(tmp_path / "tuned.safetensors")
    np.testing.assert_array_equal(again.predict(*DATA).density, recipe.network.predict(*DATA).density)


def test_adapters_leave_all_other_weights_alone(network):
    recipe = make(network, trained="adapters", max_iterations=2, held_to="prediction", finish=False)
    recipe.run()
    tuned = recipe.network_map.module_from(recipe.model)
    for (name, after), before in zip(tuned.named_parameters(), network.parameters(), strict=True):
        is_convolution = before.ndim == 4 and "place" not in name
        assert torch.equal(after, before) != is_convolution, name


def test_a_tuned_network_predicts_what_was_found(network):
    recipe = make(network, optimizer=few_steps(2), finish=False)
    found = recipe.run()
    assert recipe.finishing is None
    predicted = recipe.network.predict(*DATA).density
    upper = predicted.reshape((12, 12, 16), order="F")[:, :, 10:].ravel(order="F")
    np.testing.assert_allclose(found["density"], upper, atol=1e-4 * np.abs(upper).max())


def test_cells_take_up_what_the_weights_leave(network):
    recipe = make(network, max_iterations=1)
    found = recipe.run()
    assert isinstance(recipe, recipes.FinetunedRecipe)
    by_weights = recipe.properties(recipe.model)
    assert (chi_of(by_weights) > 1.08).any()
    assert ((chi_of(found) > 0.8) & (chi_of(found) <= 1.08)).all()
    np.testing.assert_allclose(recipe.chi, chi_of(found), rtol=1e-6)
    np.testing.assert_array_equal(recipe.finishing.properties(recipe.finishing.model)["density"], found["density"])
    for name in found:
        start = recipe.properties(recipe.initial_model)[name]
        assert np.linalg.norm(found[name] - by_weights[name]) < np.linalg.norm(found[name] - start)


def test_a_run_cut_off_goes_on_to_the_same_models(network, tmp_path, monkeypatch):
    options = {"max_iterations": 2, "chifact": 0.9, "held_to": "prediction"}
    whole = make(network, **options)
    wanted = whole.run()
    cut = make(network, checkpoint=tmp_path / "run.npz", **options)
    with monkeypatch.context() as patch:
        patch.setattr(directives.SaveCheckpoint, "endIter", _saved_and_cut(directives.SaveCheckpoint.endIter))
        with pytest.raises(KeyboardInterrupt):
            cut.run()
    again = make(network, checkpoint=tmp_path / "run.npz", **options)
    found = again.resume()
    assert isinstance(whole.finishing, recipes.Recipe)
    assert isinstance(again.finishing, recipes.Recipe)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-4 * np.abs(wanted[name]).max())


def _saved_and_cut(save):
    def cut(self):
        save(self)
        raise KeyboardInterrupt

    return cut


def test_the_same_seed_gives_the_same_model_and_another_another(network):
    adapters = partial(make, network, trained="adapters", held_to="prediction", finish=False)
    first, again, other = (adapters(optimizer=few_steps(), random_seed=k).run()["density"] for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_anchor_keeps_models_near_the_prediction(network):
    def change(anchor):
        recipe = make(network, anchor=anchor, held_to="prediction", chifact=2.0)
        start = recipe.properties(recipe.initial_model)
        found = recipe.run()
        assert recipe.inversion.opt.stopped_because == "target"
        return sum(np.linalg.norm(found[name] - start[name]) / np.linalg.norm(start[name]) for name in found)

    assert change(3.0) < 0.9 * change(0.0)


def test_coupling(network):
    def cross_gradient(couplings):
        recipe = make(network, couplings=couplings, ratio=10.0, held_to="prediction", anchor=1.0, chifact=2.0)
        found = recipe.run()
        assert (recipe.chi <= 2.16).all()
        wires = maps.Wires(("density", N), ("susceptibility", N))
        return regularization.CrossGradient(MESH, wires)(np.concatenate(list(found.values())))

    assert cross_gradient(regularization.CrossGradient) < 0.9 * cross_gradient(())


def test_coupling_without_anchor(network):
    couplings = [partial(regularization.Gramian, window=(3, 3, 2))]
    recipe = make(network, couplings=couplings, anchor=0.0, optimizer=few_steps(2), held_to="prediction", finish=False)
    (term,) = recipe.inversion.invProb.reg.objfcts
    assert type(term) is regularization.Gramian
    recipe.run()
    assert recipe.inversion.invProb.beta > 0.0


def test_one_data_set_alone(network):
    recipe = make(network, DATA[1], simulations()[1], held_to="prediction")
    recipe.run()
    assert recipe.chi.shape == (1,)
    assert recipe.chi[0] <= 1.08
    assert not any(isinstance(one, directives.BalanceMisfits) for one in recipe.inversion.directiveList)


def test_another_optimizer(network):
    optimizer = few_steps()
    recipe = make(network, trained=["layers.head.*"], optimizer=optimizer)
    misfit = recipe.inversion.invProb.dmisfit
    before = misfit(recipe.initial_model)
    recipe.run()
    assert recipe.inversion.opt is optimizer
    assert misfit(recipe.model) < before


# over cells -----------------------------------------------------------------------------------------------
def test_mesh_inversion_starts_from_the_prediction_and_is_held_to_it(network):
    recipe = make(network, mode="mesh", sparse_share=0.0)
    start = recipe.properties(recipe.initial_model)
    predicted = make(network).properties(make(network).initial_model)
    np.testing.assert_allclose(start["density"], predicted["density"], atol=1e-2 * np.abs(predicted["density"]).max())
    for term in recipe.inversion.invProb.reg.objfcts:
        for part in term.objfcts:
            reference = part.mapping * part.reference_model
            wanted = start["density"], start["susceptibility"]
            assert min(np.abs(reference - one).max() / np.abs(one).max() for one in wanted) < 1e-2
        assert term.reference_model_in_smooth
    found = recipe.run()
    assert ((recipe.chi > 0.7) & (recipe.chi <= 1.0)).all(), recipe.chi
    assert found["susceptibility"].min() >= 0.0


def test_the_least_change_that_fits_is_for_the_better(network):
    recipe = make(network, mode="mesh", sparse_share=0.0)
    found, start = recipe.run(), recipe.properties(recipe.initial_model)
    for name, truth in BLOCKS.true_models.items():
        assert np.linalg.norm(found[name] - truth) < np.linalg.norm(start[name] - truth), name


def test_sparse_inversions_are_mixed_in_where_data_are_not_explained():
    assert [share_of_sparse(residual, 0.5) for residual in (0.05, 0.1, 0.15, 0.2, 3.0)] == pytest.approx(
        [0.0, 0.0, 0.25, 0.5, 0.5]
    )
    ground = make_ground(DATA, simulations(), data_misfit.L2DataMisfit)
    exact = {name: BLOCKS.true_models[name] for name in ground.names}
    nothing = {name: np.zeros(N) for name in ground.names}
    assert all(value < 0.1 for value in unexplained(ground, exact).values()), "the noise is no lack of the prediction"
    assert unexplained(ground, nothing) == pytest.approx(dict.fromkeys(ground.names, 1.0), rel=0.1)
    mixing = partial(mixed, ground, bounds={"susceptibility": (0.0, np.inf)}, chifact=1.0)
    assert all(np.array_equal(mixing(exact, 0.5)[name], exact[name]) for name in exact)
    assert all(np.array_equal(mixing(nothing, 0.0)[name], nothing[name]) for name in nothing)
    one = {"density": exact["density"], "susceptibility": np.zeros(N)}
    found = mixing(one, 0.5)
    np.testing.assert_array_equal(found["density"], exact["density"])
    assert chi_of({**exact, "susceptibility": 2.0 * found["susceptibility"]})[1] <= 1.0
    assert found["susceptibility"].min() >= 0.0


def test_bounds_of_density_leave_susceptibility_positive(network):
    options = {"bounds": {"density": (-1.0, 1.0)}}
    recipe = make(network, mode="mesh", mesh_options=options, sparse_share=0.0)
    lower = recipe.maps["susceptibility"] * recipe.inversion.opt.lower
    assert (lower == 0.0).all()
    assert (recipe.maps["density"] * recipe.inversion.opt.lower == -1.0).all()


def test_without_bounds_susceptibility_may_be_negative(network):
    found = make(network, mode="mesh", mesh_options={"bounds": None}).run()
    assert found["susceptibility"].min() < 0.0


def test_mesh_options_go_to_the_joint_inversion(network):
    bounds = {"density": (-0.05, 0.05), "susceptibility": (0.0, 0.02)}
    options = {"bounds": bounds, "norms": (0, 1, 1, 1)}
    recipe = make(network, mode="mesh", couplings=regularization.CrossGradient, mesh_options=options, max_iterations=3)
    found = recipe.run()
    assert np.abs(found["density"]).max() <= 0.05
    assert recipe.inversion.opt.maxIter == 3
    kinds = {type(term).__name__ for term in recipe.inversion.invProb.reg.objfcts}
    assert kinds == {"Sparse", "CrossGradient"}


def test_finer_and_wider_meshes(network):
    fine = TensorMesh([np.full(30, 150.0), np.full(24, 150.0), np.full(10, 180.0)], origin="CCN")
    recipe = make(network, simulation=simulations(fine), mode="mesh", max_iterations=2)
    assert recipe.run()["density"].shape == (fine.n_cells,)


# rounds ---------------------------------------------------------------------------------------------------
def test_the_network_learns_from_what_the_inversion_finds(network):
    before = state(network)
    recipe = make(network, mode="retrain", trained="all", rounds=3, tolerance=0.01)
    assert isinstance(recipe, recipes.RetrainingRecipe)
    found = recipe.run()
    differences = [one["difference"] for one in recipe.history]
    assert len(differences) == 3
    assert differences[-1] < 0.6 * differences[0]
    assert all(one["loss"][1] < one["loss"][0] for one in recipe.history[:-1])
    assert (recipe.chi <= 1.0).all()
    np.testing.assert_array_equal(found["density"], recipe.properties(recipe.model)["density"])
    assert not recipe.agreed
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_rounds_end_when_both_agree(network):
    recipe = make(network, mode="retrain", tolerance=10.0)
    recipe.run()
    assert recipe.agreed
    assert len(recipe.history) == 1
    assert recipe.network is network


def test_rounds_are_the_same_again(network):
    first, again = (make(network, mode="retrain", rounds=2, tolerance=1e-6, random_seed=4).run() for _ in range(2))
    np.testing.assert_array_equal(first["density"], again["density"])


# the anchor -----------------------------------------------------------------------------------------------
def test_change_is_a_relative_mean_square():
    wires = maps.Wires(("density", N), ("susceptibility", N))
    reference = np.stack([np.full(N, 0.5), np.full(N, 0.01)])
    change = ModelChange(MESH, wires, reference=reference)
    assert change(reference.ravel()) == 0.0
    model = np.array([[1.2], [1.3]]) * reference
    assert change(model.ravel()) == pytest.approx(0.2**2 + 0.3**2)
    for which, wanted in enumerate((0.2, 0.3)):
        one = ModelChange(MESH, wires, reference=reference, which=which)
        assert one(model.ravel()) == pytest.approx(wanted**2)
        assert np.count_nonzero(one.deriv(model.ravel()).reshape(2, -1)[1 - which]) == 0


def test_texture_costs_more_than_a_smooth_change_and_derivatives_are_those_of_a_linear_residual():
    wires = maps.Wires(("density", N), ("susceptibility", N))
    change = ModelChange(MESH, wires, reference=np.ones((2, N)))
    cells = np.stack(np.unravel_index(np.arange(N), MESH.shape_cells, order="F")).sum(0)
    texture, rng = np.tile(0.1 * (-1.0) ** cells, 2), np.random.default_rng(0)
    assert change(1.0 + texture) > 8.0 * change(np.full(2 * N, 1.1))
    m, v, w = rng.standard_normal((3, 2 * N))
    a, b = (change.residual(m + one) - change.residual(m) for one in (v, w))
    assert change.deriv(m) @ v == pytest.approx(2.0 * change.residual(m) @ a)
    assert change.deriv2(m, v) @ w == pytest.approx(2.0 * a @ b)


def test_a_property_without_need_of_change_is_held_more_firmly():
    one = np.array([[1.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(firmness(one, one * np.array([[1.1], [1.1]])), [1.0, 1.0])
    np.testing.assert_allclose(firmness(one, one / np.array([[0.99], [0.9]])), [100.0, 1.0])
    np.testing.assert_allclose(firmness(one, one * np.array([[1.0], [1.1]])), [1e4, 1.0])
    np.testing.assert_allclose(firmness(one, one), [1.0, 1.0])
    np.testing.assert_allclose(firmness(0.0 * one, 0.0 * one), [1.0, 1.0])


# one way through the network for all terms -----------------------------------------------------------------
def test_terms_together_are_what_they_are_one_by_one(network):
    recipe = make(network, couplings=regularization.CrossGradient, dtype="float64", held_to="prediction")
    problem, model = recipe.inversion.invProb, recipe.initial_model
    rng = np.random.default_rng(0)
    model = model + 1e-3 * rng.standard_normal(model.size)
    v = rng.standard_normal(model.size)
    for together in (problem.dmisfit, problem.reg):
        together.multipliers = [0.3, 0.0, 2.0] if together is problem.reg else [0.3, 2.0]
        plain = ComboObjectiveFunction(together.objfcts, together.multipliers)
        assert type(together) is not ComboObjectiveFunction
        assert together(model) == plain(model)
        fields = [one.simulation.fields(model) for one in together.objfcts] if together is problem.dmisfit else None
        for f in (None, fields):
            np.testing.assert_allclose(together.deriv(model, f=f), plain.deriv(model), rtol=1e-8, atol=1e-8)
        product, size = plain.deriv2(model, v), np.abs(plain.deriv2(model, v)).max()
        np.testing.assert_allclose(together.deriv2(model, v), product, atol=1e-10 * size)
        crossing = Crossing()
        on_tensors = together.tensor_hessian(model, crossing)(crossing.send(v))
        np.testing.assert_allclose(crossing.fetch(on_tensors), product, atol=1e-10 * size)
    crossing, terms = Crossing(), [(1.0, problem.dmisfit), (3.0, problem.reg)]
    on_tensors = sum_product(terms, model, crossing)(crossing.send(v))
    product = problem.dmisfit.deriv2(model, v) + 3.0 * problem.reg.deriv2(model, v)
    np.testing.assert_allclose(crossing.fetch(on_tensors), product, atol=1e-10 * np.abs(product).max())


# bad input ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "both"}, "mode: got 'both', wanted one of network, mesh, retrain"),
        ({"held_to": "truth"}, "held_to: got 'truth', wanted one of prediction, mesh"),
        ({"anchor": -1.0}, "anchor: got -1.0, wanted a number of 0 or more"),
        ({"optimizer": "newton"}, "optimizer: got 'newton', wanted one of levenberg-marquardt, adam"),
        ({"ratio": 0.0}, "ratio"),
        ({"chifact": -1.0}, "chifact"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"trained": "none"}, "trained: got 'none'"),
        ({"mesh_options": {"alpha_s": 1.0}}, "which has none"),
        ({"mode": "mesh", "optimizer": optimization.LevenbergMarquardt()}, "mode='network' alone takes one"),
        ({"mode": "mesh", "optimizer": "adam"}, "mode='network' alone takes one"),
        ({"mode": "retrain", "rounds": 0}, "rounds: got 0"),
        ({"mode": "retrain", "checkpoint": "a.npz"}, "checkpoint: got 'a.npz' with mode='retrain', which keeps"),
        ({"mode": "retrain", "log": "a.csv"}, "log: got 'a.csv' with mode='retrain', which keeps recipe.history"),
        (
            {"chifact": [1.0, 1.1]},
            r"chifact: got \[1.0, 1.1\], wanted a finite number above 0",
        ),
        ({"mode": "mesh", "mesh_options": {"couplings": (), "chifact": 2.0}}, "got chifact, couplings, which the"),
        ({"mode": "mesh", "mesh_options": {"strategy": "all"}}, "strategy: got 'all'"),
    ],
)
def test_bad_arguments(network, options, message):
    with pytest.raises(ValueError, match=message):
        make(network, **options)


def test_misspelt_arguments(network):
    with pytest.raises(TypeError, match="unexpected arguments max_iteration; places are told by cell_size, "):
        make(network, max_iteration=3)


@pytest.mark.parametrize(
    ("values", "deviation", "message"),
    [(np.nan, 0.1, "3 of 144 data are NaN or infinite"), (0.1, 0.0, "3 of 144 standard deviations are zero")],
)
def test_stations_without_values_are_left_out_of_survey_and_data(network, values, deviation, message):
    dobs, deviations = DATA[1].dobs.copy(), np.array(DATA[1].standard_deviation)
    dobs[:3], deviations[:3] = values, deviation
    wrong = Data(DATA[1].survey, dobs=dobs, standard_deviation=deviations)
    with pytest.raises(ValueError, match=rf"create_finetuned_inversion.data\[1\]: {message}"):
        make(network, [DATA[0], wrong])


def test_data_and_simulation_of_other_stations(network):
    backwards = datasets.GravityData(*(one[::-1] for one in (BLOCKS.gravity.locations, BLOCKS.gravity.gz, DEVIATION)))
    with pytest.raises(ValueError, match="they are not at the same places in the same order"):
        make(network, [backwards.data(), DATA[1]])


def test_maps_of_a_joint_model(network):
    wires = maps.Wires(("density", N), ("susceptibility", N))
    wrong = gravity.Simulation3DIntegral(MESH, survey=BLOCKS.gravity.survey(), rhoMap=wires.density)
    with pytest.raises(ValueError, match=f"rhoMap of number 0 takes {2 * N} values, wanted {N}, one per active cell"):
        make(network, DATA[0], wrong)


def test_two_simulations_of_one_property(network):
    with pytest.raises(ValueError, match="got simulations of density, density"):
        make(network, [DATA[0]] * 2, [simulations()[0], copy.copy(simulations()[0])])


def test_simulations_on_two_meshes(network):
    with pytest.raises(ValueError, match="another mesh"):
        make(network, simulation=[simulations()[0], simulations(copy.deepcopy(MESH))[1]])


def test_data_in_other_units(network):
    wrong = Data(DATA[0].survey, dobs=1e-5 * DATA[0].dobs, standard_deviation=1e-5 * DATA[0].standard_deviation)
    with pytest.raises(ValueError, match="if the data are in m/s², multiply by 1e5"):
        make(network, [wrong, DATA[1]])


def test_a_mesh_somewhere_else(network):
    away = TensorMesh(MESH.h, origin=(1e5, *MESH.origin[1:]))
    with pytest.raises(ValueError, match="inside the network's mesh"):
        make(network, simulation=simulations(away))
