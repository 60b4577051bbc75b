"""The Jacobi preconditioner is the inverse of the diagonal of the whole Hessian."""

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


def at(problem, terms, directive, model, beta=1.0):
    inversion = problem.inversion(terms, [directive], beta=beta)
    inversion.invProb.startup(model)
    return inversion


def dense_hessian_diagonal(inversion, model):
    problem = inversion.invProb
    columns = np.eye(model.size)
    data = np.array([problem.dmisfit.deriv2(model, e)[i] for i, e in enumerate(columns)])
    smooth = np.array([problem.reg.deriv2(model, e)[i] for i, e in enumerate(columns)])
    return data + problem.beta * smooth


@pytest.mark.parametrize("sparse", [False, True])
def test_the_diagonal_includes_every_multiplier(sparse):
    problem = make_joint_problem(sparse=sparse)
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    terms = [3.0 * problem.terms[0], 0.1 * problem.terms[1], 5.0 * coupling]
    directive = directives.UpdateJointPreconditioner()
    inversion = at(problem, terms, directive, problem.truth, beta=2.0)
    inversion.invProb.dmisfit.multipliers = [0.5, 4.0]
    expected = dense_hessian_diagonal(inversion, problem.truth)
    np.testing.assert_allclose(directive.diagonal(problem.truth), expected, rtol=1e-5)  # sensitivities in float32


def test_weights_that_are_set_later_are_used():
    problem = make_joint_problem()
    directive = directives.UpdateJointPreconditioner()
    inversion = at(problem, problem.terms, directive, problem.truth)
    directive.diagonal(problem.truth)
    rng = np.random.default_rng(0)
    problem.terms[0].set_weights(mine=rng.random(problem.mesh.n_cells) + 0.5)
    expected = dense_hessian_diagonal(inversion, problem.truth)
    np.testing.assert_allclose(directive.diagonal(problem.truth), expected, rtol=1e-5)


def test_the_diagonal_follows_a_nonlinear_map():
    problem = make_joint_problem()
    n = problem.mesh.n_cells
    mapping = maps.ExpMap(nP=n) * problem.wires.density
    term = simpeg_regularization.WeightedLeastSquares(problem.mesh, mapping=mapping, reference_model_in_smooth=True)
    for model in (problem.start, problem.truth):
        directive = directives.UpdateJointPreconditioner()
        inversion = at(problem, [term, problem.terms[1]], directive, model)
        np.testing.assert_allclose(directive.diagonal(model), dense_hessian_diagonal(inversion, model), rtol=1e-5)


def test_no_hessian_is_formed(monkeypatch):
    problem = make_joint_problem()

    def refuse(self, model, v=None):
        assert v is not None, "a Hessian was formed"

    monkeypatch.setattr(simpeg_regularization.WeightedLeastSquares, "deriv2", refuse)
    monkeypatch.setattr(simpeg_regularization.Smallness, "deriv2", refuse)
    directive = directives.UpdateJointPreconditioner()
    at(problem, problem.terms, directive, problem.truth)
    assert (directive.diagonal(problem.truth) > 0).all()


def test_it_needs_fewer_iterations_of_the_conjugate_gradients():
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    counts = []
    for make in (directives.UpdateJointPreconditioner, simpeg_directives.UpdatePreconditioner):
        betas = directives.JointBetaSchedule()
        steps = [directives.UpdateJointSensitivityWeights(), betas, directives.EstimateCouplingWeights(), make()]
        inversion = problem.inversion([*problem.terms, coupling], steps, max_iterations=3)
        inversion.opt.cg_maxiter, inversion.opt.cg_rtol = 500, 1e-6
        inversion.run(problem.start)
        counts.append(inversion.opt.cg_count)
    assert counts[0] < counts[1]


def test_the_hessian_of_other_terms_is_used():
    problem = make_joint_problem()

    class Doubled(simpeg_regularization.Smallness):
        """A subclass with another derivative than its base class."""

        def deriv2(self, model, v=None):
            hessian = 2.0 * super().deriv2(model)
            return hessian if v is None else hessian @ v

    term = Doubled(problem.mesh, mapping=problem.wires.density)
    directive = directives.UpdateJointPreconditioner()
    inversion = at(problem, [term, problem.terms[1]], directive, problem.truth)
    np.testing.assert_allclose(
        directive.diagonal(problem.truth), dense_hessian_diagonal(inversion, problem.truth), rtol=1e-5
    )
