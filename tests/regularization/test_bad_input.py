"""Bad input: what is raised, and that the message names what was wrong. One table."""

import discretize
import numpy as np
import pytest
import torch
from simpeg import maps

from simpeg_jointdl.regularization import BaseCoupling, CrossGradient, Gramian, GuidedFuzzyCMeans, LocalPearson
from tests.registry import COUPLINGS, make_model, make_problem

MESH = discretize.TensorMesh([4, 3])
N = 12
WIRES = maps.Wires(("a", N), ("b", N))
MODEL = make_model(N, 2)
CENTERS = np.array([[0.5, 10.0], [2.0, 50.0]])


class Greedy(BaseCoupling):
    """A coupling that asks for an exbibyte."""

    def _residual(self, p):
        return p * torch.empty(2**60, dtype=torch.uint8, device=p.device).sum()


def cross(mesh=MESH, wire_map=WIRES, **options):
    return CrossGradient(mesh, wire_map, **options)


def gramian(**options):
    return Gramian(MESH, WIRES, **options)


def pearson(**options):
    return LocalPearson(MESH, WIRES, **options)


def fuzzy(centers=CENTERS, **options):
    return GuidedFuzzyCMeans(MESH, WIRES, centers, **options)


def with_entry(array, value):
    """A copy whose last entry is `value`."""
    array = np.array(array, dtype=float)
    array.flat[-1] = value
    return array


def infinite_property():
    wire_map = [maps.ExpMap(nP=N) * WIRES.a, WIRES.b]
    with np.errstate(over="ignore"):
        return cross(wire_map=wire_map)(1e4 * MODEL)


def weighted(values):
    return cross(weights={"mine": values})


def set_centers(coupling, centers):
    coupling.centers = centers


ONE_D = discretize.TensorMesh([12])
CYLINDER = discretize.CylindricalMesh([3, 1, 4])

