"""JacobianOperator wherever SimPEG uses a derivative, compared with the same derivative as a sparse matrix."""

import discretize
import numpy as np
import pytest
import scipy.sparse as sp
from discretize.utils import Zero
from simpeg import (
    data,
    data_misfit,
    directives,
    inverse_problem,
    inversion,
    maps,
    meta,
    objective_function,
    optimization,
    regularization,
    utils,
)
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl._core.operators import JacobianOperator
from simpeg_jointdl.regularization import CrossGradient
from tests.core.operator_problem import dense, wrap

MESH = discretize.TensorMesh([[10.0] * 4, [10.0] * 4, [10.0] * 3], origin="CCN")
N = MESH.n_cells
X, Y = np.meshgrid([-10.0, 0.0, 10.0], [-10.0, 0.0, 10.0])
STATIONS = np.c_[X.ravel(), Y.ravel(), np.full(9, 5.0)]
WIRES = maps.Wires(("density", N), ("susceptibility", N))
MODEL = np.random.default_rng(7).normal(size=2 * N)


class DenseTanhMap(maps.IdentityMap):
    """The map tanh(W m), whose dense Jacobian is given as an operator or as a sparse matrix."""

    is_linear = False

    def __init__(self, n_out, nP, *, as_operator, seed=11):
        super().__init__(mesh=None, nP=nP)
        self.matrix = np.random.default_rng(seed).normal(size=(n_out, nP)) / np.sqrt(nP)
        self.as_operator = as_operator

    @property
    def shape(self):
        return self.matrix.shape

    def _transform(self, m):
        return np.tanh(self.matrix @ m)

    def deriv(self, m, v=None):
        jacobian = (1.0 - self._transform(m) ** 2)[:, None] * self.matrix
        jacobian = wrap(jacobian) if self.as_operator else sp.csr_matrix(jacobian)
        return jacobian if v is None else jacobian @ v


def tanh_map(as_operator, n_in=N, n_out=N, seed=11):
    return DenseTanhMap(n_out, n_in, as_operator=as_operator, seed=seed)


def density_simulation(rho_map, **options):
    survey = gravity.Survey(gravity.SourceField([gravity.Point(STATIONS, components="gz")]))
    options = {"sensitivity_dtype": np.float64, **options}
    return gravity.Simulation3DIntegral(mesh=MESH, survey=survey, rhoMap=rho_map, **options)


def susceptibility_simulation(chi_map, **options):
    receivers = magnetics.Point(STATIONS, components="tmi")
    source = magnetics.UniformBackgroundField([receivers], amplitude=50_000, inclination=60, declination=5)
    options = {"sensitivity_dtype": np.float64, **options}
    return magnetics.Simulation3DIntegral(mesh=MESH, survey=magnetics.Survey(source), chiMap=chi_map, **options)


MAPS = {
    "bare": lambda flag: tanh_map(flag),
    "before exp": lambda flag: maps.ExpMap(nP=N) * tanh_map(flag, n_in=2 * N),
    "after wires": lambda flag: tanh_map(flag) * WIRES.density,
    "between": lambda flag: maps.ExpMap(nP=N) * tanh_map(flag) * WIRES.density,
    "two in a row": lambda flag: tanh_map(flag, n_in=7) * tanh_map(flag, n_in=2 * N, n_out=7, seed=12),
}


def assert_close(one, other, rtol=1e-9):
    np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * np.abs(other).max())


@pytest.mark.parametrize("build", MAPS.values(), ids=MAPS)
@pytest.mark.parametrize("make", [density_simulation, susceptibility_simulation])
@pytest.mark.parametrize("v_dtype", [np.float64, np.float32])
def test_simulations_accept_an_operator(make, build, v_dtype):
    ours, theirs = make(build(True)), make(build(False))
    mapping = build(True)
    m, v, d = (
        MODEL[: mapping.nP],
        dense(1, mapping.nP, 1)[0].astype(v_dtype),
        dense(1, 9, 2)[0].astype(v_dtype),
    )
    data_weights = sp.diags(np.arange(1.0, 10.0))
    assert isinstance(mapping.deriv(m), JacobianOperator)
    assert_close(mapping.deriv(m, v), mapping.deriv(m) @ v)
    assert_close(ours.Jvec(m, v), theirs.Jvec(m, v))
    assert_close(ours.Jtvec(m, d), theirs.Jtvec(m, d))
    assert_close(ours.getJ(m), theirs.getJ(m))
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m))
    assert_close(ours.getJtJdiag(m, W=data_weights), theirs.getJtJdiag(m, W=data_weights))


