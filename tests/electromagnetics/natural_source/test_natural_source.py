"""Stitched columns: SimPEG's numbers in SimPEG's order, its axes, and stations that do not see each other."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from discretize import TensorMesh
from pymatsolver import SolverLU
from simpeg import maps
from simpeg.electromagnetics.natural_source import Simulation1DElectricField
from simpeg.meta import MetaSimulation

from simpeg_jointdl.datasets import MTSoundings, synthetic
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.electromagnetics.natural_source import _columns
from simpeg_jointdl.kernels import MU_0, _layered_earth
from tests.electromagnetics.natural_source.problem import (
    COMPONENTS,
    LOCATIONS,
    N_LAYERS,
    N_STATIONS,
    SHARED,
    THICKNESSES,
    make,
    make_model,
    of_simpeg,
    own_thicknesses,
)

each_kind = pytest.mark.parametrize("frequencies", ["shared", "own"])


@each_kind
@pytest.mark.parametrize("thicknesses", [THICKNESSES, own_thicknesses()], ids=["one", "each"])
def test_data_are_simpegs(frequencies, thicknesses):
    simulation, model = make(frequencies, thicknesses=thicknesses), make_model()
    wanted = of_simpeg(simulation.survey, np.exp(model), thicknesses)
    np.testing.assert_allclose(simulation.dpred(model), wanted, rtol=1e-10)
    assert simulation.survey.nD == wanted.size


def test_data_of_a_resistivity_map_and_of_no_model():
    model = make_model()
    wanted = make().dpred(model)
    by_rho = make(rhoMap=maps.ExpMap(nP=model.size))
    np.testing.assert_allclose(by_rho.dpred(-model), wanted, rtol=1e-13)
    np.testing.assert_allclose(make(rho=np.exp(-model)).dpred(), wanted, rtol=1e-13)
    np.testing.assert_allclose(make(sigma=np.exp(model)).dpred(None), wanted, rtol=1e-13)


@pytest.mark.filterwarnings("ignore")  # of the sparse solver
@pytest.mark.parametrize("orientation", ["xy", "yx"])
def test_orientations_are_those_of_simpegs_meshes(orientation):
    """SimPEG's finite volumes know orientations; its recursion does not."""
    mesh = TensorMesh([np.r_[10.0 * 1.06 ** np.arange(130)[::-1], np.full(60, 10.0), np.full(10, 10.0)]], "N")
    mesh.origin = np.array([-mesh.h[0][:-10].sum()])  # ten cells of air
    depth = -mesh.cell_centers.ravel()
    sigma = np.where(depth < 0.0, 1e-8, np.where(depth < 300.0, 0.01, 0.1))

    def survey(place):
        make_one = natural_source.receivers.Impedance
        receivers = [make_one(place, orientation=orientation, component=name) for name in COMPONENTS]
        return natural_source.Survey([natural_source.sources.Planewave(receivers, f) for f in (1.0, 10.0)])

    whole = Simulation1DElectricField(
        mesh, survey=survey([[0.0]]), sigmaMap=maps.IdentityMap(nP=mesh.n_cells), solver=SolverLU
    )
    ours = natural_source.Simulation1DStitched(survey([[0.0]]), [300.0], sigma=[0.01, 0.1])
    np.testing.assert_allclose(ours.dpred(), whole.dpred(sigma), rtol=0.02)


@each_kind
def test_yx_is_minus_xy_and_the_determinant_is_xy(frequencies):
    model = make_model()
    real, imag, apparent, phase = (
        {o: make(frequencies, name, o).dpred(model) for o in ("xy", "yx", "det")} for name in COMPONENTS
    )
    for part in (real, imag):
        assert (part["xy"] < 0.0).all()
        np.testing.assert_array_equal(part["yx"], -part["xy"])
    np.testing.assert_array_equal(apparent["yx"], apparent["xy"])
    np.testing.assert_allclose(phase["yx"], phase["xy"] + 180.0)
    assert ((phase["yx"] > 0.0) & (phase["yx"] < 90.0)).all()
    for part in (real, imag, apparent, phase):
        np.testing.assert_array_equal(part["det"], part["xy"])


def test_a_half_space_has_its_resistivity_and_45_degrees():
    simulation = make(components=("apparent_resistivity", "phase"), orientation="yx", thicknesses=[])
    half_spaces = natural_source.Simulation1DStitched(simulation.survey, [], rho=[1.0, 10.0, 100.0, 1000.0])
    apparent, phase = half_spaces.dpred().reshape(len(SHARED), 2, N_STATIONS).swapaxes(0, 1)
    np.testing.assert_allclose(apparent, np.tile([1.0, 10.0, 100.0, 1000.0], (len(SHARED), 1)))
    np.testing.assert_allclose(phase, 45.0)


