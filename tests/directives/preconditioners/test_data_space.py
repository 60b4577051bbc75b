"""The data-space preconditioner is the inverse that it claims to be, and inversions with it end at the same model."""

import shutil

import numpy as np
import pytest
import scipy.sparse as sp
from simpeg import data, data_misfit, inverse_problem, maps
from simpeg import inversion as simpeg_inversion
from simpeg.directives import InversionDirective
from simpeg.potential_fields import gravity

from simpeg_jointdl import directives, optimization, regularization
from simpeg_jointdl.directives.preconditioners import misfit_diagonal
from tests.directives.problem import make_joint_problem

KIND = directives.UpdateDataSpacePreconditioner


def at(problem, terms, model, beta=1.0, misfits=None, bounded=False, **options):
    """An inversion at a model, with its gradient."""
    directive = KIND(**options)
    inversion = problem.inversion(terms, [directive], beta=beta, misfits=misfits, bounded=bounded)
    inversion.invProb.startup(model)
    inversion.opt.xc = model
    inversion.directiveList.call("initialize")
    return inversion, directive


def dense(inversion, directive, free):
    """Inverse of D + AᵀA over the free parameters, zero for the others, by the formula."""
    problem, model = inversion.invProb, inversion.invProb.model
    hessian = np.diag(float(problem.beta) * directive._term_diagonal(problem.reg, model))
    for multiplier, misfit in problem.dmisfit:
        simulation = misfit.simulation
        simulation.model = model
        derivative = simulation.chiDeriv if hasattr(simulation, "chiDeriv") else simulation.rhoDeriv
        jacobian = misfit.W @ (np.asarray(simulation.G, dtype=float) @ derivative.toarray())
        hessian += 2.0 * multiplier * jacobian.T @ jacobian
    out = np.zeros_like(hessian)
    out[np.ix_(free, free)] = np.linalg.inv(hessian[np.ix_(free, free)])
    return out


def matrix_of(operator):
    return np.stack([operator * column for column in np.eye(operator.shape[0])], axis=1)


def assert_inverse(inversion, directive, free):
    got, wanted = matrix_of(inversion.opt.approxHinv), dense(inversion, directive, free)
    size = np.sqrt(np.diag(wanted))
    size = np.where(size > 0.0, size, 1.0)
    np.testing.assert_allclose(got / size / size[:, None], wanted / size / size[:, None], atol=1e-8)
    np.testing.assert_array_equal(got[~free], 0.0)
    np.testing.assert_array_equal(got[:, ~free], 0.0)
    np.testing.assert_allclose(got, got.T, atol=1e-8 * np.abs(got).max())
    assert np.linalg.eigvalsh((got / size / size[:, None])[np.ix_(free, free)]).min() > 0.0


# the inverse ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("noise", [0.03, 1e-3])
def test_the_inverse_includes_every_multiplier_and_the_bounds(noise):
    problem = make_joint_problem(noise=noise)
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    terms = [3.0 * problem.terms[0], 0.1 * problem.terms[1], 5.0 * coupling]
    inversion, directive = at(problem, terms, problem.truth, beta=2.0, bounded=True)
    inversion.invProb.dmisfit.multipliers = [0.5, 4.0]
    free = problem.truth > 0.0
    assert_inverse(inversion, directive, free)
    unbounded, directive = at(problem, terms, problem.truth, beta=2.0)
    assert_inverse(unbounded, directive, np.ones(free.size, dtype=bool))


def test_data_sets_that_share_parameters():
    problem = make_joint_problem()
    mesh = problem.mesh
    high = np.stack(np.meshgrid([-150.0, 0.0, 150.0], [-150.0, 0.0, 150.0], [60.0]), axis=-1).reshape(-1, 3)
    source = gravity.sources.SourceField([gravity.receivers.Point(high, components=["gz", "gxz"])])
    # depends on both properties, so that all three data sets share parameters
    mapping = maps.LinearMap(sp.kron([[1.0, 3.0]], sp.identity(mesh.n_cells), format="csr"))
    simulation = gravity.Simulation3DIntegral(mesh, survey=gravity.survey.Survey(source), rhoMap=mapping)
    clean = simulation.dpred(problem.truth)
    measured = data.Data(simulation.survey, dobs=clean, standard_deviation=np.full(clean.size, 0.01))
    both = data_misfit.L2DataMisfit(data=measured, simulation=simulation)
    misfits = [problem.misfits[0], problem.misfits[1], 0.3 * both]
    inversion, directive = at(problem, problem.terms, problem.start, misfits=misfits)
    assert_inverse(inversion, directive, np.ones(problem.start.size, dtype=bool))


def test_maps_other_than_wires():
    """A LinearMap from kg/m³ to g/cc, and a density that is the exponential of its parameter."""
    problem = make_joint_problem(3)
    exponential = maps.ExpMap(nP=problem.mesh.n_cells) * problem.wires.density
    problem.misfits[0].simulation.rhoMap = exponential
    model = problem.truth + problem.start
    inversion, directive = at(problem, problem.terms, model)
    assert_inverse(inversion, directive, np.ones(model.size, dtype=bool))


def test_data_with_multiplier_zero_are_left_out_until_they_have_one():
    problem = make_joint_problem()
    inversion, directive = at(problem, problem.terms, problem.truth, every=10)
    everything = np.ones(problem.truth.size, dtype=bool)
    for multipliers in ([0.0, 1.0], [1.0, 0.0], [1.0, 1.0]):
        inversion.invProb.dmisfit.multipliers = multipliers
        assert_inverse(inversion, directive, everything)


