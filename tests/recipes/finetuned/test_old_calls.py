"""Calls of version 0.1: every old keyword is translated, and modes are forwarded."""

import inspect

import numpy as np
import pytest

from simpeg_jointdl import networks, optimization, recipes, regularization
from tests.recipes.finetuned.problem import DATA, MESH, make, make_rounds, make_warm, simulations


def old(network, **options):
    options = {"progress": False, "dtype": "float32", **options}
    return recipes.create_finetuned_inversion(DATA, simulations(), network=network, **options)


def test_signatures_show_the_new_names_only():
    for create in (recipes.create_finetuned_inversion, recipes.create_joint_inversion, recipes.create_inr_inversion):
        names = inspect.signature(create).parameters
        assert "coupling_ratios" in names
        assert not {"ratio", "ratios", "mode", "held_to", "place", "kwargs", "old_names"} & set(names)


def test_keywords_of_fine_tuning(network):
    options = {"trained": ["layers.head.*"], "finish": False, "optimizer": "levenberg-marquardt"}
    place = {"ground": 0.0, "height": 30.0}
    anchor = recipes.Anchor(2.0, "prediction", 0.25)
    new = make(network, tuning=options, anchor=anchor, placement=networks.Placement(**place), max_iterations=1)
    was = old(network, anchor=2.0, held_to="prediction", sparse_share=0.25, max_iterations=1, **options, **place)
    np.testing.assert_array_equal(was.run()["density"], new.run()["density"])


def test_mode_mesh_is_the_warm_started_inversion(network):
    cells = {"norms": (0, 1, 1, 1), "max_iterations": 2}
    new = make_warm(network, cells=cells, couplings=regularization.CrossGradient, coupling_ratios=0.5)
    was = old(
        network, mode="mesh", mesh_options={"norms": (0, 1, 1, 1)}, max_iterations=2, ratio=0.5, trained="all", rank=2,
        couplings=regularization.CrossGradient, held_to="mesh", random_seed=3,
    )  # fmt: skip
    np.testing.assert_array_equal(was.run()["density"], new.run()["density"])


def test_mode_retrain_is_retraining(network):
    new = make_rounds(network, training={"trained": "all"}, rounds=2, tolerance=0.3, random_seed=2)
    was = old(network, mode="retrain", trained="all", rounds=2, tolerance=0.3, random_seed=2)
    assert isinstance(was, recipes.RetrainingRecipe)
    np.testing.assert_array_equal(was.run()["density"], new.run()["density"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "both"}, "mode: got 'both', wanted one of 'network', 'mesh', 'retrain'"),
        ({"held_to": "truth"}, "anchor.target: got 'truth'"),
        ({"mesh_options": {"alpha_s": 1.0}}, "mesh_options: got .* does not take it"),
        ({"mode": "mesh", "optimizer": optimization.LevenbergMarquardt()}, "optimizer: got .* does not take it"),
        ({"mode": "mesh", "optimizer": "adam"}, "optimizer: got 'adam' in a mode that does not take it"),
        ({"mode": "retrain", "checkpoint": "a.npz"}, "checkpoint: got 'a.npz' in a mode that does not take it"),
        ({"mode": "retrain", "log": "a.csv"}, "log: got 'a.csv' in a mode that does not take it"),
        (
            {"mode": "mesh", "mesh_options": {"couplings": (), "chifact": 2.0}},
            "got 'couplings', 'chifact'",
        ),
        ({"mode": "mesh", "mesh_options": {"strategy": "all"}}, "strategy: got 'all'"),
    ],
)
def test_what_a_mode_does_not_take_is_refused(network, options, message):
    with pytest.raises(ValueError, match=message):
        old(network, **options)


def test_both_names_at_once_are_refused(network):
    with pytest.raises(TypeError, match="got both 'coupling_ratios' and 'ratio'"):
        old(network, ratio=1.0, coupling_ratios=2.0)
    with pytest.raises(TypeError, match=r"create_joint_inversion\(\) got both 'coupling_ratios' and 'ratios'"):
        recipes.create_joint_inversion(MESH, [], None, ratios=1.0, coupling_ratios=1.0)


def test_unknown_names_are_refused_by_the_function(network):
    with pytest.raises(TypeError, match=r"create_finetuned_inversion\(\) got an unexpected .*'max_iteration'"):
        old(network, max_iteration=3)