@each_kind
def test_fields_are_the_impedances_of_their_pairs(frequencies):
    simulation, model = make(frequencies), make_model()
    fields, (station, frequency) = simulation.fields(model), simulation.pairs
    assert (fields.shape, fields.dtype) == (station.shape, complex)
    assert (np.diff(station) >= 0).all()
    for s, f in {(int(s), float(f)) for s, f in zip(station, frequency, strict=True)}:
        one = natural_source.Simulation1DStitched(
            natural_source.create_survey(LOCATIONS[[s]], [f], ["real", "imag"], "yx"),
            THICKNESSES,
            sigma=np.exp(model).reshape(N_STATIONS, N_LAYERS)[s],
        )
        np.testing.assert_allclose(fields[(station == s) & (frequency == f)], [complex(*one.dpred())], rtol=1e-12)
    np.testing.assert_array_equal(simulation.dpred(model, f=fields), simulation.dpred(model))


def test_only_pairs_that_occur_are_computed():
    simulation = make("own")
    assert len(simulation.fields(make_model())) == 3 + 1 + 2 + 2
    assert len(make().fields(make_model())) == 4 * 4


# stations -----------------------------------------------------------------------------------------------
@each_kind
def test_stations_are_in_order_of_first_appearance(frequencies):
    simulation = make(frequencies)
    np.testing.assert_array_equal(simulation.station_locations, LOCATIONS)
    assert (simulation.n_stations, simulation.n_layers) == (N_STATIONS, N_LAYERS)
    wanted = [
        int(np.flatnonzero((place == LOCATIONS).all(axis=1))[0])
        for source in simulation.survey.source_list
        for receiver in source.receiver_list
        for place in receiver.locations_e
    ]
    np.testing.assert_array_equal(simulation.station_index, wanted)


def test_order_of_a_survey_from_arrays():
    shared = natural_source.create_survey(LOCATIONS, SHARED, ("real", "phase"), "yx")
    own = natural_source.create_survey(LOCATIONS[:2], [[3.0, 1.0], [2.0]], "imag", "det")
    assert [source.frequency for source in shared.source_list] == SHARED.tolist()
    assert [r.component for source in shared.source_list for r in source.receiver_list] == ["real", "phase"] * 4
    assert shared.nD == 2 * len(SHARED) * N_STATIONS
    assert [source.frequency for source in own.source_list] == [3.0, 1.0, 2.0]
    (receivers,) = zip(*(source.receiver_list for source in own.source_list), strict=True)
    assert all(isinstance(one, natural_source.DeterminantImpedance) for one in receivers)
    np.testing.assert_array_equal(np.concatenate([r.locations_e for r in receivers]), LOCATIONS[[0, 0, 1]])


