"""What may stand between the model and the properties: wires, sequences, transforms, operators, networks."""

import copy

import discretize
import numpy as np
import pytest
import scipy.sparse as sp
from simpeg import maps

from simpeg_jointdl._core.operators import JacobianOperator
from simpeg_jointdl.regularization import CrossGradient
from simpeg_jointdl.testing import check_coupling
from tests.registry import COUPLINGS, make_model, make_problem

MESH = discretize.TensorMesh([np.array([1, 2, 1, 1.5]), np.array([1, 1, 2.0])])
N = MESH.n_cells
NAMES = ["cross-gradient, normalized", "pearson", "clusters, guided", "gramian, gradient, windows", "gramian, log"]


class DenseMap(maps.IdentityMap):
    """A linear map that knows its derivative by products only, as a network does."""

    def __init__(self, matrix):
        super().__init__(nP=matrix.shape[1])
        self.matrix = matrix

    @property
    def shape(self):
        return self.matrix.shape

    def _transform(self, m):
        return self.matrix @ m

    def deriv(self, m, v=None):
        operator = JacobianOperator(self.shape, lambda v: self.matrix @ v, lambda u: self.matrix.T @ u)
        return operator if v is None else operator @ v


def mixing(n_columns, seed):
    """A dense matrix whose rows are averages."""
    matrix = np.random.default_rng(seed).uniform(0.0, 1.0, (N, n_columns)) ** 4
    return matrix / matrix.sum(axis=1, keepdims=True)


def case_sequence():
    wires = maps.Wires(("a", N), ("b", N))
    return [wires.a, wires.b], make_model(N, 2), True


def case_pair_of_three():
    wires = maps.Wires(("a", N), ("other", 5), ("b", N))
    model = make_model(N, 2)
    return [wires.b, wires.a], np.r_[model[N:] / 30, np.ones(5), model[:N] * 30], True


def case_interleaved():
    index = np.arange(2 * N).reshape(N, 2)
    parts = [maps.Projection(2 * N, index[:, i]) for i in range(2)]
    return parts, make_model(N, 2).reshape(2, N).T.ravel(), True


def case_transformed():
    wires = maps.Wires(("a", N), ("b", N))
    return [maps.ExpMap(nP=N) * wires.a, wires.b], np.r_[np.log(make_model(N, 1)), make_model(N, 2)[N:]], True


def case_jacobian_operator():
    wires = maps.Wires(("a", 6), ("b", N))
    return [DenseMap(mixing(6, 0)) * wires.a, wires.b], np.r_[make_model(6, 1), make_model(N, 2)[N:]], False


def case_one_latent_vector():
    model = make_model(7, 1, random_seed=5)
    return [DenseMap(mixing(7, 1)), DenseMap(30 * mixing(7, 2))], model, False


def case_surjection():
    """Four units feed twelve cells."""
    units = [np.arange(N) % 4 == i for i in range(4)]
    wires = maps.Wires(("a", 4), ("b", N))
    return [maps.SurjectUnits(units) * wires.a, wires.b], np.r_[[0.6, 1.0, 1.6, 0.8], make_model(N, 2)[N:]], False


def case_sparse_linear():
    """Each parameter in one cell still, scaled on its way."""
    wires = maps.Wires(("a", N), ("b", N))
    scale = maps.LinearMap(sp.diags(np.linspace(1.0, 2.0, N)).tocsr())
    return [scale * wires.a, wires.b], make_model(N, 2), True


CASES = {name.removeprefix("case_"): make for name, make in list(globals().items()) if name.startswith("case_")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_contract_holds_through_any_map(case, name, device):
    wire_map, model, separable = CASES[case]()
    coupling = COUPLINGS[name](MESH, wire_map, device=device)
    assert coupling.nP == len(model)
    check_coupling(coupling, model, rtol=1e-7)
    if name != "gramian, gradient, windows":
        assert coupling.diagonal_is_exact_at(model) is separable


@pytest.mark.parametrize("name", COUPLINGS)
def test_wires_and_sequences_are_one(name):
    wires = maps.Wires(("a", N), ("b", N))
    model = make_model(N, 2)
    couplings = [COUPLINGS[name](MESH, wire_map) for wire_map in (wires, [wires.a, wires.b])]
    assert couplings[0](model) == couplings[1](model)
    np.testing.assert_array_equal(couplings[0].deriv(model), couplings[1].deriv(model))


def test_what_is_not_coupled_is_not_moved():
    wire_map, model, _ = case_pair_of_three()
    coupling = CrossGradient(MESH, wire_map)
    apart = slice(N, N + 5)
    assert not coupling.deriv(model)[apart].any()
    assert not coupling.hessian_diagonal(model)[apart].any()
    assert not coupling.deriv2(model, np.ones(len(model)))[apart].any()
    assert [int(coupling.properties.jacobian(model).support(i).sum()) for i in range(2)] == [N, N]


def test_an_estimated_diagonal_says_so():
    wire_map, model, _ = case_surjection()
    coupling = CrossGradient(MESH, wire_map)
    assert not coupling.diagonal_is_exact_at(model)
    assert not coupling.deriv2(model).diagonal_is_exact
    first = coupling.hessian_diagonal(model)
    np.testing.assert_array_equal(first, coupling.hessian_diagonal(model))
    coupling.random_seed = 1
    assert not np.array_equal(first, coupling.hessian_diagonal(model))


def test_a_new_wire_map_is_used_at_once():
    wires = maps.Wires(("a", N), ("b", N))
    x, y = MESH.cell_centers.T
    coupling = CrossGradient(MESH, wires)
    volume = MESH.cell_volumes.sum()
    assert coupling(np.r_[x, y]) == pytest.approx(volume)
    coupling.wire_map = [maps.LinearMap(2 * sp.identity(N)) * wires.a, wires.b]
    assert coupling(np.r_[x, y]) == pytest.approx(4 * volume)


@pytest.mark.parametrize("name", COUPLINGS)
def test_a_copy_stands_on_its_own(name):
    mesh, active_cells, wires, model = make_problem(2, "tensor", 3, "all")
    coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells)
    value = coupling(model)
    twin = copy.deepcopy(coupling)
    twin.set_weights(mine=np.full(coupling.n_cells, 2.0))
    assert coupling(model) == value
    assert twin(model) == pytest.approx(2.0 * value)
