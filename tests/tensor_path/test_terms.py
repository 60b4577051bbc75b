"""Hessian products of SimPEG's terms and of couplings on tensors, compared with those of numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from discretize.utils import Identity
from simpeg import data, data_misfit, maps, objective_function
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl._tensor_path import Crossing, hessian_product
from simpeg_jointdl.regularization import CrossGradient
from tests.optimization.problem import DenseSimulation
from tests.registry import COUPLINGS, make_model, make_wires, tensor_mesh


def _mesh_and_wires():
    mesh = tensor_mesh(3)
    return mesh, make_wires(mesh.n_cells, 2)


def _weighted(**options):
    def make(mesh, wires):
        term = simpeg_regularization.WeightedLeastSquares(mesh, mapping=wires.density, **options)
        term.set_weights(depth=np.linspace(0.5, 2.0, mesh.n_cells))
        return term

    return make


def _sparse(mesh, wires):
    term = simpeg_regularization.Sparse(mesh, mapping=wires.velocity, norms=[0.0, 1.0, 1.0, 0.5])
    term.update_weights(make_model(mesh.n_cells, 2))
    return term


def _leaf(kind, mapping=None, **options):
    def make(mesh, wires):
        one = (lambda wires: wires.density) if mapping is None else mapping
        return kind(mesh, mapping=one(wires), **options)

    return make


def _misfit(weights):
    def make(mesh, wires):
        rng = np.random.default_rng(0)
        simulation = DenseSimulation(
            model_map=maps.ExpMap(nP=mesh.n_cells) * wires.density, G=rng.standard_normal((7, mesh.n_cells))
        )
        misfit = data_misfit.L2DataMisfit(
            data=data.Data(simulation.survey, dobs=np.zeros(7), standard_deviation=np.linspace(1.0, 2.0, 7)),
            simulation=simulation,
        )
        if weights is not None:
            misfit.W = weights
        return misfit

    return make


def _nested(mesh, wires):
    inner = objective_function.ComboObjectiveFunction(
        [_weighted()(mesh, wires), CrossGradient(mesh, wires)], [3.0, 0.7], unpack_on_add=False
    )
    return 2.0 * inner + 0.0 * _sparse(mesh, wires) + 1e-3 * _misfit(None)(mesh, wires)


def _shuffled(wires):
    index = np.random.default_rng(1).permutation(wires.density.shape[0])
    return maps.Projection(wires.density.nP, index)


def _linear(wires):
    n = wires.density.shape[0]
    return maps.LinearMap(sp.random(n, n, 0.2, random_state=np.random.default_rng(2), format="csr")) * wires.density


def _mapped(coupling):
    def make(mesh, wires):
        n = mesh.n_cells
        return coupling(mesh, [maps.LogMap(nP=n) * wires.density, maps.ExpMap(nP=n) * wires.velocity])

    return make


FIRST, SECOND = simpeg_regularization.SmoothnessFirstOrder, simpeg_regularization.SmoothnessSecondOrder
SYMMETRIC = sp.diags([np.full(6, 0.3), np.full(7, 2.0), np.full(6, 0.3)], [-1, 0, 1], format="csr")
TERMS = {
    "misfit": _misfit(None),
    "misfit, all data alike": _misfit(Identity()),
    "misfit, correlated data": _misfit(SYMMETRIC),
    "smallness": _leaf(simpeg_regularization.Smallness),
    "smallness, shuffled": _leaf(simpeg_regularization.Smallness, _shuffled),
    "smallness, a linear map": _leaf(simpeg_regularization.Smallness, _linear),
    "smallness, log": _leaf(
        simpeg_regularization.Smallness, lambda wires: maps.LogMap(nP=wires.density.shape[0]) * wires.density
    ),
    "smoothness": _leaf(FIRST, orientation="y"),
    "smoothness, log": _leaf(
        FIRST, lambda wires: maps.LogMap(nP=wires.density.shape[0]) * wires.density, orientation="z"
    ),
    "smoothness, second order": _leaf(SECOND, orientation="x"),
    "least squares": _weighted(alpha_xx=0.3, alpha_z=0.0),
    "sparse": _sparse,
    "plain": lambda mesh, wires: objective_function.L2ObjectiveFunction(mapping=_linear(wires)),
    "plain, weights": lambda mesh, wires: objective_function.L2ObjectiveFunction(
        nP=wires.nP, W=sp.random(5, wires.nP, 0.5, random_state=np.random.default_rng(3), format="csr")
    ),
    "nested sums": _nested,
    "cross-gradient, log and exp": _mapped(CrossGradient),
    **COUPLINGS,
}


@pytest.mark.parametrize("name", TERMS)
def test_a_product_on_tensors_equals_that_of_numpy(name, device):
    mesh, wires = _mesh_and_wires()
    term, crossing = TERMS[name](mesh, wires), Crossing(device)
    model = make_model(mesh.n_cells, 2)
    product = hessian_product(term, model, crossing)
    assert crossing.fallbacks == []
    rng = np.random.default_rng(5)
    for _ in range(2):
        v = rng.standard_normal(model.size)
        wanted = term.deriv2(model, v)
        np.testing.assert_allclose(
            crossing.fetch(product(crossing.send(v))), wanted, rtol=0, atol=1e-13 * np.abs(wanted).max()
        )


def test_products_follow_the_model():
    mesh, wires = _mesh_and_wires()
    term, crossing = TERMS["smoothness, log"](mesh, wires), Crossing("cpu")
    v = make_model(mesh.n_cells, 2, random_seed=9)
    for seed in range(3):
        model = make_model(mesh.n_cells, 2, random_seed=seed)
        found = crossing.fetch(hessian_product(term, model, crossing)(crossing.send(v)))
        np.testing.assert_allclose(found, term.deriv2(model, v), rtol=1e-12, atol=1e-12 * np.abs(found).max())


def test_float32_products(device):
    mesh, wires = _mesh_and_wires()
    model, v = make_model(mesh.n_cells, 2), make_model(mesh.n_cells, 2, random_seed=1)
    for name in ("misfit", "smoothness", "sparse", "cross-gradient", "nested sums"):
        term, crossing = TERMS[name](mesh, wires), Crossing(device, "float32")
        found, wanted = crossing.fetch(hessian_product(term, model, crossing)(crossing.send(v))), term.deriv2(model, v)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


class _Own(simpeg_regularization.Smallness):
    """A term that overrides its Hessian."""

    def deriv2(self, m, v=None):
        return 3.0 * v


def test_only_a_term_without_a_tensor_path_is_computed_with_numpy():
    mesh, wires = _mesh_and_wires()
    model, v = make_model(mesh.n_cells, 2), make_model(mesh.n_cells, 2, random_seed=1)
    term = _weighted()(mesh, wires) + _Own(mesh, mapping=wires.density)
    crossing = Crossing("cpu")
    product = hessian_product(term, model, crossing)
    assert crossing.fallbacks == ["_Own"]
    crossing.start_count()
    np.testing.assert_allclose(product(torch.as_tensor(v)).numpy(), term.deriv2(model, v), rtol=1e-12)
    assert (crossing.uploads, crossing.downloads, crossing.nbytes) == (1, 1, 16 * model.size)