@pytest.mark.filterwarnings("ignore:The MetaSimulation class is a work in progress:UserWarning")
def test_a_line_in_two_halves_of_simpegs_meta_simulation():
    whole, model = make(), make_model()
    halves = [slice(0, 2), slice(2, 4)]
    parts = [
        natural_source.Simulation1DStitched(
            natural_source.create_survey(LOCATIONS[half], SHARED, COMPONENTS),
            THICKNESSES,
            sigmaMap=maps.ExpMap(nP=2 * N_LAYERS),
        )
        for half in halves
    ]
    columns = np.arange(model.size).reshape(N_STATIONS, N_LAYERS)
    meta = MetaSimulation(parts, [maps.Projection(model.size, columns[half].ravel()) for half in halves])
    order = np.concatenate([np.flatnonzero(whole.station_index // 2 == i) for i in (0, 1)])
    v, w = np.random.default_rng(0).standard_normal((2, model.size))[0], np.ones(order.size)
    np.testing.assert_allclose(meta.dpred(model), whole.dpred(model)[order], rtol=1e-13)
    np.testing.assert_allclose(meta.Jvec(model, v), whole.Jvec(model, v)[order], rtol=1e-11)
    np.testing.assert_allclose(meta.Jtvec(model, w), whole.Jtvec(model, w), rtol=1e-11)
    np.testing.assert_allclose(meta.getJtJdiag(model), whole.getJtJdiag(model), rtol=1e-11)


def test_any_mixture_of_receivers():
    """Other stations, components and orientations at every frequency; equal places in other arrays; -0.0 is 0.0."""
    make_one, sources = natural_source.receivers.Impedance, natural_source.sources
    survey = natural_source.Survey(
        [
            sources.Planewave([make_one(LOCATIONS[[2, 1]], orientation="yx", component="phase")], 10.0),
            sources.Planewave(
                [
                    make_one(LOCATIONS[[1, 3]] * [1.0, -1.0, 1.0], orientation="xy", component="real"),
                    natural_source.DeterminantImpedance(LOCATIONS[[2, 0, 2]], component="imag"),
                ],
                0.1,
            ),
        ]
    )
    order = [2, 1, 3, 0]
    model = make_model().reshape(N_STATIONS, N_LAYERS)
    simulation = natural_source.Simulation1DStitched(survey, THICKNESSES, sigma=np.exp(model[order]).ravel())
    np.testing.assert_array_equal(simulation.station_locations, LOCATIONS[order])
    np.testing.assert_array_equal(simulation.station_index, [0, 1, 1, 2, 0, 3, 0])
    z = dict(zip(zip(*(part.tolist() for part in simulation.pairs), strict=True), simulation.fields(), strict=True))
    assert len(z) == 6
    wanted = [np.degrees(np.angle(z[s, 10.0])) for s in (0, 1)]
    wanted += [-z[s, 0.1].real for s in (1, 2)] + [-z[s, 0.1].imag for s in (0, 3, 0)]
    np.testing.assert_allclose(simulation.dpred(), wanted, rtol=1e-13)


@each_kind
def test_rows_of_the_jacobian_touch_their_station_only(frequencies):
    simulation, model = make(frequencies), make_model()
    matrix = simulation.getJ(model)
    assert sp.issparse(matrix)
    assert matrix.nnz <= simulation.survey.nD * N_LAYERS
    coo = matrix.tocoo()
    np.testing.assert_array_equal(coo.col // N_LAYERS, simulation.station_index[coo.row])


def test_an_apparent_resistivity_scales_as_the_ground():
    """Resistivities by c, frequencies by c: data c times as large, phases the same."""
    model, c = make_model(), 3.0
    survey = natural_source.create_survey(LOCATIONS, c * SHARED, COMPONENTS)
    scaled = natural_source.Simulation1DStitched(survey, THICKNESSES, sigma=np.exp(model) / c).dpred()
    real, imag, apparent, phase = make().dpred(model).reshape(len(SHARED), 4, -1).swapaxes(0, 1)
    wanted = np.stack([c * real, c * imag, c * apparent, phase], axis=1).ravel()
    np.testing.assert_allclose(scaled, wanted, rtol=1e-12)
    omega = 2.0 * np.pi * SHARED[:, None]
    np.testing.assert_allclose(apparent, (real**2 + imag**2) / (omega * MU_0), rtol=1e-12)


# what is kept -------------------------------------------------------------------------------------------
def test_the_jacobian_is_kept_until_the_model_changes(monkeypatch):
    simulation, model, calls = make(), make_model(), []
    plain = type(simulation._engine).jacobian
    monkeypatch.setattr(type(simulation._engine), "jacobian", lambda *a: calls.append(1) or plain(*a))
    v = np.ones(model.size)
    simulation.Jvec(model, v)
    simulation.Jtvec(model.copy(), simulation.dpred(model))
    simulation.getJtJdiag(model)
    assert len(calls) == 1
    simulation.Jvec(model + 0.1, v)
    assert len(calls) == 2


def test_another_survey_or_other_thicknesses_are_taken_up():
    simulation, model = make(), make_model()
    simulation.getJ(model)
    simulation.thicknesses = own_thicknesses()
    np.testing.assert_array_equal(simulation.dpred(model), make(thicknesses=own_thicknesses()).dpred(model))
    simulation.survey = make("own").survey
    wanted = make("own", thicknesses=own_thicknesses())
    np.testing.assert_array_equal(simulation.dpred(model), wanted.dpred(model))
    np.testing.assert_array_equal(simulation.getJ(model).toarray(), wanted.getJ(model).toarray())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
def test_copies(copied):
    simulation, model = make("own"), make_model()
    simulation.getJ(model)
    simulation.tensor_jacobian(model)
    np.testing.assert_array_equal(copied(simulation).dpred(model), simulation.dpred(model))


@each_kind
def test_pieces_of_the_batch_change_nothing(frequencies, monkeypatch):
    model = make_model()
    whole = make(frequencies)
    data, matrix = whole.dpred(model), whole.getJ(model).toarray()
    monkeypatch.setitem(_columns._PAIRS_AT_ONCE, "cpu", 4)
    monkeypatch.setitem(_layered_earth._PIECE, "cpu", 8)
    parts = make(frequencies)
    np.testing.assert_allclose(parts.dpred(model), data, rtol=1e-13)
    np.testing.assert_allclose(parts.getJ(model).toarray(), matrix, rtol=1e-12, atol=1e-14 * np.abs(matrix).max())


@pytest.mark.parametrize("orientation", ["xy", "yx", "det"])
def test_soundings_of_any_orientation_are_those_of_the_layers(orientation):
    frequencies, thicknesses, rho = [0.1, 1.0, 10.0], [500.0], [[100.0, 5.0], [20.0, 300.0]]
    wanted = synthetic.make_soundings(rho, thicknesses, frequencies, noise=0.0)
    survey = natural_source.create_survey(wanted.locations, frequencies, orientation=orientation)
    simulation = natural_source.Simulation1DStitched(survey, thicknesses, rho=np.ravel(rho))
    data = natural_source.Data(survey, dobs=simulation.dpred())
    found = MTSoundings.from_simpeg(data)
    np.testing.assert_allclose(found.apparent_resistivity, wanted.apparent_resistivity, rtol=1e-10)
    np.testing.assert_allclose(found.phase, wanted.phase, rtol=1e-10)
