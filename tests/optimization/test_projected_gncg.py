"""Gauss-Newton on tensors: SimPEG's steps, every term's own Hessian, and nothing moved twice."""

import logging
import warnings
from functools import reduce
from operator import add

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from discretize.utils import Identity
from simpeg import data, data_misfit, inverse_problem, inversion, maps, objective_function, optimization
from simpeg import regularization as simpeg_regularization
from simpeg.directives import InversionDirective

from simpeg_jointdl import directives
from simpeg_jointdl._tensor_path import Crossing, hessian_product
from simpeg_jointdl.optimization import BoundedGaussNewton, ProjectedGNCG
from simpeg_jointdl.regularization import CrossGradient
from tests.optimization.problem import DenseSimulation, make_problem
from tests.registry import COUPLINGS, make_model, make_wires, tensor_mesh

CG = {"cg_maxiter": 10, "cg_rtol": 1e-3}


# the same steps ----------------------------------------------------------------------------------------
class Models(InversionDirective):
    """Keeps every model, its CG count and the number of fallbacks."""

    def initialize(self):
        self.models, self.counts, self.fallbacks = [], [], []

    def endIter(self):
        self.models.append(self.opt.xc)
        self.counts.append((self.opt.cg_count, self.opt.iterLS))
        self.fallbacks.append(getattr(self.opt, "fallbacks", None))


def run(minimizer, problem, start=None, more=(), **options):
    """A joint inversion with everything in it: bounds, sparse norms, a coupling, betas and a preconditioner."""
    coupling = CrossGradient(problem.mesh, problem.wires)
    optimizer = minimizer(maxIter=8, lower=0.0, upper=np.repeat([0.5, 0.03], problem.mesh.n_cells), **CG, **options)
    optimizer.printers = []
    invprob = inverse_problem.BaseInvProblem(
        reduce(add, problem.misfits),
        reduce(add, [*problem.terms, coupling]),
        optimizer,
        print_version=False,
        init_bfgs=False,
    )
    record = Models()
    steps = [
        directives.UpdateJointSensitivityWeights(),
        directives.JointBetaSchedule(),
        directives.UpdateJointIRLS(),
        directives.EstimateCouplingWeights(),
        *more,
        directives.UpdateJointPreconditioner(),
        record,
    ]
    inversion.BaseInversion(invprob, directiveList=steps).run(problem.start if start is None else start)
    return record


def sparse_problem(on_tensors):
    problem = make_problem(on_tensors, sparse=True)
    for term in problem.terms:
        term.norms = [0.0, 1.0, 1.0, 1.0]
    return problem


@pytest.mark.parametrize("on_tensors", [False, True], ids=["simpeg's simulations", "tensor simulations"])
def test_same_steps_as_simpegs(on_tensors):
    """To round-off; with 30 instead of 10 CG iterations the last bit of the data moves SimPEG's own steps by 1e-8."""
    theirs = run(optimization.ProjectedGNCG, sparse_problem(on_tensors))
    ours = run(ProjectedGNCG, sparse_problem(on_tensors))
    assert len(theirs.models) == 8
    assert ours.counts == theirs.counts
    for mine, other in zip(ours.models, theirs.models, strict=True):
        for a, b in zip(np.split(mine, 2), np.split(other, 2), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.abs(b).max())
    assert theirs.models[-1].min() == 0.0  # bounds were met
    of_misfits = ("L2DataMisfit of Simulation3DIntegral",) * 2
    assert set(ours.fallbacks) == ({()} if on_tensors else {of_misfits})


@pytest.mark.parametrize("minimizer", [ProjectedGNCG, BoundedGaussNewton])
def test_float32(minimizer):
    exact = run(minimizer, sparse_problem(True))
    rough = run(minimizer, sparse_problem(True), dtype="float32")
    for mine, other in zip(np.split(rough.models[0], 2), np.split(exact.models[0], 2), strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-4 * np.abs(other).max())
    assert set(rough.fallbacks) == {()}


