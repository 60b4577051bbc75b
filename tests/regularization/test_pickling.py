"""Couplings can be pickled and copied, before and after use: dask and multiprocessing need it."""

import copy
import pickle

import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl.regularization import ModelChange
from tests.registry import COUPLINGS, make_problem

WAYS = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "deepcopy": copy.deepcopy}


def assert_alike(one, other, model):
    np.testing.assert_array_equal(one(model), other(model))
    np.testing.assert_array_equal(one.deriv(model), other.deriv(model))
    np.testing.assert_array_equal(one.deriv2(model, model), other.deriv2(model, model))
    np.testing.assert_array_equal(one.hessian_diagonal(model), other.hessian_diagonal(model))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", COUPLINGS)
def test_a_coupling_survives(name, way):
    mesh, active_cells, wires, model = make_problem(3, "tree", 2, "some")
    coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells)
    before = WAYS[way](coupling)
    assert_alike(before, coupling, model)  # this uses both
    assert_alike(WAYS[way](coupling), coupling, model)


def test_the_maps_of_a_restored_coupling_are_the_same():
    mesh, active_cells, _, model = make_problem(2, "tensor", 2, "all")
    n = int(np.sum(active_cells)) if active_cells is not None else mesh.n_cells
    wires = maps.Wires(("density", n), ("susceptibility", n))
    coupling = ModelChange(mesh, wires, active_cells=active_cells, reference=np.ones((2, n)))
    restored = pickle.loads(pickle.dumps(coupling))
    assert [name for name, _ in restored.wire_map.maps] == ["density", "susceptibility"]
    np.testing.assert_array_equal(restored.wire_map.susceptibility * model, wires.susceptibility * model)
