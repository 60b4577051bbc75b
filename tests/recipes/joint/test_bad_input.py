"""Bad input to a joint inversion: the error names what came, and nothing has been computed before."""

from functools import partial

import numpy as np
import pytest
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.potential_fields import gravity
from simpeg.regularization import WeightedLeastSquares

from simpeg_jointdl import recipes, regularization
from tests.recipes.problem import make_tiny_problem

PROBLEM = make_tiny_problem()
N = PROBLEM.n
CROSS = regularization.CrossGradient


def replaced(k, misfit):
    return [misfit if i == k else one for i, one in enumerate(PROBLEM.misfits)]


def with_data(**options):
    survey = PROBLEM.misfits[0].simulation.survey
    return replaced(0, L2DataMisfit(data=Data(survey, **options), simulation=PROBLEM.misfits[0].simulation))


def observed(value=None):
    dobs = PROBLEM.misfits[0].data.dobs.copy()
    if value is not None:
        dobs[3] = value
    return dobs


def std(value):
    deviation = np.full(25, 0.1)
    deviation[5] = value
    return deviation


def wrong_cells():
    """A simulation whose active cells are not those of its map."""
    survey = PROBLEM.misfits[0].simulation.survey
    active = np.arange(N) > 0
    simulation = gravity.Simulation3DIntegral(
        PROBLEM.mesh, survey=survey, rhoMap=PROBLEM.wires.density, active_cells=active
    )
    return replaced(0, L2DataMisfit(data=PROBLEM.misfits[0].data, simulation=simulation))


def nothing():
    return maps.LinearMap(np.zeros((N, 2 * N)))


geology = np.zeros(N)