BAD = {
    # the model and what leads from it
    "model too short": (lambda: cross()(MODEL[:-1]), ValueError, r"CrossGradient: got a model of shape \(23,\)"),
    "model of two dimensions": (lambda: cross()(MODEL.reshape(2, N)), ValueError, r"model of shape \(2, 12\)"),
    "NaN in the model": (lambda: cross()(with_entry(MODEL, np.nan)), ValueError, "the model holds NaN"),
    "infinity in the model": (
        lambda: fuzzy().deriv(with_entry(MODEL, np.inf)),
        ValueError,
        "the model holds NaN or inf",
    ),
    "infinite property": (infinite_property, ValueError, r"the result of wire_map \(property \[0\]\)"),
    "wires of other length": (
        lambda: cross(wire_map=maps.Wires(("a", N), ("b", N - 1))),
        ValueError,
        "wire_map: property 1 .* has 11 values, but there are 12 active cells",
    ),
    "wires of all cells": (
        lambda: cross(active_cells=np.arange(N) < 10),
        ValueError,
        "wire_map: property 0 .* has 12 values, but there are 10 active cells",
    ),
    "one property": (lambda: cross(wire_map=maps.Wires(("a", N))), ValueError, "wire_map: got 1 properties"),
    "no property": (lambda: cross(wire_map=[]), ValueError, "wire_map: got 0 properties"),
    "maps of other models": (
        lambda: cross(wire_map=[WIRES.a, maps.IdentityMap(nP=N)]),
        ValueError,
        r"the maps take models of length \[24, 12\]",
    ),
    "a single map": (lambda: cross(wire_map=maps.IdentityMap(nP=N)), TypeError, "wire_map: got IdentityMap"),
    "no map": (lambda: cross(wire_map=["a", "b"]), TypeError, "wire_map: got list, wanted simpeg.maps.Wires"),
    "vector too long": (lambda: cross().deriv2(MODEL, np.ones(25)), ValueError, r"vector of shape \(25,\), wanted"),
    "mapping=": (lambda: cross(mapping=maps.IdentityMap(nP=N)), TypeError, "mapping"),
    "reference_model=": (lambda: cross(reference_model=MODEL), TypeError, "reference_model"),
    # the mesh
    "one-dimensional mesh": (lambda: cross(mesh=ONE_D), ValueError, "CrossGradient.mesh: got a 1-D TensorMesh"),
    "cylindrical mesh": (lambda: cross(mesh=CYLINDER), TypeError, "CrossGradient.mesh: got CylindricalMesh"),
    "not a mesh": (lambda: cross(mesh="mesh"), TypeError, "CrossGradient.mesh: got str"),
    "no active cell": (lambda: cross(active_cells=np.zeros(N, bool)), ValueError, "with 0 True, wanted"),
    "active cells beyond the mesh": (lambda: cross(active_cells=np.array([0, 99])), ValueError, "indices from 0 to 11"),
    "active cells of floats": (lambda: cross(active_cells=np.ones(12)), ValueError, "got float64 of shape"),
    "model complex": (lambda: cross()(MODEL * 1j), TypeError, "CrossGradient: got a complex model"),
    "active cells too few": (
        lambda: cross(active_cells=np.ones(5, bool)),
        ValueError,
        r"active_cells: got bool of shape \(5,\)",
    ),
    # weights
    "negative weights": (
        lambda: weighted(with_entry(np.ones(N), -1.0)),
        ValueError,
        r"weights\['mine'\]: got -1 .* at least 0",
    ),
    "NaN weights": (
        lambda: weighted(with_entry(np.ones(N), np.nan)),
        ValueError,
        r"weights\['mine'\]: got 1 of 12 entries",
    ),
    "infinite weights": (
        lambda: weighted(with_entry(np.ones(N), np.inf)),
        ValueError,
        r"weights\['mine'\]: got 1 of 12 entries that are NaN or",
    ),
    "weights too few": (lambda: weighted(np.ones(5)), ValueError, r"got shape \(5,\), wanted \(12,\)"),
    "weights transposed": (lambda: weighted(np.ones((2, N))), ValueError, r"got shape \(2, 12\), wanted"),
    "weights no dict": (
        lambda: cross(weights=np.ones(N)),
        TypeError,
        "CrossGradient.weights: got ndarray, wanted {name",
    ),
    "weights set later": (lambda: cross().set_weights(mine=-np.ones(N)), ValueError, r"weights\['mine'\]"),
    "weights never set": (lambda: cross().remove_weights("mine"), KeyError, "mine"),
    # where and in what to compute
    "unknown device": (lambda: cross(device="abacus"), ValueError, "device: got 'abacus'"),
    "absent device": (lambda: cross(device="cuda:99"), ValueError, "device: got 'cuda:99'"),
    "whole numbers": (lambda: cross(dtype=int), ValueError, "dtype: got <class 'int'>, wanted 'float64' or 'float32'"),
    "half precision": (lambda: cross(dtype=torch.float16), ValueError, "dtype: got torch.float16"),
    "out of memory": (lambda: Greedy(MESH, WIRES)(MODEL), MemoryError, "Greedy: out of memory on device 'cpu'"),
    # options of the structural couplings
    "floor negative": (lambda: cross(normalized=True, floor=-0.1), ValueError, "CrossGradient.floor: got -0.1"),
    "floor NaN": (lambda: gramian(floor=np.nan), ValueError, "Gramian.floor: got nan"),
    "unknown operator": (lambda: gramian(operator="curl"), ValueError, "Gramian.operator: got 'curl', wanted one of"),
    "centered gradient": (lambda: gramian(centered=True), ValueError, "Gramian.centered: .* operator='gradient'"),
    "log of a negative": (
        lambda: gramian(operator="log")(-MODEL),
        ValueError,
        "Gramian: operator='log' got a property",
    ),
    "log of zero": (lambda: gramian(operator="log")(0 * MODEL), ValueError, "that is not positive"),
    "pointwise scalars": (
        lambda: gramian(operator="identity", window=(1, 1)),
        ValueError,
        "Gramian.window: 1 value.*operator='identity'",
    ),
    "one cell of scalars": (
        lambda: Gramian(MESH, [maps.Wires(("a", 1), ("b", 1)).a] * 2, operator="log", active_cells=np.arange(N) == 5),
        ValueError,
        "Gramian.window: 1 value.*operator='log'",
    ),
    "window too large": (lambda: pearson(window=(4, 5)), ValueError, r"LocalPearson.window: got \(4, 5\), larger"),
    "window of three axes": (
        lambda: pearson(window=(8, 8, 6)),
        ValueError,
        r"LocalPearson.window: got \(8, 8, 6\), wanted 2",
    ),
    "window of zero": (lambda: gramian(window=(2, 0)), ValueError, r"Gramian.window: got \(2, 0\), wanted 2 positive"),
    "window of a fraction": (lambda: gramian(window=(2, 1.5)), ValueError, "wanted 2 positive whole numbers"),
    "window negative": (lambda: gramian(window=(-2, 2)), ValueError, "wanted 2 positive whole numbers"),
    "window one number": (lambda: gramian(window=2), ValueError, "Gramian.window: got 2, wanted 2 positive"),
    "window NaN": (lambda: gramian(window=(np.nan, 2)), ValueError, "Gramian.window: got"),
    "overlap one": (
        lambda: pearson(window=(2, 2), overlap=1),
        ValueError,
        r"LocalPearson.overlap: got 1, wanted .* below 1",
    ),
    "overlap negative": (lambda: gramian(window=(2, 2), overlap=-0.1), ValueError, "Gramian.overlap: got -0.1"),
    # options of the clusters
    "one cluster": (lambda: fuzzy(CENTERS[:1]), ValueError, "GuidedFuzzyCMeans.centers: got one cluster"),
    "centers of three properties": (lambda: fuzzy(np.ones((2, 3))), ValueError, r"centers: got shape \(2, 3\), wanted"),
    "centers in a row": (lambda: fuzzy([0.5, 2.0]), ValueError, r"centers: got shape \(2,\), wanted"),
    "NaN centers": (
        lambda: fuzzy(with_entry(CENTERS, np.nan)),
        ValueError,
        "centers: got 1 of 4",
    ),
    "infinite centers": (
        lambda: fuzzy(with_entry(CENTERS, np.inf)),
        ValueError,
        "centers: got 1 of 4",
    ),
    "more centers later": (
        lambda: set_centers(fuzzy(), np.ones((3, 2))),
        ValueError,
        r"got shape \(3, 2\), wanted \(2, 2\)",
    ),
    "fuzziness 1": (lambda: fuzzy(fuzziness=1.0), ValueError, "GuidedFuzzyCMeans.fuzziness: got 1.0"),
    "fuzziness 0.5": (lambda: fuzzy(fuzziness=0.5), ValueError, "GuidedFuzzyCMeans.fuzziness: got 0.5"),
    "fuzziness infinite": (lambda: fuzzy(fuzziness=np.inf), ValueError, "GuidedFuzzyCMeans.fuzziness: got inf"),
    "guidance negative": (lambda: fuzzy(guidance=-1.0), ValueError, "GuidedFuzzyCMeans.guidance: got -1.0"),
    "guidance of three": (lambda: fuzzy(guidance=[1, 1, 1]), ValueError, r"guidance: got shape \(3,\), wanted .* 2 of"),
    "guidance NaN": (lambda: fuzzy(guidance=np.nan), ValueError, "GuidedFuzzyCMeans.guidance: got nan"),
    "scales zero": (lambda: fuzzy(scales=[1.0, 0.0]), ValueError, "GuidedFuzzyCMeans.scales: got 0"),
    "scales of one": (lambda: fuzzy(scales=[1.0]), ValueError, "GuidedFuzzyCMeans.scales: got shape .* wanted"),
    "centers alike": (
        lambda: fuzzy([[0.5, 3.0], [2.0, 3.0]]),
        ValueError,
        "scales: all centres are equal in property",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, match = BAD[case]
    with pytest.raises(error, match=match):
        call()


def test_messages_say_what_to_do():
    with pytest.raises(MemoryError, match=r"dtype='float32'.*fewer active cells"):
        Greedy(MESH, WIRES).deriv(MODEL)
    with pytest.raises(ValueError, match=r"Set a lower bound, or map the model with simpeg\.maps\.ExpMap"):
        gramian(operator="log")(-MODEL)


# not bad, though it may look so ---------------------------------------------------------------------------
def test_fewer_active_cells_than_a_window_holds():
    """Windows hold what cells there are."""
    active = np.arange(N) < 3
    wires, model = maps.Wires(("a", 3), ("b", 3)), MODEL[[0, 1, 2, 12, 13, 14]]
    for coupling in (
        LocalPearson(MESH, wires, window=(4, 3), active_cells=active, floor=0.0),
        Gramian(MESH, wires, operator="identity", centered=True, window=(4, 3), overlap=0.5, active_cells=active),
    ):
        assert coupling(model) > 0
        assert np.isfinite(coupling.deriv(model)).all()


@pytest.mark.parametrize("name", [n for n in COUPLINGS if "gramian" not in n or "gramian, gradient" in n])
def test_one_active_cell(name):
    active, wires = np.arange(N) == 5, maps.Wires(("a", 1), ("b", 1))
    coupling = COUPLINGS[name](MESH, wires, active_cells=active)
    model = np.array([1.0, 30.0])
    assert np.isfinite(coupling(model))
    for what in (coupling.deriv(model), coupling.hessian_diagonal(model), coupling.deriv2(model, model)):
        assert np.isfinite(what).all()


@pytest.mark.parametrize("name", COUPLINGS)
def test_read_only_arrays_will_do(name):
    mesh, active_cells, wires, model = make_problem(2, "tensor", 2, "some")
    rng = np.random.default_rng(0)
    n = wires.nP // 2
    weights = {"shared": rng.uniform(1, 2, n), "own": rng.uniform(1, 2, (n, 2))}
    v = rng.standard_normal(2 * n)
    for array in (model, active_cells, v, *weights.values()):
        array.flags.writeable = False
    coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells, weights=weights)
    for call in (coupling, coupling.deriv, coupling.hessian_diagonal, coupling.residual, coupling.cell_values):
        assert np.isfinite(call(model)).all()
    np.testing.assert_array_equal(coupling.deriv2(model, v), coupling.deriv2(model) @ v)


def test_read_only_centers_will_do():
    centers, scales, guidance = CENTERS.copy(), np.ones(2), np.ones(2)
    for array in (centers, scales, guidance):
        array.flags.writeable = False
    coupling = fuzzy(centers, scales=scales, guidance=guidance)
    assert not np.array_equal(coupling.update(MODEL), centers)
    coupling.centers = centers
    np.testing.assert_array_equal(coupling.centers, CENTERS)
