"""Inversions over the weights of a network: they fit the noise from its prediction."""

from functools import partial

import numpy as np
import pytest
import torch
from simpeg import maps
from simpeg.inversion import BaseInversion

from simpeg_jointdl import directives, networks, optimization, recipes, regularization
from tests.recipes.finetuned.problem import (
    DATA,
    MESH,
    NEAR_PREDICTION,
    N,
    chi_of,
    few_steps,
    make,
    simulations,
    state,
)


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
    anchor = recipes.Anchor() if trained == "decoder" else NEAR_PREDICTION
    recipe = make(network, tuning={"trained": trained, "optimizer": optimizer}, anchor=anchor)
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


def test_a_second_run_is_the_first_again(network):
    recipe = make(
        network, tuning={"trained": ["layers.head.*"], "finish": False}, max_iterations=2, anchor=NEAR_PREDICTION
    )
    first, again = recipe.run(), recipe.run()
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])


def test_a_fine_tuned_network_goes_to_a_file_and_comes_back(network, tmp_path):
    recipe = make(
        network, tuning={"optimizer": few_steps(), "trained": "adapters", "finish": False}, anchor=NEAR_PREDICTION
    )
    recipe.run()
    networks.save_weights(tmp_path / "tuned.safetensors", recipe.network)
    again = networks.GravMagUNet.from_pretrained(tmp_path / "tuned.safetensors")
    np.testing.assert_array_equal(again.predict(*DATA).density, recipe.network.predict(*DATA).density)


def test_adapters_leave_all_other_weights_alone(network):
    recipe = make(network, tuning={"trained": "adapters", "finish": False}, max_iterations=2, anchor=NEAR_PREDICTION)
    recipe.run()
    tuned = recipe.network_map.module_from(recipe.model)
    for (name, after), before in zip(tuned.named_parameters(), network.parameters(), strict=True):
        is_convolution = before.ndim == 4 and "place" not in name
        assert torch.equal(after, before) != is_convolution, name


def test_a_tuned_network_predicts_what_was_found(network):
    recipe = make(network, tuning={"optimizer": few_steps(2), "finish": False})
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
    options = {"max_iterations": 2, "chifact": 0.9, "anchor": NEAR_PREDICTION}
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
    def adapters(seed):
        tuning = {"optimizer": few_steps(), "trained": "adapters", "finish": False}
        return make(network, tuning=tuning, anchor=NEAR_PREDICTION, random_seed=seed).run()["density"]

    first, again, other = map(adapters, (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_anchor_keeps_models_near_the_prediction(network):
    def change(anchor):
        recipe = make(network, anchor=recipes.Anchor(anchor, "prediction"), chifact=2.0)
        start = recipe.properties(recipe.initial_model)
        found = recipe.run()
        assert recipe.inversion.opt.stopped_because == "target"
        return sum(np.linalg.norm(found[name] - start[name]) / np.linalg.norm(start[name]) for name in found)

    assert change(3.0) < 0.9 * change(0.0)


def test_coupling(network):
    def cross_gradient(couplings):
        anchor = recipes.Anchor(1.0, "prediction")
        recipe = make(network, couplings=couplings, coupling_ratios=10.0, anchor=anchor, chifact=2.0)
        found = recipe.run()
        assert (recipe.chi <= 2.16).all()
        wires = maps.Wires(("density", N), ("susceptibility", N))
        return regularization.CrossGradient(MESH, wires)(np.concatenate(list(found.values())))

    assert cross_gradient(regularization.CrossGradient) < 0.9 * cross_gradient(())


def test_coupling_without_anchor(network):
    couplings = [partial(regularization.Gramian, window=(3, 3, 2))]
    tuning, anchor = {"optimizer": few_steps(2), "finish": False}, recipes.Anchor(0.0, "prediction")
    recipe = make(network, couplings=couplings, tuning=tuning, anchor=anchor)
    (term,) = recipe.inversion.invProb.reg.objfcts
    assert type(term) is regularization.Gramian
    recipe.run()
    assert recipe.inversion.invProb.beta > 0.0


def test_one_data_set_alone(network):
    recipe = make(network, DATA[1], simulations()[1], anchor=NEAR_PREDICTION)
    recipe.run()
    assert recipe.chi.shape == (1,)
    assert recipe.chi[0] <= 1.08
    assert not any(isinstance(one, directives.BalanceMisfits) for one in recipe.inversion.directiveList)


def test_another_optimizer(network):
    optimizer = few_steps()
    recipe = make(network, tuning={"trained": ["layers.head.*"], "optimizer": optimizer})
    misfit = recipe.inversion.invProb.dmisfit
    before = misfit(recipe.initial_model)
    recipe.run()
    assert recipe.inversion.opt is optimizer
    assert misfit(recipe.model) < before
