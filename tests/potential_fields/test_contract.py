"""Every kind of simulation with every engine keeps the contract of simulations."""

import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl.testing import check_simulation
from tests.potential_fields.test_simulations import SERVED, grid, make_pair, tensor_mesh, tree_mesh


@pytest.mark.parametrize(("kind", "mesh", "engine"), SERVED)
def test_contract(kind, mesh, engine):
    mesh = tensor_mesh() if mesh == "tensor" else tree_mesh()
    _, simulation, model = make_pair(kind, mesh, grid()[:4], engine)
    check_simulation(simulation, model)


@pytest.mark.parametrize("engine", ["dense", "toeplitz", "blocked"])
def test_contract_in_float32(engine):
    _, simulation, model = make_pair("scalar", tensor_mesh(), grid()[:4], engine, dtype=np.float32)
    check_simulation(simulation, model, rtol=1e-5)


@pytest.mark.parametrize("engine", ["dense", "toeplitz", "blocked"])
def test_contract_of_a_mapped_part_of_a_larger_model(engine):
    _, simulation, _ = make_pair("gravity", tensor_mesh(), grid()[:4], engine)
    n = simulation.nC
    wires = maps.Wires(("other", 3), ("density", n))
    simulation.rhoMap = maps.ExpMap(nP=n) * wires.density
    check_simulation(simulation, np.random.default_rng(0).normal(size=n + 3))