def test_bounded_gauss_newton_takes_the_tensor_path():
    plain, tensors = (run(BoundedGaussNewton, sparse_problem(on_tensors)) for on_tensors in (False, True))
    assert set(tensors.fallbacks) == {()}
    assert tensors.counts == plain.counts
    np.testing.assert_allclose(tensors.models[-1], plain.models[-1], rtol=0, atol=1e-12 * plain.models[-1].max())


def test_fields_are_computed_as_often_as_by_simpeg(monkeypatch):
    counts = []
    for minimizer in (optimization.ProjectedGNCG, ProjectedGNCG):
        problem, calls = make_problem(False), []
        for misfit in problem.misfits:
            fields = misfit.simulation.fields

            def counted(m, fields=fields, calls=calls):
                calls.append(1)
                return fields(m)

            monkeypatch.setattr(misfit.simulation, "fields", counted)
            run_short(problem, minimizer(maxIter=3, **CG))
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0


# every term's Hessian ------------------------------------------------------------------------------------
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
def test_product_on_tensors_is_that_of_numpy(name, device):
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


# what moves ------------------------------------------------------------------------------------------------
class _Own(simpeg_regularization.Smallness):
    """A term that computes its Hessian in its own manner."""

    def deriv2(self, m, v=None):
        return 3.0 * v

    def hessian_diagonal(self, model):
        return np.full(model.size, 3.0)


def test_a_term_that_offers_nothing_goes_through_numpy_alone(caplog):
    mesh, wires = _mesh_and_wires()
    model, v = make_model(mesh.n_cells, 2), make_model(mesh.n_cells, 2, random_seed=1)
    term = _weighted()(mesh, wires) + _Own(mesh, mapping=wires.density)
    crossing = Crossing("cpu")
    product = hessian_product(term, model, crossing)
    assert crossing.fallbacks == ["_Own"]
    crossing.start_count()
    np.testing.assert_allclose(product(torch.as_tensor(v)).numpy(), term.deriv2(model, v), rtol=1e-12)
    assert (crossing.uploads, crossing.downloads, crossing.nbytes) == (1, 1, 16 * model.size)

    problem = make_problem(True)
    problem.terms.append(_Own(problem.mesh, mapping=problem.wires.density))
    with caplog.at_level(logging.INFO, logger="SimPEG"):
        run_short(problem, ProjectedGNCG(maxIter=3, **CG))
    assert caplog.text.count("through numpy in every CG iteration go _Own.") == 1


def run_short(problem, optimizer, more=()):
    """An inversion without couplings; returns the minimizer."""
    optimizer.printers, optimizer.stoppers = [], optimizer.stoppers[-1:]  # the largest number of iterations
    invprob = inverse_problem.BaseInvProblem(
        reduce(add, problem.misfits), reduce(add, problem.terms), optimizer, print_version=False, init_bfgs=False
    )
    steps = [*more, directives.UpdateJointPreconditioner()]
    inversion.BaseInversion(invprob, directiveList=steps).run(problem.truth * 0.1)
    return optimizer


class Traffic(InversionDirective):
    """Uploads and downloads of every iteration."""

    def initialize(self):
        self.rows = []

    def endIter(self):
        self.rows.append((self.opt.uploads, self.opt.downloads))


def test_nothing_is_sent_twice():
    problem, traffic = make_problem(True), Traffic()
    minimizer = run_short(problem, ProjectedGNCG(maxIter=4, **CG), [traffic])
    assert traffic.rows[0][0] > 5
    assert traffic.rows[1:] == [(2, 1)] * 3  # the gradient and the cells that take part; the step
    assert minimizer.copied_bytes == 3 * 8 * problem.start.size
    assert 0.0 < minimizer.copy_seconds < 1.0


def test_only_what_changes_moves_again():
    problem, rows = make_problem(True), Traffic()

    class Change(InversionDirective):
        def endIter(self):
            problem.terms[0].set_weights(new=np.full(problem.mesh.n_cells, 1.0 + self.opt.iter))

    run_short(problem, ProjectedGNCG(maxIter=3, **CG), [rows, Change()])
    # smallness and smoothness of that property, put together again, and the preconditioner's weights
    assert rows.rows[1:] == [(2 + 1 + 1, 1)] * 2


