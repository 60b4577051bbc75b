"""Gauss-Newton on tensors takes SimPEG's steps, and moves nothing twice."""

import logging
import warnings
from functools import reduce
from operator import add

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from simpeg import inverse_problem, inversion, optimization
from simpeg import regularization as simpeg_regularization
from simpeg.directives import InversionDirective

from simpeg_jointdl import directives
from simpeg_jointdl.optimization import BoundedGaussNewton, ProjectedGNCG
from simpeg_jointdl.regularization import CrossGradient
from tests.optimization.problem import make_problem

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
    """A joint inversion with bounds, sparse norms, a coupling, trade-off parameters and a preconditioner."""
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
    """To round-off. With 30 instead of 10 CG iterations the last bit of the data moves SimPEG's own steps by 1e-8."""
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


# what moves ------------------------------------------------------------------------------------------------
class _Own(simpeg_regularization.Smallness):
    """A term with a Hessian of its own, and without a tensor path."""

    def deriv2(self, m, v=None):
        return 3.0 * v

    def hessian_diagonal(self, model):
        return np.full(model.size, 3.0)


def test_a_term_without_a_tensor_path_is_named_once_in_the_log(caplog):
    problem = make_problem(True)
    problem.terms.append(_Own(problem.mesh, mapping=problem.wires.density))
    with caplog.at_level(logging.INFO, logger="SimPEG"):
        run_short(problem, ProjectedGNCG(maxIter=3, **CG))
    assert caplog.text.count("computed with numpy in every CG iteration: _Own.") == 1


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
    # smallness and smoothness of that property, computed again, and the preconditioner's weights
    assert rows.rows[1:] == [(2 + 1 + 1, 1)] * 2


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
        warnings.simplefilter("ignore", RuntimeWarning)  # SimPEG divides by zero
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
def test_steps_at_bounds_are_simpegs(x, gradient, step_active_set):
    function = quadratic(np.diag(np.arange(1.0, 6.0)) + 0.1, np.ones(5))
    options = {"lower": 0.0, "upper": 1.0, "step_active_set": step_active_set}
    theirs, their = search(optimization.ProjectedGNCG, function, x, gradient, **options)
    ours, mine = search(ProjectedGNCG, function, x, gradient, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    assert mine.cg_count == their.cg_count
    np.testing.assert_allclose(
        [mine.cg_abs_resid, mine.cg_rel_resid], [their.cg_abs_resid, their.cg_rel_resid], rtol=1e-9
    )


def test_a_plain_function_and_bfgs_give_simpegs_result():
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
