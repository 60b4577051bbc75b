"""Stitched columns keep the contract of simulations, with every map and in both types."""

import numpy as np
import pytest
import torch
from simpeg import maps

from simpeg_jointdl.maps import INRMap
from simpeg_jointdl.testing import check_simulation
from tests.electromagnetics.natural_source.problem import (
    COMPONENTS,
    N_LAYERS,
    N_STATIONS,
    make,
    make_model,
    own_thicknesses,
)

N = N_STATIONS * N_LAYERS


@pytest.mark.parametrize("frequencies", ["shared", "own"])
@pytest.mark.parametrize("component", [*COMPONENTS, COMPONENTS])
@pytest.mark.parametrize("orientation", ["xy", "yx", "det"])
def test_contract(frequencies, component, orientation):
    check_simulation(make(frequencies, component, orientation), make_model())


@pytest.mark.parametrize("frequencies", ["shared", "own"])
def test_contract_on_a_device(frequencies, device, dtype):
    simulation = make(frequencies, ("apparent_resistivity", "phase"), device=device, dtype=dtype)
    check_simulation(simulation, make_model(), rtol=1e-8 if dtype == torch.float64 else 1e-4)
    wanted = make(frequencies, ("apparent_resistivity", "phase"), device="cpu").dpred(make_model())
    np.testing.assert_allclose(simulation.dpred(make_model()), wanted, rtol=1e-10 if dtype == torch.float64 else 1e-5)


@pytest.mark.parametrize("frequencies", ["shared", "own"])
def test_contract_with_thicknesses_of_each_station(frequencies):
    check_simulation(make(frequencies, thicknesses=own_thicknesses()), make_model())


@pytest.mark.parametrize("frequencies", ["shared", "own"])
def test_contract_in_float32(frequencies):
    simulation = make(frequencies, ("apparent_resistivity", "phase"), dtype="float32")
    check_simulation(simulation, make_model(), rtol=1e-4)
    wanted = make(frequencies, ("apparent_resistivity", "phase")).dpred(make_model())
    np.testing.assert_allclose(simulation.dpred(make_model()), wanted, rtol=1e-5)
    assert simulation.tensor_jacobian(make_model()).dtype == torch.float32


def test_contract_of_a_resistivity_map():
    check_simulation(make(rhoMap=maps.ExpMap(nP=N)), -make_model())


def test_contract_of_a_part_of_a_larger_model_in_another_order():
    order = np.random.default_rng(0).permutation(N)
    wires = maps.Wires(("other", 3), ("conductivity", N))
    mapping = maps.ExpMap(nP=N) * maps.Projection(N, order) * wires.conductivity
    check_simulation(make("own", sigmaMap=mapping), np.r_[1.0, 2.0, 3.0, make_model()])


def test_contract_of_a_map_that_mixes_layers():
    """Surjection from one value per layer: every station sees the same column."""
    rows = np.tile(np.eye(N_LAYERS), (N_STATIONS, 1))
    check_simulation(make(sigmaMap=maps.ExpMap(nP=N) * maps.LinearMap(rows)), make_model()[:N_LAYERS])


def test_tensor_jacobian_of_many_rows():
    jacobian = make("own").tensor_jacobian(make_model())
    y = torch.as_tensor(np.random.default_rng(0).normal(size=(3, make("own").survey.nD)))
    torch.testing.assert_close(jacobian.adjoint_rows(y), torch.stack([jacobian.adjoint(row) for row in y]))


def test_a_network_as_the_model():
    from discretize import TensorMesh

    mesh = TensorMesh([N_LAYERS, N_STATIONS])
    inr = INRMap(mesh, bounds=[(-8.0, 0.0)])
    simulation = make(sigmaMap=maps.ExpMap(nP=N) * inr)
    model = inr.initial_model(random_seed=0)
    rng = np.random.default_rng(0)
    v, d = rng.standard_normal(model.size), rng.standard_normal(simulation.survey.nD)
    assert simulation.Jtvec(model, d) @ v == pytest.approx(d @ simulation.Jvec(model, v), rel=1e-9)
    np.testing.assert_allclose(simulation.getJ(model) @ v, simulation.Jvec(model, v), rtol=1e-9)
    assert simulation.getJtJdiag(model).shape == model.shape
    check = simulation.tensor_jacobian(model)
    assert check is None or check.tangent(torch.as_tensor(v)).shape == d.shape
