"""What no engine can serve: each a clear error."""

import logging

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import maps

from simpeg_jointdl.potential_fields import gravity, magnetics
from simpeg_jointdl.potential_fields.engines import _choice
from tests.potential_fields.test_simulations import FIELD, grid, tensor_mesh, tree_mesh


def make(mesh=None, locations=None, components="gz", **options):
    mesh = tensor_mesh() if mesh is None else mesh
    survey = gravity.Survey(
        gravity.SourceField([gravity.Point(grid() if locations is None else locations, components=components)])
    )
    return gravity.Simulation3DIntegral(
        mesh, survey=survey, **({"rhoMap": maps.IdentityMap(nP=mesh.n_cells)} | options)
    )


def test_no_active_cells():
    with pytest.raises(ValueError, match="got no active cell among 80"):
        make(active_cells=np.zeros(80, dtype=bool))


def test_cells_without_volume():
    mesh = TensorMesh([[10.0, 0.0, 10.0], [10.0], [10.0]])
    with pytest.raises(ValueError, match=r"got 1 active cell\(s\) without volume, the first at index 1"):
        make(mesh)
    assert make(mesh, active_cells=np.array([True, False, True]), rhoMap=maps.IdentityMap(nP=2)).nC == 2


def test_mesh_of_two_dimensions():
    with pytest.raises(ValueError, match="mesh must be 3D"):
        make(TensorMesh([3, 3]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_locations_that_are_not_finite(bad):
    locations = grid()
    locations[3, 1] = bad
    with pytest.raises(ValueError, match="1 of 18 locations of receiver 0 are not finite, the first at index 3"):
        make(locations=locations).dpred(np.zeros(80))


def test_unknown_engine():
    with pytest.raises(ValueError, match="got 'fft', wanted one of 'auto', 'dense', 'toeplitz', 'blocked'"):
        make(engine="fft")
    with pytest.raises(ValueError, match="engines of SimPEG's own classes"):
        make(engine="choclo")


def test_unknown_device_and_dtype():
    with pytest.raises(ValueError, match="which torch cannot use"):
        make(device="quantum")
    with pytest.raises(TypeError, match=r"sensitivity_dtype: got 'int8', wanted np.float64, np.float32 or 'bfloat16'"):
        make(sensitivity_dtype="int8")


@pytest.mark.parametrize("name", ["n_processes", "numba_parallel"])
def test_arguments_of_other_engines_warn(name):
    with pytest.warns(UserWarning, match=f"{name} applies to SimPEG's engines only"):
        make(**{name: 2})


def test_toeplitz_says_why_not_and_who_can():
    with pytest.raises(ValueError, match=r"cannot be used here: .*tree mesh.* Use engine='dense'"):
        make(tree_mesh(), engine="toeplitz").dpred(np.zeros(tree_mesh().n_cells))


@pytest.mark.parametrize(
    ("engine", "store", "message"),
    [
        ("blocked", "disk", "stores no matrix"),
        ("toeplitz", "disk", "stores no matrix"),
        ("dense", "forward_only", "stores its matrix"),
    ],
)
def test_engines_and_storage_that_contradict(engine, store, message):
    with pytest.raises(ValueError, match=message):
        make(engine=engine, store_sensitivities=store).dpred(np.zeros(80))


def test_half_the_digits_are_not_for_a_file():
    with pytest.raises(ValueError, match="'bfloat16' is for a matrix in memory"):
        make(sensitivity_dtype="bfloat16", store_sensitivities="disk").dpred(np.zeros(80))


def test_a_matrix_too_large_is_refused_or_not_stored(monkeypatch, caplog):
    monkeypatch.setattr(_choice, "free_bytes", lambda device: 1000)
    with pytest.raises(MemoryError, match=r"needs .* MiB and .* MiB are free.*store_sensitivities='disk'"):
        make(engine="dense").dpred(np.zeros(80))
    locations = np.random.default_rng(0).uniform(1.0, 20.0, (9, 3))
    with caplog.at_level(logging.INFO):
        assert make(locations=locations).sensitivities.name == "blocked"
    assert "engine 'auto': blocked" in caplog.text


def test_auto_says_which_and_why(monkeypatch, caplog):
    monkeypatch.setattr(_choice, "_SMALL", 10)
    with caplog.at_level(logging.INFO):
        assert make().sensitivities.name == "toeplitz"
        assert make(tree_mesh()).sensitivities.name == "dense"
    assert "engine 'auto': toeplitz, as receivers and cells are on a lattice" in caplog.text
    assert "engine 'auto': dense, as the mesh is a tree mesh" in caplog.text


def magnetic(**options):
    survey = magnetics.Survey(
        magnetics.UniformBackgroundField([magnetics.Point(grid(), components=["bx", "bz"])], **FIELD)
    )
    n = 240 if options.get("model_type") == "vector" else 80
    return magnetics.Simulation3DIntegral(tensor_mesh(), survey=survey, chiMap=maps.IdentityMap(nP=n), **options)


def test_amplitudes_of_other_components():
    with pytest.raises(ValueError, match=r"amplitude data of components .*wanted \['bx', 'by', 'bz'\]"):
        magnetic(is_amplitude_data=True).dpred(np.zeros(80))


def test_magnetization_of_the_wrong_shape_or_kind():
    with pytest.raises(ValueError, match=r"M: got shape \(4,\), wanted \(80, 3\) finite numbers"):
        magnetic().M = np.ones(4)
    with pytest.raises(ValueError, match="Use model_type='scalar'"):
        magnetic(model_type="vector").M = np.ones((80, 3))


def test_no_receivers():
    with pytest.raises(ValueError, match="got no receivers"):
        make(locations=np.zeros((0, 3))).dpred(np.zeros(80))
