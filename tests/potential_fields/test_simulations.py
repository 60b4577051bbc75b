"""Drop-in simulations: SimPEG's own are the oracle, with every engine, component and kind of model."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from discretize import TensorMesh, TreeMesh
from scipy.sparse.linalg import LinearOperator
from simpeg import maps
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from simpeg_jointdl._core.tensors import as_numpy, as_tensor
from simpeg_jointdl.kernels import GRAVITY_COMPONENTS, MAGNETIC_COMPONENTS
from simpeg_jointdl.potential_fields import gravity, magnetics
from simpeg_jointdl.potential_fields.engines import _tiled

FIELD = {"amplitude": 50_000.0, "inclination": 63.0, "declination": -20.0}
KINDS = ("gravity", "scalar", "vector", "remanent", "amplitude")


def tensor_mesh():
    """Uniform along x and y, so that every engine can serve it."""
    return TensorMesh([[12.0] * 5, [10.0] * 4, [9.0, 4.0, 7.0, 6.0]], origin="CCN")


def tree_mesh():
    mesh = TreeMesh([[5.0] * 16, [5.0] * 16, [5.0] * 8], origin="CCN", diagonal_balance=True)
    mesh.refine_points(np.array([[0.0, 0.0, -10.0], [10.0, 3.0, -5.0]]), -1, finalize=True)
    return mesh


def grid(height=3.0):
    """Every cell centre of the tensor mesh but two, in no order."""
    x, y = np.meshgrid(12.0 * np.arange(-2, 3), 10.0 * np.arange(-1.5, 2))
    places = np.c_[x.ravel(), y.ravel(), np.full(x.size, height)]
    return np.random.default_rng(2).permutation(places)[2:]


def make_pair(kind, mesh, locations, engine, components=None, dtype=np.float64, **options):
    """SimPEG's simulation and ours, and a random model."""
    active = mesh.cell_centers[:, 2] < -5.0 - (mesh.cell_centers[:, 0] > 15.0) * 6.0
    rng, n = np.random.default_rng(0), int(active.sum())
    shared = {"active_cells": active, "sensitivity_dtype": dtype}
    if kind == "gravity":
        receivers = gravity.Point(locations, components=components or list(GRAVITY_COMPONENTS))
        shared |= {"survey": gravity.Survey(gravity.SourceField([receivers])), "rhoMap": maps.IdentityMap(nP=n)}
        classes = simpeg_gravity.Simulation3DIntegral, gravity.Simulation3DIntegral
    else:
        amplitude = kind == "amplitude"
        receivers = magnetics.Point(
            locations, components=components or (["bx", "by", "bz"] if amplitude else list(MAGNETIC_COMPONENTS))
        )
        n_values = 3 * n if kind == "vector" else n
        shared |= {
            "survey": magnetics.Survey(magnetics.UniformBackgroundField([receivers], **FIELD)),
            "chiMap": maps.IdentityMap(nP=n_values),
            "model_type": "vector" if kind == "vector" else "scalar",
            "is_amplitude_data": amplitude,
        }
        classes = simpeg_magnetics.Simulation3DIntegral, magnetics.Simulation3DIntegral
        n = n_values
    theirs, ours = classes[0](mesh, **shared), classes[1](mesh, engine=engine, **(shared | options))
    if kind == "remanent":
        theirs.M = ours.M = rng.normal(size=(n, 3)) * 1e4
    return theirs, ours, rng.normal(size=n)


def assert_close(ours, theirs, bound):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound * np.abs(theirs).max())


SERVED = [
    *[(kind, "tensor", engine) for kind in KINDS for engine in ("dense", "toeplitz", "blocked")],
    *[(kind, "tree", engine) for kind in KINDS for engine in ("dense", "blocked")],
]