def test_simulation_in_single_precision():
    ours = density_simulation(tanh_map(True), sensitivity_dtype=np.float32)
    theirs = density_simulation(tanh_map(False), sensitivity_dtype=np.float32)
    assert_close(ours.Jvec(MODEL[:N], MODEL[N:]), theirs.Jvec(MODEL[:N], MODEL[N:]), rtol=1e-5)
    assert_close(ours.Jtvec(MODEL[:N], MODEL[:9]), theirs.Jtvec(MODEL[:N], MODEL[:9]), rtol=1e-5)


def joined(as_operator, kind):
    mappings = [maps.ExpMap(nP=N) * tanh_map(as_operator, n_in=30, seed=i) for i in range(2)]
    if kind is meta.RepeatedSimulation:
        return kind(density_simulation(maps.IdentityMap(nP=N)), mappings)
    simulations = [
        density_simulation(maps.IdentityMap(nP=N)),
        susceptibility_simulation(maps.IdentityMap(nP=N)),
    ]
    return kind(simulations, mappings)


@pytest.mark.filterwarnings("ignore:.*is a work in progress")
@pytest.mark.parametrize("kind", [meta.MetaSimulation, meta.RepeatedSimulation, meta.SumMetaSimulation])
def test_meta_simulations(kind):
    ours, theirs = joined(True, kind), joined(False, kind)
    m, v, d = MODEL[:30], MODEL[30:60], dense(1, ours.survey.nD, 2)[0]
    assert_close(ours.dpred(m), theirs.dpred(m))
    assert_close(ours.Jvec(m, v), theirs.Jvec(m, v))
    assert_close(ours.Jtvec(m, d), theirs.Jtvec(m, d))
    assert_close(ours.getJtJdiag(m), theirs.getJtJdiag(m))


TERMS = {
    "smallness": regularization.Smallness,
    "smoothness": lambda *a, **k: regularization.SmoothnessFirstOrder(*a, orientation="y", **k),
    "curvature": lambda *a, **k: regularization.SmoothnessSecondOrder(*a, orientation="x", **k),
    "least squares": regularization.WeightedLeastSquares,
}


@pytest.mark.parametrize("n_in", [N, 20])
@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_regularizations_accept_an_operator(term, n_in):
    cells = np.random.default_rng(3).random(N) + 0.5
    ours, theirs = (
        term(
            MESH,
            mapping=tanh_map(flag, n_in=n_in),
            weights={"some": cells},
            reference_model=np.full(n_in, 0.1),
        )
        for flag in (True, False)
    )
    m, v = MODEL[:n_in], MODEL[N : N + n_in]
    assert ours(m) == pytest.approx(theirs(m), rel=1e-12)
    assert_close(ours.deriv(m), theirs.deriv(m))
    assert_close(ours.deriv2(m, v), theirs.deriv2(m, v))
    assert_close(ours.deriv2(m) @ v, theirs.deriv2(m) @ v)
    assert_close(ours.deriv2(m).diagonal(), theirs.deriv2(m).diagonal())


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_regularization_diagonals_of_many_parameters_are_never_negative(term):
    mapping = tanh_map(True, n_in=200)
    hessian = term(MESH, mapping=mapping).deriv2(np.zeros(200))
    assert hessian.diagonal().min() > 0


def joint_terms(as_operator):
    """Two terms of the model, one of a nonlinear map of it, and two couplings, one with that map."""
    least_squares = [regularization.WeightedLeastSquares(MESH, mapping=one) for _, one in WIRES.maps]
    mapped = regularization.Smallness(MESH, mapping=tanh_map(as_operator) * WIRES.density)
    coupled = CrossGradient(MESH, [tanh_map(as_operator) * WIRES.density, WIRES.susceptibility])
    return [*least_squares, mapped, CrossGradient(MESH, WIRES), coupled]