def test_parameters_without_regularization_may_move():
    problem = make_joint_problem()
    inversion, _ = at(problem, [problem.terms[0], 0.0 * problem.terms[1]], problem.truth)
    got = matrix_of(inversion.opt.approxHinv)
    assert (np.diag(got) > 0.0).all()
    seen = (
        np.diag(got)[problem.mesh.n_cells :]
        * misfit_diagonal(problem.misfits[1], problem.truth)[problem.mesh.n_cells :]
    )
    assert (seen > 0.5).all()  # the inverse is at least that of the data alone


def test_cells_that_reach_or_leave_bounds_are_followed_between_factorizations():
    problem = make_joint_problem()
    inversion, directive = at(problem, problem.terms, problem.start, bounded=True, every=3)
    before = matrix_of(inversion.opt.approxHinv)
    inversion.opt.xc = problem.truth
    inversion.opt.iter = 1
    directive.endIter()
    free = problem.truth > 0.0
    np.testing.assert_array_equal(matrix_of(inversion.opt.approxHinv), before * np.outer(free, free))
    inversion.opt.iter = 3
    directive.endIter()
    inversion.invProb.model = problem.truth
    assert_inverse(inversion, directive, free)


# refusals ---------------------------------------------------------------------------------------------------
def test_simulations_without_sensitivities_are_refused():
    problem = make_joint_problem()
    old = problem.misfits[0].simulation
    problem.misfits[0].simulation = gravity.Simulation3DIntegral(
        problem.mesh, survey=old.survey, rhoMap=old.rhoMap, store_sensitivities="forward_only"
    )
    directive = KIND()
    inversion = problem.inversion(problem.terms, [directive])
    inversion.invProb.model = problem.start
    inversion.opt.xc = problem.start
    inversion.invProb.beta = 1.0
    directive.initialize()
    with pytest.raises(TypeError, match="UpdateDataSpacePreconditioner: Simulation3DIntegral holds no sensitivity"):
        inversion.opt.approxHinv * problem.start


def test_bad_input():
    with pytest.raises(ValueError, match=r"UpdateDataSpacePreconditioner\.every: got 0"):
        KIND(every=0)


# inversions -------------------------------------------------------------------------------------------------
class Watch(InversionDirective):
    """Counts the steps of the conjugate gradients."""

    def __init__(self):
        super().__init__()
        self.counts = []

    def endIter(self):
        self.counts.append(self.opt.cg_count)


def test_far_fewer_steps_to_the_same_model():
    """Anomalies are a thousand times the noise."""
    problem = make_joint_problem(noise=1e-3)
    for misfit in problem.misfits:
        misfit.simulation.sensitivity_dtype = np.float64
    steps, models = {}, {}
    for kind in (KIND, directives.UpdateJointPreconditioner):
        watch = Watch()
        inversion = problem.inversion(problem.terms, [kind(), watch], max_iterations=1, beta=0.1)
        inversion.opt.cg_maxiter, inversion.opt.cg_rtol = 2000, 1e-7
        models[kind] = inversion.run(problem.start)
        steps[kind] = watch.counts[0]
    assert steps[KIND] < 0.05 * steps[directives.UpdateJointPreconditioner]
    ours, jacobi = models.values()
    np.testing.assert_allclose(ours, jacobi, atol=1e-4 * np.abs(jacobi).max())


def make(problem, *extra, every=1, max_iterations=12, last=(), minimizer=None):
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    steps = [directives.UpdateJointSensitivityWeights(), directives.JointBetaSchedule(), *extra]
    steps += [directives.EstimateCouplingWeights(), KIND(every=every), *last]
    made = problem.inversion([*problem.terms, coupling], [], max_iterations=max_iterations, bounded=True).invProb
    if minimizer is not None:
        minimizer.printers = []
        made = inverse_problem.BaseInvProblem(made.dmisfit, made.reg, minimizer, print_version=False, init_bfgs=False)
    return simpeg_inversion.BaseInversion(made, directiveList=steps)


def chi(problem, model):
    return [misfit(model) / misfit.nD for misfit in problem.misfits]


def test_it_works_with_turns_couplings_and_sparse_norms():
    problem = make_joint_problem(sparse=True)
    inversion = make(
        problem, directives.UpdateJointIRLS(n_steps=3), directives.TakeTurns(turn_iterations=30), max_iterations=80
    )
    model = inversion.run(problem.start)
    assert max(chi(problem, model)) < 1.5
    assert np.corrcoef(model, problem.truth)[0, 1] > 0.5


def test_it_works_with_a_minimizer_whose_cells_leave_bounds():
    problem = make_joint_problem(noise=3e-3)
    minimizer = optimization.BoundedGaussNewton(maxIter=25, cg_maxiter=60, lower=0.0)
    model = make(problem, minimizer=minimizer).run(problem.start)
    assert max(chi(problem, model)) < 1.5


class KeepFiles(directives.SaveCheckpoint):
    """Keeps the checkpoint of every iteration."""

    def endIter(self):
        super().endIter()
        if self.path.exists():
            shutil.copy(self.path, self.path.with_name(f"{self.opt.iter}.npz"))


@pytest.mark.parametrize("every", [1, 3])
def test_a_resumed_run_ends_at_the_same_model(tmp_path, every):
    problem = make_joint_problem()
    whole = make(problem, every=every, max_iterations=7, last=[KeepFiles(tmp_path / "run.npz")]).run(problem.start)
    fresh = make_joint_problem()
    again = make(fresh, every=every, max_iterations=7, last=[directives.SaveCheckpoint(tmp_path / "other.npz")])
    resumed = directives.resume(again, tmp_path / "4.npz")
    np.testing.assert_allclose(resumed, whole, atol=1e-12 * np.abs(whole).max())
