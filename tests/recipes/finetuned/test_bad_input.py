"""Bad input to fine-tuning: the error names the function that was called and what is wrong."""

import copy

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import maps
from simpeg.data import Data

from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity
from tests.recipes.finetuned.problem import (
    BLOCKS,
    DATA,
    DEVIATION,
    MESH,
    N,
    make,
    make_rounds,
    make_warm,
    simulations,
)

# create, options, what the message says
BAD = [
    (
        make,
        {"anchor": recipes.Anchor(target="truth")},
        "anchor.target: got 'truth', wanted one of 'prediction'",
    ),
    (make, {"anchor": -1.0}, "anchor: got -1.0, wanted a finite number at least 0"),
    (make, {"anchor": recipes.Anchor(sparse_share=1.5)}, "anchor.sparse_share: got 1.5, wanted .* from 0 to 1"),
    (
        make,
        {"tuning": {"optimizer": "newton"}},
        "tuning.optimizer: got 'newton', wanted one of 'levenberg-marquardt'",
    ),
    (make, {"coupling_ratios": -1.0, "couplings": regularization.CrossGradient}, "coupling_ratios: got -1.0"),
    (make, {"chifact": -1.0}, "chifact: got -1.0"),
    (make, {"tuning": {"trained": "none"}}, "trained: got 'none'"),
    (make_warm, {"cells": {"strategy": "all"}}, "create_warm_started_inversion.cells.strategy: got 'all'"),
    (make_warm, {"sparse_share": -0.1}, "create_warm_started_inversion.sparse_share: got -0.1"),
    (make_rounds, {"rounds": 0}, "create_retraining.rounds: got 0"),
    (make_rounds, {"tolerance": 0.0}, "create_retraining.tolerance: got 0.0"),
]


@pytest.mark.parametrize(("create", "options", "message"), BAD)
def test_bad_arguments_are_named(network, create, options, message):
    with pytest.raises(ValueError, match=message):
        create(network, **options)


def test_one_target_misfit_serves_all_data(network):
    with pytest.raises(TypeError, match=r"chifact: got \[1.0, 1.1\], wanted a finite number above 0"):
        make(network, chifact=[1.0, 1.1])


@pytest.mark.parametrize("create", [make, make_warm, make_rounds])
def test_misspelt_arguments_are_refused_by_the_function_that_was_called(network, create):
    with pytest.raises(TypeError, match=r"create_\w+\(\) got an unexpected keyword argument 'number'"):
        create(network, number=3)


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
    with pytest.raises(ValueError, match="is inside the other mesh"):
        make(network, simulation=simulations(away))