@pytest.mark.parametrize(("kind", "mesh", "engine"), SERVED)
def test_same_numbers_as_simpeg(kind, mesh, engine):
    mesh = tensor_mesh() if mesh == "tensor" else tree_mesh()
    theirs, ours, m = make_pair(kind, mesh, grid(), engine)
    rng = np.random.default_rng(1)
    data, v = theirs.dpred(m), rng.normal(size=m.size)
    d, weights = rng.normal(size=data.size), sp.diags(rng.uniform(0.5, 2.0, data.size))
    assert ours.sensitivities.name == engine
    assert_close(ours.dpred(m), data, 1e-8)
    assert_close(ours.fields(m), data, 1e-8)
    assert_close(ours.Jvec(m, v), theirs.Jvec(m, v), 1e-8)
    assert_close(ours.Jtvec(m, d), theirs.Jtvec(m, d), 1e-8)
    # of amplitudes SimPEG's needs weights
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m, sp.identity(data.size, format="dia")), 1e-8)
    assert_close(ours.getJtJdiag(m, weights), theirs.getJtJdiag(m, weights), 1e-8)
    assert_close(ours.getJ(m) @ v, theirs.Jvec(m, v), 1e-8)
    assert_close(ours.getJ(m).T @ d, theirs.Jtvec(m, d), 1e-8)
    assert_close(ours.linear_operator() @ m, ours.G @ m, 1e-12)
    assert isinstance(ours.G, np.ndarray if engine == "dense" else LinearOperator)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("kind", "mesh", "engine"), SERVED)
def test_adjoint_identity(kind, mesh, engine, dtype):
    mesh = tensor_mesh() if mesh == "tensor" else tree_mesh()
    _, ours, m = make_pair(kind, mesh, grid(), engine, dtype=dtype)
    rng = np.random.default_rng(1)
    v = rng.normal(size=m.size)
    forward = ours.Jvec(m, v)
    d = rng.normal(size=forward.size)
    scale = np.linalg.norm(forward) * np.linalg.norm(d)
    assert abs(forward @ d - v @ ours.Jtvec(m, d)) < (1e-12 if dtype is np.float64 else 1e-5) * scale


@pytest.mark.parametrize(("storage", "bound"), [(np.float32, 1e-5), ("bfloat16", 1e-2)])
@pytest.mark.parametrize("engine", ["dense", "toeplitz", "blocked"])
def test_fewer_digits_within_their_bound(engine, storage, bound):
    theirs, ours, m = make_pair("scalar", tensor_mesh(), grid(), engine)
    exact = ours.getJtJdiag(m)
    ours.sensitivity_dtype = storage
    assert_close(ours.dpred(m), theirs.dpred(m), bound)
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m), bound)
    # the diagonal was not kept from before; Toeplitz squares are in float64 whatever the type
    assert engine != "dense" or (ours.getJtJdiag(m) != exact).any()


@pytest.mark.parametrize("kind", ["gravity", "amplitude"])
@pytest.mark.parametrize("engine", ["dense", "blocked"])
def test_the_size_of_a_tile_changes_nothing(kind, engine, monkeypatch):
    _, whole, m = make_pair(kind, tensor_mesh(), grid(), engine)
    data, squares = whole.dpred(m), whole.getJtJdiag(m)
    monkeypatch.setattr(_tiled, "_CPU_BUDGET", 1)  # one location, or a dozen rows, at once
    _, pieces, _ = make_pair(kind, tensor_mesh(), grid(), engine)
    assert_close(pieces.dpred(m), data, 1e-13)
    assert_close(pieces.getJtJdiag(m), squares, 1e-13)


def test_amplitudes_follow_the_model():
    """SimPEG's derivative and diagonal are those of the model at hand, also after another one."""
    theirs, ours, m = make_pair("amplitude", tensor_mesh(), grid(), "dense")
    weights = sp.identity(len(grid()), format="dia")
    for model in (m, 2.0 * m[::-1], m):
        assert_close(ours.getJtJdiag(model, weights), theirs.getJtJdiag(model, weights), 1e-8)
        assert_close(ours.Jvec(model, m), theirs.Jvec(model, m), 1e-8)


