"""The test of shared structure finds it, does not find it where there is none, and warns then."""

import os
import warnings

import numpy as np
import pytest
from discretize import TensorMesh
from scipy.ndimage import gaussian_filter
from simpeg import data_misfit, maps
from simpeg.data import Data
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.diagnostics import shared_structure


@pytest.fixture(scope="module")
def mesh():
    return TensorMesh([20, 18, 8], origin="CCN")


def body(mesh, west, south, top=2, size=(5, 5, 3)):
    """A blurred block, from a corner in cells."""
    model = np.zeros(mesh.shape_cells)
    model[west : west + size[0], south : south + size[1], mesh.shape_cells[2] - top - size[2] : -top] = 1.0
    return gaussian_filter(model, 1.0).ravel(order="F")


def test_bodies_in_one_place_are_shared_whatever_their_sign_and_unit(mesh):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = shared_structure(mesh, body(mesh, 4, 6), 3.0 - 0.02 * body(mesh, 5, 6))
    assert found.p <= 0.05
    assert found.similarity > 0.5


def test_bodies_apart_are_not_and_the_warning_says_what_to_do(mesh):
    with pytest.warns(
        UserWarning, match=r"share no more structure than .* % of randomly shifted models.* leave the coupling out"
    ):
        found = shared_structure(mesh, body(mesh, 2, 3), body(mesh, 12, 10))
    assert found.p > 0.2


def test_one_model_without_structure_shares_none(mesh):
    with pytest.warns(UserWarning, match="no more structure"):
        assert shared_structure(mesh, body(mesh, 4, 6), np.full(mesh.n_cells, 0.3)).p == 1.0


def test_unrelated_models_seldom_pass(mesh):
    """What p means: among unrelated models, it is below 0.1 in about one of ten."""
    rng = np.random.default_rng(1)
    model = gaussian_filter(rng.standard_normal(mesh.shape_cells), 1.5, mode="wrap").ravel(order="F")
    others = [
        gaussian_filter(rng.standard_normal(mesh.shape_cells), 1.5, mode="wrap").ravel(order="F") for _ in range(30)
    ]
    p = [shared_structure(mesh, model, other, n_shifts=19, significance=1.0).p for other in others]
    assert np.mean(np.array(p) <= 0.1) < 0.3
    assert 0.35 < np.mean(p) < 0.65


def test_padding_does_not_make_models_alike():
    """Bodies apart within the core; moved into wide padding, any two would look unrelated, and these shared."""
    widths = [np.r_[1.3 ** np.arange(6, 0, -1), np.ones(20), 1.3 ** np.arange(1, 7)]] * 2
    mesh = TensorMesh([*widths, np.ones(8)], origin="CCN")
    west, east = (body(mesh, 8, 12), body(mesh, 18, 14))
    assert shared_structure(mesh, west, east, significance=1.0).p > 0.2
    assert shared_structure(mesh, west, 2.0 * west).p <= 0.05


def test_inactive_cells_are_left_out(mesh):
    active = mesh.cell_centers[:, 2] < -1 / 8  # but the topmost layer
    west, east = (body(mesh, *corner)[active] for corner in ((3, 6), (12, 6)))
    assert shared_structure(mesh, west, -west, active_cells=active).p <= 0.05
    assert shared_structure(mesh, west, east, active_cells=active, significance=1.0).p > 0.2


def test_same_seed_same_answer_and_models_are_left_alone(mesh):
    first, second = body(mesh, 2, 3), body(mesh, 6, 5)
    copies = first.copy(), second.copy()
    answers = {shared_structure(mesh, first, second, significance=1.0, random_seed=3) for _ in range(2)}
    assert len(answers) == 1
    np.testing.assert_array_equal((first, second), copies)


def test_bad_input(mesh):
    with pytest.raises(ValueError, match=r"n_shifts: got 0, wanted a whole number of at least 1"):
        shared_structure(mesh, body(mesh, 4, 6), body(mesh, 4, 6), n_shifts=0)
    with pytest.raises(ValueError, match=r"got shape .* wanted"):
        shared_structure(mesh, np.zeros(3), np.zeros(3))


def invert_separately(survey, density, susceptibility):
    """Smooth models from data of these, with the noise of the survey."""
    n, mesh, rng = survey.mesh.n_cells, survey.mesh, np.random.default_rng(0)
    wires = maps.Wires(("density", n), ("susceptibility", n))
    simulations = (
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
    )
    misfits = []
    for simulation, part in zip(simulations, (survey.gravity, survey.magnetics), strict=True):
        clean = simulation.dpred(np.r_[density, susceptibility])
        dobs = clean + part.uncertainty * rng.standard_normal(clean.size)
        observed = Data(simulation.survey, dobs=dobs, standard_deviation=part.uncertainty.copy())
        misfits.append(data_misfit.L2DataMisfit(data=observed, simulation=simulation))
    return recipes.create_joint_inversion(mesh, misfits, wires, strategy="separate", progress=False).run().values()


@pytest.mark.filterwarnings("error:shared_structure")
def test_inverted_blocks_that_are_both_are_shared_and_cause_no_alarm():
    survey = datasets.make_two_blocks(shape=(12, 12, 6), n_stations=(8, 8))
    assert shared_structure(survey.mesh, *invert_separately(survey, *survey.true_models.values())).p <= 0.05


def test_an_inverted_dense_block_and_a_magnetic_one_elsewhere_cause_alarm():
    survey = datasets.make_two_blocks(shape=(12, 12, 6), n_stations=(8, 8))
    density, susceptibility = survey.true_models.values()
    west = survey.mesh.cell_centers[:, 0] < 0
    models = invert_separately(survey, density * west, susceptibility * ~west)
    with pytest.warns(UserWarning, match="no more structure"):
        shared_structure(survey.mesh, *models)


@pytest.mark.skipif("SIMPEG_JOINTDL_DATA" not in os.environ, reason="field data: set SIMPEG_JOINTDL_DATA")
@pytest.mark.filterwarnings("error:shared_structure")
def test_the_two_bodies_blurred_as_an_inversion_would_cause_no_alarm():
    survey = datasets.load("two_bodies")
    blurred = [
        gaussian_filter(model.reshape(survey.mesh.shape_cells, order="F"), width).ravel(order="F")
        for model, width in zip(survey.true_models.values(), (2.0, 3.0), strict=True)
    ]
    assert shared_structure(survey.mesh, *blurred).p <= 0.05
