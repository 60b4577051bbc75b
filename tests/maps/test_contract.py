"""Every map of ours under the whole contract: alone, and composed with SimPEG's on every side."""

import numpy as np
import pytest
import torch
from discretize import TensorMesh
from simpeg import maps as simpeg_maps

from simpeg_jointdl import maps, networks
from simpeg_jointdl.testing import check_close, check_map
from tests.maps.problem import MESHES, network, seeded, some_active

MESH = TensorMesh([3, 2, 3])
N = MESH.n_cells


def torch_map(**options):
    module = seeded(lambda: torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)))
    return maps.TorchMap(module, np.linspace(-1, 1, 18).reshape(9, 2), **options)


def inr(n_properties=2, mesh=MESH, active_cells=None, encoding="positional", activation="sine", **options):
    field = network(n_properties, mesh.dim, encoding=encoding, activation=activation)
    return maps.INRMap(mesh, active_cells, network=field, n_properties=n_properties, **options)


ALONE = {
    "module": torch_map,
    "module, part of it frozen": lambda: torch_map(frozen=["0.*"]),
    "inr": inr,
    "inr, one property": lambda: inr(1, bounds=(-1, 2)),
    "inr, bounds of all kinds": lambda: inr(2, bounds=[(0, None), (None, 3.0)], start=[0.2, 1.0], scales=[2.0, 0.5]),
    "inr, bounds above zero": lambda: inr(2, bounds=[(0.0, 1.0), (-3.0, -1.0)]),
    "inr, in pieces": lambda: inr(2, max_points=5),
    "inr, averaged": lambda: inr(2, points_per_cell=2, bounds=[(-1, 1), None]),
    "inr, averaged in pieces": lambda: inr(2, points_per_cell=(2, 1, 3), max_points=13),
    "inr, derivative in full": lambda: inr(2, dense_derivative=True),
    "module, derivative in full": lambda: torch_map(dense_derivative=True),
    "inr, trunk frozen": lambda: inr(2, frozen="trunk.*"),
    **{f"inr, {e}": (lambda e=e: inr(1, encoding=e)) for e in ("none", "fourier", "hash")},
    **{
        f"inr, {a}": (lambda a=a: inr(1, activation=a))
        for a in ("finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu")
    },
    **{f"inr, {name}": (lambda mesh=mesh: inr(2, mesh=mesh, active_cells=some_active(mesh))) for name, mesh in MESHES},
}


@pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
def test_contract(make):
    mapping = make()
    check_map(mapping, mapping.initial_model(random_seed=3))


def composed():
    """SimPEG's maps before, after and beside ours."""
    one, net = inr(1), simpeg_maps.Wires(("network", inr(1).nP), ("cells", N))
    active = np.arange(2 * N) % 2 == 0
    yield "after: exp", simpeg_maps.ExpMap(nP=N) * one
    yield "after: into all cells", simpeg_maps.InjectActiveCells(TensorMesh([6, 2, 3]), active, 1e-8) * one
    yield (
        "after: both",
        simpeg_maps.ExpMap(nP=2 * N) * simpeg_maps.InjectActiveCells(TensorMesh([6, 2, 3]), active, -8.0) * one,
    )
    yield "before: part of a larger model", one * net.network
    yield "beside: cells, ours first", simpeg_maps.SumMap([one * net.network, net.cells])
    yield "beside: cells, ours last", simpeg_maps.SumMap([net.cells, one * net.network])
    yield "one of two properties", inr(2).properties[1]
    yield "one of two, logarithm", simpeg_maps.ExpMap(nP=N) * inr(2).properties[0]


@pytest.mark.parametrize("mapping", [one for _, one in composed()], ids=[name for name, _ in composed()])
def test_composition(mapping):
    rng = np.random.default_rng(1)
    model = rng.uniform(0.5, 1.0, mapping.nP) * (0.1 if mapping.nP < 200 else 0.3)
    v, y = rng.standard_normal(mapping.nP), rng.standard_normal(mapping.shape[0])
    derivative, step = mapping.deriv(model), 1e-6
    slope = (mapping * (model + step * v) - mapping * (model - step * v)) / (2 * step)
    check_close(derivative @ v, slope, 1e-4, "derivative of the composition")
    check_close(v @ (derivative.T @ y), y @ (derivative @ v), 1e-9, "adjoint of the composition")
    assert derivative.power(2).sum(axis=0).shape == (mapping.nP,)


def test_float32_stays_within_its_bound():
    double, single = inr(2), inr(2, dtype="float32")
    model = double.initial_model()
    check_map(single, model, rtol=1e-4)
    check_close(single * model, double * model, 2e-5, "values in float32")
    v = np.random.default_rng(0).standard_normal(model.size)
    check_close(single.deriv(model) @ v, double.deriv(model) @ v, 2e-4, "derivative in float32")


def test_the_derivative_is_linearised_once_per_model(monkeypatch):
    mapping = inr(2)
    calls = []
    forward = type(mapping._module).forward
    monkeypatch.setattr(type(mapping._module), "forward", lambda *args: calls.append(1) or forward(*args))
    model, rng = mapping.initial_model() + 0.01, np.random.default_rng(0)
    derivative = mapping.deriv(model)
    for _ in range(5):
        derivative.T @ (derivative @ rng.standard_normal(mapping.nP)), mapping * model
    assert len(calls) == 1
    mapping * (2 * model)
    assert len(calls) == 2


def test_registry_knows_every_encoding_and_activation():
    known = set(networks.implicit._activations._ACTIVATIONS)
    assert known == {"sine", "finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu"}