def test_amplitude_of_no_field_has_no_derivative():
    _, ours, m = make_pair("amplitude", tensor_mesh(), grid(), "dense")
    assert (ours.Jvec(np.zeros_like(m), m) == 0.0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", ["dense", "toeplitz", "blocked"])
def test_the_tensor_path_is_the_same_matrix(kind, engine):
    _, ours, m = make_pair(kind, tensor_mesh(), grid(), engine)
    jacobian, rng = ours.tensor_jacobian(m), np.random.default_rng(1)
    v = rng.normal(size=m.size)
    data = ours.Jvec(m, v)
    d = rng.normal(size=data.size)
    assert_close(as_numpy(jacobian.tangent(as_tensor(v, jacobian.device))), data, 1e-13)
    assert_close(as_numpy(jacobian.adjoint(as_tensor(d, jacobian.device))), ours.Jtvec(m, d), 1e-13)


@pytest.mark.parametrize("engine", ["dense", "toeplitz", "blocked"])
def test_copies_and_pickles(engine):
    _, ours, m = make_pair("remanent", tensor_mesh(), grid(), engine)
    data = ours.dpred(m)
    for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        np.testing.assert_array_equal(other.dpred(m), data)


def test_a_file_of_sensitivities_is_used_again_only_if_it_is_the_same(tmp_path, caplog):
    options = {"store_sensitivities": "disk", "sensitivity_path": str(tmp_path / "kept")}
    theirs, ours, m = make_pair("gravity", tensor_mesh(), grid(), "dense", **options)
    assert_close(ours.dpred(m), theirs.dpred(m), 1e-8)
    assert_close(ours.Jtvec(m, theirs.dpred(m)), theirs.Jtvec(m, theirs.dpred(m)), 1e-8)
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m), 1e-8)
    written = (tmp_path / "kept" / "sensitivity.npy").stat().st_mtime_ns
    _, same, _ = make_pair("gravity", tensor_mesh(), grid(), "auto", **options)
    np.testing.assert_array_equal(same.dpred(m), ours.dpred(m))
    assert (tmp_path / "kept" / "sensitivity.npy").stat().st_mtime_ns == written
    # the same shape, another height: SimPEG would take the old file
    theirs, other, _ = make_pair("gravity", tensor_mesh(), grid(height=8.0), "dense", **options)
    assert_close(other.dpred(m), theirs.dpred(m), 1e-8)


def test_forward_only_stores_nothing():
    theirs, ours, m = make_pair("gravity", tree_mesh(), grid(), "auto", store_sensitivities="forward_only")
    assert ours.sensitivities.name == "blocked"
    assert ours.sensitivities.n_bytes == 0
    assert_close(ours.dpred(m), theirs.dpred(m), 1e-8)
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m), 1e-8)


@pytest.mark.parametrize("engine", ["dense", "toeplitz"])
def test_receivers_inside_and_on_cells_give_simpegs_answer(engine):
    mesh = tensor_mesh()
    inside = np.array([[0.0, 5.0, -8.0], [6.0, 10.0, -6.0], [0.0, 10.0, -10.0], [-12.0, -5.0, -13.0]])
    components = ["gx", "gz", "gxx", "gzz"]
    theirs, ours, m = make_pair("gravity", mesh, inside, engine, components=components)
    assert_close(ours.dpred(m), theirs.dpred(m), 1e-8)


def test_several_receivers_with_components_of_their_own():
    mesh = tensor_mesh()
    receivers = [
        gravity.Point(grid()[:5], components=["gz", "gxx"]),
        gravity.Point(grid(6.0)[2:4], components="gy"),
    ]
    survey = gravity.Survey(gravity.SourceField(receivers))
    options = {"survey": survey, "rhoMap": maps.IdentityMap(nP=mesh.n_cells), "sensitivity_dtype": np.float64}
    m = np.random.default_rng(0).normal(size=mesh.n_cells)
    wanted = simpeg_gravity.Simulation3DIntegral(mesh, **options).dpred(m)
    for engine in ("dense", "toeplitz", "blocked"):
        assert_close(gravity.Simulation3DIntegral(mesh, engine=engine, **options).dpred(m), wanted, 1e-8)


def test_synthetic_data_and_properties_without_a_model():
    mesh = tensor_mesh()
    survey = gravity.Survey(gravity.SourceField([gravity.Point(grid(), components="gz")]))
    simulation = gravity.Simulation3DIntegral(mesh, survey=survey, rhoMap=maps.IdentityMap(nP=mesh.n_cells))
    model = np.random.default_rng(0).normal(size=mesh.n_cells)
    made = simulation.make_synthetic_data(model, relative_error=0.05, add_noise=True, random_seed=1)
    assert made.dobs.shape == (survey.nD,)
    fixed = gravity.Simulation3DIntegral(mesh, survey=survey, rho=model)
    np.testing.assert_allclose(fixed.dpred(None), simulation.dpred(model))