def test_equal_content_is_not_sent_again():
    crossing, owner = Crossing("cpu"), object()
    matrix = sp.random(20, 30, 0.2, random_state=np.random.default_rng(0), format="csr")
    first = crossing.operator(owner, "A", matrix)
    sent = crossing.uploads
    assert crossing.operator(owner, "A", matrix.copy()) is first
    assert crossing.uploads == sent
    assert crossing.operator(owner, "A", 2.0 * matrix) is not first
    assert crossing.uploads == 2 * sent


# edges -----------------------------------------------------------------------------------------------------
def quadratic(matrix, wanted):
    def function(x, return_g=True, return_H=True):
        residual = matrix @ x - wanted
        out = [residual @ residual]
        out += [2.0 * matrix.T @ residual] if return_g else []
        out += [sp.csr_matrix(2.0 * matrix.T @ matrix)] if return_H else []
        return tuple(out) if len(out) > 1 else out[0]

    return function


def search(minimizer, function, x, gradient=None, **options):
    """The direction that a minimizer finds at `x`."""
    one = minimizer(**CG, **options)
    one.evalFunction = function
    one.startup(x)
    one.approxHinv = sp.identity(x.size)
    _, one.g, one.H = function(one.xc)
    one.g = one.g if gradient is None else gradient
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SimPEG's divisions by zero
        return one.findSearchDirection(), one


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        (np.full(5, 0.5), np.zeros(5)),
        (np.zeros(5), np.ones(5)),
        (np.zeros(5), -np.ones(5)),
        (np.array([0.0, 0.5, 1.0, 0.5, 0.0]), np.array([-1.0, 2.0, 3.0, -4.0, 5.0])),
        (np.full(5, 0.5), np.array([1.0, np.nan, 0.0, 0.0, 0.0])),
    ],
    ids=["nothing to do", "all bound", "all leave", "mixed", "NaN"],
)
@pytest.mark.parametrize("step_active_set", [True, False])
def test_edges_as_simpeg_has_them(x, gradient, step_active_set):
    function = quadratic(np.diag(np.arange(1.0, 6.0)) + 0.1, np.ones(5))
    options = {"lower": 0.0, "upper": 1.0, "step_active_set": step_active_set}
    theirs, their = search(optimization.ProjectedGNCG, function, x, gradient, **options)
    ours, mine = search(ProjectedGNCG, function, x, gradient, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    assert mine.cg_count == their.cg_count
    np.testing.assert_allclose(
        [mine.cg_abs_resid, mine.cg_rel_resid], [their.cg_abs_resid, their.cg_rel_resid], rtol=1e-9
    )


def test_a_plain_function_and_bfgs_as_with_simpeg():
    rng = np.random.default_rng(0)
    function = quadratic(rng.standard_normal((12, 6)), rng.standard_normal(12))
    found = []
    for kind in (optimization.ProjectedGNCG, ProjectedGNCG):
        minimizer = kind(maxIter=4, lower=-0.1, **CG)
        minimizer.bfgsH0 = sp.identity(6)
        minimizer.printers = []
        found.append(minimizer.minimize(function, np.zeros(6)))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10, atol=1e-12)
    assert minimizer.fallbacks == ("the function's Hessian", "the preconditioner (_CustomLinearOperator)")


def test_arguments():
    minimizer = ProjectedGNCG(maxIter=7, cg_atol=1e-5, upper=1.0, dtype="float32", device="cpu")
    assert (minimizer.maxIter, minimizer.cg_atol, minimizer.upper) == (7, 1e-5, 1.0)
    assert (minimizer.device, minimizer.dtype) == (torch.device("cpu"), torch.float32)
    assert isinstance(minimizer, optimization.ProjectedGNCG)
    with pytest.raises(ValueError, match="dtype: got"):
        ProjectedGNCG(dtype="int8", **CG)
