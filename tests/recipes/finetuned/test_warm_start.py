"""Inversions over cells from a prediction: the smallest change that fits the data."""

from functools import partial

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import data_misfit, maps

from simpeg_jointdl import datasets, networks, regularization
from simpeg_jointdl.potential_fields import gravity
from simpeg_jointdl.recipes.finetuned._cells import mixed, share_of_sparse, unexplained
from simpeg_jointdl.recipes.finetuned._data import network_data
from tests.recipes.finetuned.problem import (
    BLOCKS,
    DATA,
    DEVIATION,
    IDENTITY,
    MESH,
    TOP,
    UP,
    N,
    chi_of,
    make,
    make_warm,
    simulations,
)


def test_the_ground_is_the_top_of_the_active_cells(network):
    lifted = TensorMesh(MESH.h, origin=MESH.origin + UP)
    up = datasets.GravityData(BLOCKS.gravity.locations + UP, BLOCKS.gravity.gz, DEVIATION)
    above = np.ones(N, dtype=bool)
    above[MESH.cell_centers[:, 2] > -MESH.h[2][-1]] = False  # air
    wanted, found = (
        make_warm(network, data.data(), gravity.Simulation3DIntegral(mesh, survey=data.survey(), rhoMap=IDENTITY))
        for mesh, data in ((MESH, BLOCKS.gravity), (lifted, up))
    )
    np.testing.assert_allclose(found.initial_model, wanted.initial_model, atol=1e-6)
    identity = maps.IdentityMap(nP=int(above.sum()))
    lower = gravity.Simulation3DIntegral(lifted, survey=up.survey(), active_cells=above, rhoMap=identity)
    explicit, implied = (
        make_warm(network, up.data(), lower, placement=placement)
        for placement in (networks.Placement(ground=TOP), None)
    )
    np.testing.assert_allclose(implied.initial_model, explicit.initial_model, atol=1e-12)


def test_the_inversion_starts_from_the_prediction_and_stays_near_it(network):
    recipe = make_warm(network, sparse_share=0.0)
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
    recipe = make_warm(network, sparse_share=0.0)
    found, start = recipe.run(), recipe.properties(recipe.initial_model)
    for name, truth in BLOCKS.true_models.items():
        assert np.linalg.norm(found[name] - truth) < np.linalg.norm(start[name] - truth), name


def test_sparse_inversions_are_mixed_in_where_data_are_not_explained():
    assert [share_of_sparse(residual, 0.5) for residual in (0.05, 0.1, 0.15, 0.2, 3.0)] == pytest.approx(
        [0.0, 0.0, 0.25, 0.5, 0.5]
    )
    data = network_data("test", DATA, simulations(), None, data_misfit.L2DataMisfit)
    exact = {name: BLOCKS.true_models[name] for name in data.names}
    nothing = {name: np.zeros(N) for name in data.names}
    assert all(value < 0.1 for value in unexplained(data, exact).values()), "the noise is no lack of the prediction"
    assert unexplained(data, nothing) == pytest.approx(dict.fromkeys(data.names, 1.0), rel=0.1)
    mixing = partial(mixed, data, bounds={"susceptibility": (0.0, np.inf)}, chifact=1.0)
    assert all(np.array_equal(mixing(exact, 0.5)[name], exact[name]) for name in exact)
    assert all(np.array_equal(mixing(nothing, 0.0)[name], nothing[name]) for name in nothing)
    one = {"density": exact["density"], "susceptibility": np.zeros(N)}
    found = mixing(one, 0.5)
    np.testing.assert_array_equal(found["density"], exact["density"])
    assert chi_of({**exact, "susceptibility": 2.0 * found["susceptibility"]})[1] <= 1.0
    assert found["susceptibility"].min() >= 0.0


def test_bounds_of_density_leave_susceptibility_positive(network):
    options = {"bounds": {"density": (-1.0, 1.0)}}
    recipe = make_warm(network, cells=options, sparse_share=0.0)
    lower = recipe.maps["susceptibility"] * recipe.inversion.opt.lower
    assert (lower == 0.0).all()
    assert (recipe.maps["density"] * recipe.inversion.opt.lower == -1.0).all()


def test_without_bounds_susceptibility_may_be_negative(network):
    found = make_warm(network, cells={"bounds": None}).run()
    assert found["susceptibility"].min() < 0.0


def test_options_of_cells_go_to_the_joint_inversion(network):
    bounds = {"density": (-0.05, 0.05), "susceptibility": (0.0, 0.02)}
    options = {"bounds": bounds, "norms": (0, 1, 1, 1), "max_iterations": 3}
    recipe = make_warm(network, couplings=regularization.CrossGradient, cells=options)
    found = recipe.run()
    assert np.abs(found["density"]).max() <= 0.05
    assert recipe.inversion.opt.maxIter == 3
    kinds = {type(term).__name__ for term in recipe.inversion.invProb.reg.objfcts}
    assert kinds == {"Sparse", "CrossGradient"}


def test_finer_and_wider_meshes(network):
    fine = TensorMesh([np.full(30, 150.0), np.full(24, 150.0), np.full(10, 180.0)], origin="CCN")
    recipe = make_warm(network, simulation=simulations(fine), cells={"max_iterations": 2})
    assert recipe.run()["density"].shape == (fine.n_cells,)
