"""Data sets are named by the method of their simulation, or by the user."""

from types import SimpleNamespace

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import maps, meta
from simpeg.electromagnetics import natural_source as simpeg_natural_source
from simpeg.electromagnetics.static import resistivity
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from simpeg_jointdl import directives
from simpeg_jointdl.directives._base import unique_names
from simpeg_jointdl.directives.records._names import names_of_data
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.potential_fields import gravity
from tests.directives.problem import make_joint_problem

MESH = TensorMesh([3, 3, 2])


def names(*simulations, given=None):
    return names_of_data("SaveLog", [SimpleNamespace(simulation=one) for one in simulations], given)


def an_mt_simulation(module, kind):
    return getattr(module, kind).__new__(getattr(module, kind))


def test_stitched_magnetotellurics_and_simpegs_natural_source_have_the_same_name():
    ours = an_mt_simulation(natural_source, "Simulation1DStitched")
    simpegs = an_mt_simulation(simpeg_natural_source, "Simulation1DRecursive")
    assert names(ours) == names(simpegs) == ["magnetotellurics"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (simpeg_gravity.Simulation3DIntegral, "gravity"),
        (gravity.Simulation3DIntegral, "gravity"),
        (simpeg_magnetics.Simulation3DIntegral, "magnetics"),
        (resistivity.Simulation3DNodal, "resistivity"),
    ],
)
def test_the_name_is_that_of_the_method(kind, name):
    assert names(kind.__new__(kind)) == [name]


def test_a_class_of_the_user_has_the_name_of_the_method_it_derives_from():
    class Mine(simpeg_gravity.Simulation3DIntegral):
        pass

    assert names(Mine.__new__(Mine)) == ["gravity"]


def test_a_simulation_may_name_its_method_itself():
    assert names(SimpleNamespace(method_name="muon tomography")) == ["muon tomography"]


def test_two_data_sets_of_one_method_get_numbers():
    one = an_mt_simulation(natural_source, "Simulation1DStitched")
    other = simpeg_gravity.Simulation3DIntegral.__new__(simpeg_gravity.Simulation3DIntegral)
    assert names(one, other, one) == ["magnetotellurics", "gravity", "magnetotellurics 2"]
    assert unique_names(["a", "a", "a 2", "a"]) == ["a", "a 2", "a 2 2", "a 3"]


def test_an_unknown_simulation_goes_by_its_number():
    assert names(SimpleNamespace(), SimpleNamespace()) == ["misfit 0", "misfit 1"]


def test_a_meta_simulation_has_the_name_of_its_parts():
    problem = make_joint_problem(3)
    density, _, density_si = (misfit.simulation for misfit in problem.misfits)
    identity = maps.IdentityMap(nP=problem.start.size)
    with pytest.warns(UserWarning, match="work in progress"):
        both = meta.MetaSimulation([density, density_si], [identity, identity])
    assert names(both) == ["gravity"]


def test_names_of_the_user_come_first():
    simulation = an_mt_simulation(natural_source, "Simulation1DStitched")
    assert names(simulation, given=["profile 7"]) == ["profile 7"]


def test_a_log_that_an_older_version_began_is_read_and_continued(tmp_path):
    """0.1 named data sets after the file of their simulation."""
    lines = ["iteration,seconds,phi_d,phi_m,beta,chi_electromagnetics,chi_natural_source", "1,0.5,2.0,1.0,1.0,3.0,4.0"]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    assert directives.read_log(path)["chi_electromagnetics"].tolist() == [3.0]
    problem = make_joint_problem()
    log = directives.SaveLog(path)
    inversion = problem.inversion(problem.terms, [log], max_iterations=1)
    inversion.invProb.startup(problem.start)
    log.resumed = True
    log.initialize()
    terms = ["WeightedLeastSquares", "WeightedLeastSquares 2"]
    columns = [*lines[0].split(","), *(f"{group}_{term}" for group in ("value", "weight") for term in terms)]
    row = np.array([[1, 0.5, 2.0, 1.0, 1.0, 3.0, 4.0, 1.0, 1.0, 1.0, 1.0]])
    log.restore_checkpoint_state({"columns": columns, "rows": row, "couplings": []})
    inversion.opt.minimize(inversion.invProb.evalFunction, problem.start)
    table = directives.read_log(path)
    assert list(table) == columns
    assert len(table["chi_natural_source"]) == 2
    assert list(log.history["chi"]) == ["electromagnetics", "natural_source"]