# options, error, what the message says
CHEAP = {
    # data and noise
    "nan data": (lambda: {"misfits": with_data(dobs=observed(np.nan), standard_deviation=0.1)}, ValueError,
                 r"misfits\[0\]: 1 of 25 data are NaN"),
    "infinite data": (lambda: {"misfits": with_data(dobs=observed(np.inf), standard_deviation=0.1)}, ValueError,
                      r"misfits\[0\]: 1 of 25 data are NaN or infinite"),
    "no noise": (lambda: {"misfits": with_data(dobs=observed())}, ValueError,
                 r"misfits\[0\]: 25 of 25 standard deviations are zero, missing .*standard_deviation="),
    "zero noise": (lambda: {"misfits": with_data(dobs=observed(), standard_deviation=std(0.0))}, ValueError,
                   r"misfits\[0\]: 1 of 25 standard deviations are zero"),
    "nan noise": (lambda: {"misfits": with_data(dobs=observed(), standard_deviation=std(np.nan))}, ValueError,
                  r"misfits\[0\]: 1 of 25 standard deviations"),
    "no relative error": (lambda: {"misfits": with_data(dobs=observed(), relative_error=0.0)}, ValueError,
                       r"25 of 25 standard deviations are zero"),
    # misfits
    "no misfits": (lambda: {"misfits": []}, TypeError, r"misfits: got \[\], wanted data misfits"),
    "none": (lambda: {"misfits": None}, TypeError, r"misfits: got \['NoneType'\]"),
    "data": (lambda: {"misfits": PROBLEM.misfits[0].data}, TypeError, r"misfits: got \['Data'\]"),
    "simulation": (lambda: {"misfits": [PROBLEM.misfits[0].simulation]}, TypeError, "Simulation3DIntegral"),
    "identity map": (lambda: {"misfits": replaced(0, PROBLEM.misfit(0, maps.IdentityMap(nP=N)))}, ValueError,
                     rf"misfits\[0\].*model of \['{N}'\] parameters, wanted all {2 * N}.*rhoMap=wires.density"),
    "wrong cells": (lambda: {"misfits": wrong_cells()}, ValueError,
                    rf"misfits\[0\]: its map gives {N} values for the {N - 1} active cells.*same mesh and active"),
    # models
    "reference length": (lambda: {"reference_models": {"density": np.zeros(3)}}, ValueError,
                         rf"reference_models\['density'\]: got shape \(3,\), wanted a number or \({N},\)"),
    "starting length": (lambda: {"starting_models": {"density": np.zeros(2 * N)}}, ValueError,
                        r"starting_models\['density'\]: got shape"),
    "reference nan": (lambda: {"reference_models": {"density": np.nan}}, ValueError,
                      "1 of 1 entries that are NaN or infinite"),
    "reference text": (lambda: {"reference_models": {"density": "granite"}}, TypeError,
                       r"reference_models\['density'\]: got str, wanted real numbers, a number or"),
    "reference array": (lambda: {"reference_models": np.zeros(2 * N)}, TypeError,
                        "reference_models: got ndarray, wanted {property: value} with density, susceptibility"),
    "crossed bounds": (lambda: {"bounds": {"density": (1.0, -1.0)}}, ValueError,
                       rf"bounds\['density'\]: got \(1, -1\) in {N} of {N} places.*wanted a lower bound below"),
    "equal bounds": (lambda: {"bounds": {"density": (0.1, 0.1)}}, ValueError,
                     r"got \(0.1, 0.1\) in .* wanted a lower bound below the upper one"),
    "one bound": (lambda: {"bounds": {"density": 1.0}}, TypeError, r"bounds\['density'\]: got 1.0, wanted \(lower"),
    "nan bound": (lambda: {"bounds": {"density": (np.nan, 1.0)}}, ValueError,
                  r"bounds\['density'\]: got nan, wanted a number"),
    # names
    **{
        f"{argument} unknown": (partial(lambda a: {a: {"rho": 0.0}}, argument), ValueError,
                                rf"{argument}: got 'rho', wanted only 'density', 'susceptibility'")
        for argument in ("bounds", "reference_models", "starting_models", "norms")
    },
    # settings
    "norms count": (lambda: {"norms": (0, 1)}, ValueError, r"norms: got \(0, 1\), wanted 4 numbers from 0 to 2"),
    "smooth norms count": (lambda: {"norms": (2, 2)}, ValueError, "norms: .*wanted 4 numbers"),
    "norms range": (lambda: {"norms": (0, 1, 1, 3)}, ValueError, "norms: .*from 0 to 2"),
    "one norm": (lambda: {"norms": {"density": 0.0}}, ValueError, "norms: got 0.0, wanted 4 numbers"),
    "norms text": (lambda: {"norms": "sparse"}, ValueError, "norms: got 'sparse', wanted 4 numbers"),
    "strategy": (lambda: {"strategy": "joint"}, ValueError, "strategy: got 'joint', wanted one of 'separate', 'simul"),
    "chifact count": (lambda: {"chifact": [1.0, 1.0, 1.0]}, ValueError, "chifact: .*2 of them, one per data misfit"),
    "chifact negative": (lambda: {"chifact": -1.0}, ValueError, "chifact: got -1.0, wanted a number above 0"),
    "ratios count": (lambda: {"couplings": CROSS, "coupling_ratios": [1.0, 2.0]}, ValueError,
                     "coupling_ratios: .*one per coupling"),
    "couple when": (lambda: {"couplings": CROSS, "couple_when": "later"}, ValueError, "got 'later', wanted one of"),
    # couplings
    "coupling name": (lambda: {"couplings": "cross-gradient"}, TypeError, "couplings: got str, wanted a coupling, or"),
    "coupling number": (lambda: {"couplings": 1.0}, TypeError, "couplings: got float, wanted a coupling"),
    "other term": (lambda: {"couplings": WeightedLeastSquares(PROBLEM.mesh)}, TypeError, "got WeightedLeastSquares"),
    "scaled": (lambda: {"couplings": 2.0 * CROSS(PROBLEM.mesh, PROBLEM.wires)}, TypeError,
               "got ComboObjectiveFunction, wanted a coupling.*Strengths go into coupling_ratios"),
    "makes no coupling": (lambda: {"couplings": lambda mesh, **_: 3.0}, TypeError, "couplings: got float"),
    # fixed models
    "fixed without coupling": (lambda: {"fixed_models": {"geology": geology}}, ValueError,
                               "fixed_models: got geology, but no coupling to tie them to"),
    "fixed, ready-made": (lambda: {"fixed_models": {"geology": geology},
                                   "couplings": CROSS(PROBLEM.mesh, PROBLEM.wires)},
                          TypeError, "CrossGradient came ready-made and cannot take them up; hand over the class"),
    "fixed, same name": (lambda: {"fixed_models": {"density": geology}, "couplings": CROSS}, ValueError,
                         "'density' is inverted for; a fixed model needs another name"),
    "fixed length": (lambda: {"fixed_models": {"geology": geology[1:]}, "couplings": CROSS}, ValueError,
                     r"fixed_models\['geology'\]: got shape"),
    "fixed all nan": (lambda: {"fixed_models": {"geology": geology * np.nan}, "couplings": CROSS}, ValueError,
                      "no active cell has a value in all of geology"),
    "fixed array": (lambda: {"fixed_models": geology, "couplings": CROSS}, TypeError, "fixed_models: got ndarray"),
    # cells
    "active cells": (lambda: {"active_cells": np.arange(4)}, ValueError, r"active_cells: got int64 of shape \(4,\)"),
    "no active cell": (lambda: {"active_cells": np.zeros(N, dtype=bool)}, ValueError, "at least one True"),
    "fewer active cells": (lambda: {"active_cells": np.arange(N) > 0}, ValueError,
                           rf"wire_map: got parts .*wanted {N - 1} parameters in each"),
}  # fmt: skip

