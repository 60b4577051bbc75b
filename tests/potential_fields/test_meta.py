"""Stations in two halves inside SimPEG's meta simulations, here and in other processes: the whole survey's numbers."""

import numpy as np
import pytest
import scipy.sparse as sp
from discretize import TensorMesh
from simpeg import maps
from simpeg.meta import MetaSimulation

from simpeg_jointdl.potential_fields import gravity, magnetics

KINDS = ("gravity", "scalar", "vector")  # of amplitudes a survey counts three data a place, and gives one
ENGINES = ("dense", "toeplitz", "blocked")
FIELD = {"amplitude": 50_000.0, "inclination": 63.0, "declination": -20.0}
# SimPEG's word on its own class
PROGRESS = "ignore:The MetaSimulation class is a work in progress:UserWarning"


def make(kind, engine, part=slice(None)):
    """Simulation of some of the stations, and how many values a model has."""
    mesh = TensorMesh([[12.0] * 5, [10.0] * 4, [9.0, 4.0, 7.0]], origin="CCN")
    active = mesh.cell_centers[:, 2] < -3.0 - (mesh.cell_centers[:, 0] > 15.0) * 8.0
    x, y = np.meshgrid(12.0 * np.arange(-2, 3), 10.0 * np.arange(-1.5, 2))
    locations = np.c_[x.ravel(), y.ravel(), np.full(x.size, 3.0)][part]
    n = int(active.sum()) * (3 if kind == "vector" else 1)
    shared = {"active_cells": active, "engine": engine, "sensitivity_dtype": np.float64}
    if kind == "gravity":
        survey = gravity.Survey(gravity.SourceField([gravity.Point(locations, components=["gz", "gxx"])]))
        return gravity.Simulation3DIntegral(mesh, survey=survey, rhoMap=maps.IdentityMap(nP=n), **shared), n
    receivers = magnetics.Point(locations, components=["bx", "by", "bz"] if kind == "amplitude" else "tmi")
    survey = magnetics.Survey(magnetics.UniformBackgroundField([receivers], **FIELD))
    shared |= {"model_type": "vector" if kind == "vector" else "scalar", "is_amplitude_data": kind == "amplitude"}
    return magnetics.Simulation3DIntegral(mesh, survey=survey, chiMap=maps.IdentityMap(nP=n), **shared), n


def halves(kind, engine):
    """Two simulations of unequal parts of the stations, a map for each, and the one of all stations."""
    whole, n = make(kind, engine)
    parts = [make(kind, engine, part)[0] for part in (slice(None, 8), slice(8, None))]
    return parts, [maps.IdentityMap(nP=n) for _ in parts], whole, n


def assert_same(split, whole, n):
    """Data, products and the diagonal, with weights at one model and without at another.

    SimPEG's meta simulations keep a diagonal for a model, whatever weights they are asked with.
    """
    rng = np.random.default_rng(0)
    n_data = whole.survey.nD
    for weights in (sp.diags(rng.uniform(0.5, 2.0, n_data)), None):
        m, v, d = rng.normal(size=n), rng.normal(size=n), rng.normal(size=n_data)
        pairs = [
            (split.dpred(m), whole.dpred(m)),
            (split.Jvec(m, v), whole.Jvec(m, v)),
            (split.Jtvec(m, d), whole.Jtvec(m, d)),
            (split.getJtJdiag(m, weights), whole.getJtJdiag(m, weights)),
        ]
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8 * np.abs(theirs).max())


@pytest.fixture(scope="module")
def client():
    """Two worker processes of one thread each."""
    distributed = pytest.importorskip("distributed", reason='dask: pip install "simpeg_jointdl[dask]"')
    workers = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**workers) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.filterwarnings(PROGRESS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_two_halves_are_the_whole(kind, engine):
    simulations, mappings, whole, n = halves(kind, engine)
    assert_same(MetaSimulation(simulations, mappings), whole, n)


@pytest.mark.filterwarnings(PROGRESS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_are_the_whole(client, kind, engine):
    from simpeg.meta import DaskMetaSimulation

    simulations, mappings, whole, n = halves(kind, engine)
    split = DaskMetaSimulation(simulations, mappings, client)
    assert len(set(split._workers)) == 2
    assert_same(split, whole, n)


def test_worker_processes_build_their_own_engines(client):
    """None travels: what goes to a worker is no larger for an engine that has been built."""
    from distributed.protocol.pickle import dumps

    simulation, _ = make("scalar", "dense")
    before = len(dumps(simulation))
    assert simulation.sensitivities.n_bytes > 0
    assert len(dumps(simulation)) < before + 1000