@pytest.mark.parametrize("multipliers", [[1, 2, 3, 4, 5], [0, 1, 0, 0, 1e3], [1, 1, 0.0, 0, 0], [0, 0, 0, 2.5, 0]])
def test_sums_of_hessians(multipliers):
    ours, theirs = (objective_function.ComboObjectiveFunction(joint_terms(flag), multipliers) for flag in (True, False))
    hessian = ours.deriv2(MODEL)
    v = dense(1, 2 * N, 1)[0]
    assert_close(hessian @ v, theirs.deriv2(MODEL, v))
    assert_close(ours.deriv2(MODEL, v), theirs.deriv2(MODEL, v))
    assert_close(hessian.diagonal(), theirs.deriv2(MODEL).diagonal())
    assert_close(sp.csr_matrix(hessian).toarray() @ v, hessian @ v)


def test_zero_adds_to_a_hessian():
    hessian = CrossGradient(MESH, WIRES).deriv2(MODEL)
    assert_close((Zero() + 2.0 * hessian).diagonal(), 2 * hessian.diagonal())
    assert isinstance(Zero() * hessian, Zero)


def test_power_iteration_over_a_combo():
    combo = objective_function.ComboObjectiveFunction(joint_terms(True), [1.0, 1.0, 10.0, 1e3, 1e2])
    estimate = utils.eigenvalue_by_power_iteration(combo, MODEL, n_pw_iter=50, random_seed=1)
    largest = np.linalg.eigvalsh(sp.csr_matrix(combo.deriv2(MODEL)).toarray()).max()
    assert estimate == pytest.approx(largest, rel=1e-2)
    assert estimate <= largest * (1 + 1e-9)


def misfits(as_operator):
    """Gravity and magnetics, each of a nonlinear map of its part of the model."""
    made = []
    for simulation in (
        density_simulation(tanh_map(as_operator) * WIRES.density),
        susceptibility_simulation(maps.ExpMap(nP=N) * tanh_map(as_operator, seed=12) * WIRES.susceptibility),
    ):
        clean = simulation.dpred(0.3 * MODEL)
        observed = data.Data(simulation.survey, dobs=clean, standard_deviation=0.05 * np.abs(clean).max())
        made.append(data_misfit.L2DataMisfit(data=observed, simulation=simulation))
    return made[0] + made[1]


def run(as_operator, terms, multipliers, directive_list):
    """Two Gauss-Newton steps from a model that is not uniform."""
    reg = objective_function.ComboObjectiveFunction(terms, multipliers)
    minimizer = optimization.ProjectedGNCG(maxIter=2, cg_maxiter=8, cg_rtol=1e-3)
    problem = inverse_problem.BaseInvProblem(misfits(as_operator), reg, minimizer, beta=1e-4)
    model = inversion.BaseInversion(problem, directiveList=directive_list).run(START)
    assert minimizer.iter == 2
    return problem, model


START = 1e-2 * MODEL[::-1]
# without Pardiso, SimPEG starts BFGS with SuperLU, which warns of an option that it does not know and of the CSR format
start_with_superlu = pytest.mark.filterwarnings("ignore:Unused keyword argument", "ignore:splu converted its input")


@start_with_superlu
def test_inversion_with_simpegs_directives():
    models = []
    for as_operator in (True, False):
        least_squares = [regularization.WeightedLeastSquares(MESH, mapping=one) for _, one in WIRES.maps]
        steps = [
            directives.UpdateSensitivityWeights(every_iteration=True),
            directives.BetaEstimate_ByEig(beta0_ratio=1e-1, random_seed=2),
            directives.UpdatePreconditioner(),
        ]
        terms = [*least_squares, CrossGradient(MESH, WIRES)]
        models.append(run(as_operator, terms, [1.0, 1.0, 1e4], steps)[1])
    assert_close(models[0], models[1], rtol=1e-6)
    assert np.abs(models[0] - START).max() > 0.1


@start_with_superlu
def test_bfgs_start_without_a_preconditioner():
    problem, model = run(True, joint_terms(True), [1.0] * 5, [])
    _, expected = run(False, joint_terms(False), [1.0] * 5, [])
    hessian, v = problem.reg.deriv2(START), dense(1, 2 * N, 1)[0]
    assert_close(hessian @ (problem.opt.bfgsH0 * v), v, rtol=1e-6)
    assert_close(model, expected, rtol=1e-6)