# only the sensitivities tell
PAIRING = {
    "a property without data": (
        lambda: {"misfits": PROBLEM.misfits[:1]},
        r"do not pair up; no data depend on susceptibility\. Give each",
    ),
    "both on one": (
        lambda: {"misfits": replaced(1, PROBLEM.misfit(1, PROBLEM.wires.density))},
        "no data depend on susceptibility",
    ),
    "a misfit of nothing": (
        lambda: {"misfits": replaced(1, PROBLEM.misfit(1, nothing()))},
        r"misfits\[1\] depend on no property; no data depend on susceptibility",
    ),
}


@pytest.mark.parametrize("case", CHEAP)
def test_what_is_wrong_is_named_before_anything_is_computed(case, monkeypatch):
    make, error, message = CHEAP[case]
    options = make()

    def computed(*_):
        pytest.fail("sensitivities were computed before the input was refused")

    monkeypatch.setattr(type(PROBLEM.misfits[0].simulation), "Jtvec", computed)
    with pytest.raises(error, match=message) as caught:
        PROBLEM.recipe(**options)
    assert type(caught.value) is error


@pytest.mark.parametrize("case", PAIRING)
def test_misfits_and_properties_must_pair_up(case):
    make, message = PAIRING[case]
    with pytest.raises(ValueError, match=message):
        PROBLEM.recipe(**make())


@pytest.mark.parametrize("argument", ["checkpoint", "log"])
def test_a_folder_that_cannot_be_written_to(argument, tmp_path):
    with pytest.raises(OSError, match=rf"create_joint_inversion.{argument}: cannot write .*absent"):
        PROBLEM.recipe(**{argument: tmp_path / "absent" / "file"})


def test_wire_map_and_mesh():
    with pytest.raises(TypeError, match=r"wire_map: got list, wanted simpeg.maps.Wires.*\(\"susceptibility\", 256\)"):
        recipes.create_joint_inversion(PROBLEM.mesh, PROBLEM.misfits, [PROBLEM.wires.density])
    with pytest.raises(TypeError, match=r"mesh: got list, wanted a discretize\.TensorMesh"):
        recipes.create_joint_inversion([4, 4], PROBLEM.misfits, PROBLEM.wires)


def test_input_arrays_are_left_alone():
    geology_with_gaps = np.where(np.arange(N) < 9, np.nan, 1.0 * np.arange(N))
    given = {"geology": geology_with_gaps.copy()}
    lower = np.full(N, -1.0)
    reference = np.full(N, 0.01)
    PROBLEM.recipe(
        couplings=CROSS,
        fixed_models=given,
        bounds={"density": (lower, 1.0)},
        reference_models={"density": reference},
        max_iterations=1,
        chifact=1e4,
    ).run()
    np.testing.assert_array_equal(given["geology"], geology_with_gaps)
    assert (lower == -1.0).all()
    assert (reference == 0.01).all()
