"""JacobianOperator against the dense matrix it stands for, then wherever SimPEG uses a derivative."""

import operator as op
import re

import discretize
import numpy as np
import pytest
import scipy.sparse as sp
from discretize.utils import Identity, Zero
from scipy.sparse.linalg import aslinearoperator
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

from simpeg_jointdl._core import estimates as _estimates
from simpeg_jointdl._core.estimates import EXACT_COLUMNS, N_PROBES
from simpeg_jointdl._core.operators import JacobianOperator
from simpeg_jointdl.regularization import CrossGradient

SPARSE = [getattr(sp, f"{form}_{kind}") for form in ("csr", "csc", "dia", "coo") for kind in ("matrix", "array")]
SCALARS = [2, -0.5, np.float64(3.0), np.float32(0.5), np.int64(2), np.array(2.0)]


def dense(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def wrap(matrix, **kwargs):
    return JacobianOperator(matrix.shape, lambda v: matrix @ v, lambda v: matrix.T @ v, **kwargs)


def assert_equals(result, expected):
    assert isinstance(result, JacobianOperator)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.toarray(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(result.T.toarray(), expected.T, rtol=1e-12, atol=1e-12)


# algebra ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: type(s).__name__)
def test_scalars_on_either_side(scalar):
    matrix = dense(4, 6)
    assert_equals(scalar * wrap(matrix), float(scalar) * matrix)
    assert_equals(wrap(matrix) * scalar, float(scalar) * matrix)
    assert_equals(wrap(matrix) / scalar, matrix / float(scalar))
    assert_equals(-(scalar * wrap(matrix)) * 3, -3.0 * float(scalar) * matrix)


@pytest.mark.parametrize("times", [op.matmul, op.mul], ids=["@", "*"])
@pytest.mark.parametrize("n", [None, 1, 3])
def test_products_with_arrays(times, n):
    matrix, right, left = dense(4, 6), dense(6, n or 1, 1), dense(n or 1, 4, 2)
    if n is None:
        right, left = right[:, 0], left[0]
    np.testing.assert_allclose(times(wrap(matrix), right), matrix @ right, rtol=1e-12)
    np.testing.assert_allclose(times(left, wrap(matrix)), left @ matrix, rtol=1e-12)
    np.testing.assert_allclose(wrap(matrix).dot(right), matrix @ right, rtol=1e-12)


@pytest.mark.parametrize("times", [op.matmul, op.mul], ids=["@", "*"])
@pytest.mark.parametrize("kind", SPARSE, ids=lambda k: k.__name__)
def test_products_with_sparse(kind, times):
    matrix, left, right = dense(4, 6), dense(3, 4, 1), dense(6, 5, 2)
    assert_equals(times(kind(left), wrap(matrix)), left @ matrix)
    assert_equals(times(wrap(matrix), kind(right)), matrix @ right)


@pytest.mark.parametrize("kind", SPARSE, ids=lambda k: k.__name__)
def test_sums_with_sparse(kind):
    matrix, other = dense(5, 5), np.triu(dense(5, 5, 1))
    assert_equals(wrap(matrix) + kind(other), matrix + other)
    assert_equals(kind(other) + wrap(matrix), matrix + other)
    assert_equals(wrap(matrix) - kind(other), matrix - other)
    assert_equals(kind(other) - wrap(matrix), other - matrix)


def test_operators_among_themselves():
    a, b, c = dense(4, 6), dense(6, 5, 1), dense(4, 6, 2)
    assert_equals(wrap(a) @ wrap(b), a @ b)
    assert_equals(2 * wrap(a) - wrap(c) / 4, 2 * a - c / 4)
    assert_equals(sum([wrap(a), wrap(c)]), a + c)


def test_product_of_scaled_operators():
    a, b = dense(4, 6), dense(6, 5, 1)
    assert_equals((2 * wrap(a)) @ (-3 * wrap(b)), -6 * a @ b)
    assert_equals((2 * wrap(a)).T @ (wrap(a) * 0.5), a.T @ a)


@pytest.mark.parametrize("times", [op.matmul, op.mul], ids=["@", "*"])
def test_zero_and_identity_in_products(times):
    matrix = dense(4, 6)
    assert isinstance(times(Zero(), wrap(matrix)), Zero)
    assert isinstance(times(wrap(matrix), Zero()), Zero)
    for identity, sign in ((Identity(), 1.0), (-Identity(), -1.0)):
        assert_equals(times(identity, wrap(matrix)), sign * matrix)
        assert_equals(times(wrap(matrix), identity), sign * matrix)


def test_zero_and_identity_in_sums():
    matrix, one = dense(5, 5), np.eye(5)
    assert_equals(wrap(matrix) + Zero(), matrix)
    assert_equals(Zero() + wrap(matrix), matrix)
    assert_equals(wrap(matrix) - Zero(), matrix)
    assert_equals(Zero() - wrap(matrix), -matrix)
    assert_equals(wrap(matrix) + 0, matrix)
    assert_equals(wrap(matrix) + Identity(), matrix + one)
    assert_equals(wrap(matrix) - Identity(), matrix - one)


def test_one_keeps_the_class_as_combo_maps_need():
    assert_equals(wrap(dense(4, 6)) * 1, dense(4, 6))
    assert_equals(1 * wrap(dense(4, 6)), dense(4, 6))


def test_transpose_of_transpose_is_the_operator():
    for operator in (wrap(dense(4, 6)), 2 * wrap(dense(4, 6)), wrap(dense(4, 4)) + sp.eye(4)):
        assert operator.T.T is operator
        assert operator.transpose().T is not operator.T


@pytest.mark.parametrize(
    "build",
    [
        lambda a: a,
        lambda a: 3 * a,
        lambda a: sp.diags([1.0, 2.0, 3.0, 4.0]) @ a,
        lambda a: a.T @ a,
        lambda a: a - 2 * a,
    ],
    ids=["plain", "scaled", "weighted", "gram", "sum"],
)
def test_adjoint_identity(build):
    operator = build(wrap(dense(4, 6)))
    u, v = dense(2, operator.shape[1], 3)[0], dense(2, operator.shape[0], 4)[0]
    assert (operator @ u) @ v == pytest.approx(u @ (operator.T @ v), rel=1e-12)
    assert (v @ operator) @ u == pytest.approx(u @ (operator.T @ v), rel=1e-12)


def test_float32_vectors():
    matrix, v = dense(4, 6), dense(6, 1, 1)[:, 0].astype(np.float32)
    np.testing.assert_allclose((2 * wrap(matrix)) @ v, 2 * matrix @ v, rtol=1e-6)
    np.testing.assert_allclose(wrap(matrix).T @ v[:4], matrix.T @ v[:4], rtol=1e-6)


@pytest.mark.parametrize("sparse", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_matrix])
def test_scipy_takes_a_copy(sparse):
    copy = sparse(2 * wrap(dense(4, 6)))
    assert sp.issparse(copy)
    np.testing.assert_allclose(copy.toarray(), 2 * dense(4, 6), rtol=1e-12)


def test_scipy_linear_operator():
    linear = aslinearoperator(2 * wrap(dense(4, 6)))
    np.testing.assert_allclose(linear @ np.arange(6.0), 2 * dense(4, 6) @ np.arange(6.0), rtol=1e-12)
    np.testing.assert_allclose(linear.T @ np.arange(4.0), 2 * dense(4, 6).T @ np.arange(4.0), rtol=1e-12)


WRONG_SHAPES = {
    "vector": lambda a: a @ np.ones(4),
    "vector on the left": lambda a: np.ones(6) @ a,
    "array": lambda a: a @ np.ones((4, 2)),
    "cube": lambda a: a @ np.ones((6, 2, 2)),
    "scalar product": lambda a: a @ 2.0,
    "sparse": lambda a: a @ sp.eye(5),
    "sparse on the left": lambda a: sp.eye(5) @ a,
    "operator": lambda a: a @ a,
    "sum": lambda a: a + sp.eye(4),
    "sum on the left": lambda a: sp.eye(4) + a,
    "sum of operators": lambda a: a - a.T,
    "sum with identity": lambda a: a + Identity(),
}


@pytest.mark.parametrize("use", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_wrong_shapes_are_refused(use):
    with pytest.raises(ValueError, match=r"JacobianOperator: shapes .* do not fit"):
        use(wrap(dense(4, 6)))


@pytest.mark.parametrize("use", [lambda a: a + 1.0, lambda a: a + np.ones((4, 6)), lambda a: a / np.ones(6)])
def test_what_is_no_operator_is_refused(use):
    with pytest.raises(TypeError):
        use(wrap(dense(4, 6)))


LARGE = JacobianOperator((20_000, 20_000), lambda v: v, lambda v: v)
REFUSAL = r"3\.0 GiB.*simpeg_jointdl\.directives\.UpdateJointPreconditioner"


def test_large_dense_copy_is_refused_with_the_mend():
    with pytest.raises(ValueError, match=REFUSAL):
        LARGE.toarray()


def test_scipy_says_why_it_was_refused():
    with pytest.raises(ValueError, match="csr_matrix") as refusal:
        sp.csr_matrix(LARGE)
    assert re.search(REFUSAL, str(refusal.value.__cause__))


# diagonals ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(6, 6), (4, 6), (6, 4), (EXACT_COLUMNS, EXACT_COLUMNS), (100, 5), (5, 100)])
def test_small_diagonals_are_exact(shape):
    operator = wrap(dense(*shape))
    assert operator.diagonal_is_exact
    np.testing.assert_allclose(operator.diagonal(), np.diagonal(dense(*shape)), rtol=1e-12)
    np.testing.assert_array_equal(operator.T.diagonal(), operator.diagonal())


@pytest.mark.parametrize("shape", [(6, 6), (100, 5), (5, 100), (EXACT_COLUMNS, 200)])
@pytest.mark.parametrize("axis", [0, 1])
def test_small_squared_sums_are_exact(shape, axis):
    squared = wrap(dense(*shape)).power(2)
    np.testing.assert_allclose(squared.sum(axis=axis), np.sum(dense(*shape) ** 2, axis=axis), rtol=1e-12)


def assert_unbiased(estimate, truth, deviation):
    """`deviation` is the standard deviation of each entry of the estimate."""
    scores = (estimate - truth) / deviation
    assert np.abs(scores).max() < 6
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 2
    assert np.abs(np.mean(scores)) < 0.5


@pytest.mark.parametrize("n_probes", [N_PROBES, 2000])
def test_large_diagonal_is_an_unbiased_estimate(n_probes, monkeypatch):
    monkeypatch.setattr(_estimates, "N_PROBES", n_probes)
    matrix = dense(120, 120)
    operator = wrap(matrix)
    assert not operator.diagonal_is_exact
    off_diagonal = matrix - np.diag(np.diagonal(matrix))
    deviation = np.linalg.norm(off_diagonal, axis=1) / np.sqrt(n_probes)
    assert_unbiased(operator.diagonal(), np.diagonal(matrix), deviation)


def norms_and_deviation(matrix, n_probes):
    norms = np.sum(matrix**2, axis=0)
    return norms, np.sqrt(2 * (norms**2 - np.sum(matrix**4, axis=0)) / n_probes)


@pytest.mark.parametrize("n_probes", [N_PROBES, 2000])
@pytest.mark.parametrize("axis", [0, 1])
def test_large_squared_sums_are_unbiased_estimates(axis, n_probes, monkeypatch):
    monkeypatch.setattr(_estimates, "N_PROBES", n_probes)
    matrix = dense(100, 120)
    estimate = wrap(matrix).power(2).sum(axis=axis)
    assert_unbiased(estimate, *norms_and_deviation(matrix if axis == 0 else matrix.T, n_probes))
    assert estimate.min() > 0


WEIGHTS = np.random.default_rng(5).random(100) * (np.arange(100) > 10)
GRAMS = {
    "AᵀA": (lambda a: a.T @ a, lambda a: a),
    "A Aᵀ": (lambda a: a @ a.T, lambda a: a.T),
    "Aᵀ (D A)": (lambda a: a.T @ (sp.diags(WEIGHTS) @ a), lambda a: np.sqrt(WEIGHTS)[:, None] * a),
    "Aᵀ (D A), sparse array": (
        lambda a: a.T @ (sp.diags_array(WEIGHTS) @ a),
        lambda a: np.sqrt(WEIGHTS)[:, None] * a,
    ),
    "2 Aᵀ A": (lambda a: 2 * a.T * a, lambda a: np.sqrt(2) * a),
    "Aᵀ A / 4": (lambda a: a.T @ a / 4, lambda a: a / 2),
    "2 Aᵀ (D A)": (
        lambda a: 2 * a.T * (sp.diags(WEIGHTS) * a),
        lambda a: np.sqrt(2 * WEIGHTS)[:, None] * a,
    ),
    "(-3 A)ᵀ (-3 A)": (lambda a: gram(-3 * a), lambda a: 3 * a),
    "(S A)ᵀ (S A)": (lambda a: gram(sp.diags(WEIGHTS) @ a), lambda a: WEIGHTS[:, None] * a),
    "(A S)ᵀ D (A S)": (
        lambda a: weighted_gram(a @ sp.diags(np.arange(120.0))),
        lambda a: np.sqrt(WEIGHTS)[:, None] * a * np.arange(120.0),
    ),
    "(2 A)ᵀ D (2 A)": (lambda a: weighted_gram(2 * a), lambda a: 2 * np.sqrt(WEIGHTS)[:, None] * a),
    "transposed": (lambda a: (a.T @ a).T, lambda a: a),
}


def gram(operator):
    return operator.T @ operator


def weighted_gram(operator):
    return operator.T @ (sp.diags(WEIGHTS) @ operator)


@pytest.mark.parametrize(("build", "root"), GRAMS.values(), ids=GRAMS)
def test_gram_diagonals_are_unbiased_and_never_negative(build, root):
    # columns and rows of very different size: any other estimate of the small ones drowns in the large
    matrix = np.logspace(-2, 2, 100)[:, None] * dense(100, 120) * np.logspace(2, -2, 120)
    operator, root = build(wrap(matrix)), root(matrix)
    estimate = operator.diagonal()
    assert not operator.diagonal_is_exact
    assert estimate.min() >= 0
    norms, deviation = norms_and_deviation(root, N_PROBES)
    some = norms > 0
    assert_unbiased(estimate[some], norms[some], deviation[some])
    np.testing.assert_array_equal(estimate[~some], 0.0)


@pytest.mark.parametrize(("build", "root"), GRAMS.values(), ids=GRAMS)
def test_gram_products(build, root):
    root = root(dense(100, 120))
    assert_equals(build(wrap(dense(100, 120))), root.T @ root)


@pytest.mark.parametrize("rows", [EXACT_COLUMNS, EXACT_COLUMNS + 1])
def test_gram_diagonal_is_exact_when_its_root_is_small(rows):
    matrix = dense(rows, 100)
    operator = 2 * gram(wrap(matrix))
    assert operator.diagonal_is_exact == (rows <= EXACT_COLUMNS)
    error = np.abs(operator.diagonal() - 2 * np.sum(matrix**2, axis=0)).max()
    assert (error < 1e-10) == operator.diagonal_is_exact


@pytest.mark.parametrize("build", [lambda a: a, lambda a: a.T @ a, lambda a: a + sp.eye(100)])
def test_estimates_repeat(build):
    operator, again = build(wrap(dense(100, 100))), build(wrap(dense(100, 100)))
    np.testing.assert_array_equal(operator.diagonal(), again.diagonal())
    np.testing.assert_array_equal(operator.diagonal(), operator.diagonal())
    np.testing.assert_array_equal(operator.T.diagonal(), operator.diagonal())


@pytest.mark.parametrize("n", [EXACT_COLUMNS, EXACT_COLUMNS + 1])
@pytest.mark.parametrize(
    "build",
    [
        lambda a: a,
        lambda a: 2 * a,
        lambda a: a.T,
        lambda a: (3 * a).T / 2,
        lambda a: a + sp.eye(a.shape[0]),
        lambda a: sp.eye(a.shape[0]) - 2 * a,
        lambda a: a.T @ a + a,
    ],
)
def test_exactness_is_told_truthfully(build, n):
    matrix = dense(n, n)
    operator, truth = build(wrap(matrix)), np.diagonal(build(matrix))
    assert operator.diagonal_is_exact == (n <= EXACT_COLUMNS)
    assert np.allclose(operator.diagonal(), truth, rtol=1e-10) == operator.diagonal_is_exact


@pytest.mark.parametrize("is_exact", [True, False])
def test_a_given_diagonal_is_passed_on(is_exact):
    matrix = dense(100, 100)
    operator = wrap(matrix, diagonal=lambda: np.diagonal(matrix), diagonal_is_exact=is_exact)
    total = (2 * operator).T + sp.eye(100) - operator / 2
    np.testing.assert_allclose(total.diagonal(), 1.5 * np.diagonal(matrix) + 1, rtol=1e-12)
    assert total.diagonal_is_exact is is_exact
    assert not (total + wrap(matrix)).diagonal_is_exact


def test_only_squares_and_two_axes():
    with pytest.raises(ValueError, match="power: got 3"):
        wrap(dense(4, 6)).power(3)
    with pytest.raises(ValueError, match="axis=2, wanted 0 or 1"):
        wrap(dense(4, 6)).power(2).sum(axis=2)


# in SimPEG ------------------------------------------------------------------------------------------------
MESH = discretize.TensorMesh([[10.0] * 4, [10.0] * 4, [10.0] * 3], origin="CCN")
N = MESH.n_cells
X, Y = np.meshgrid([-10.0, 0.0, 10.0], [-10.0, 0.0, 10.0])
STATIONS = np.c_[X.ravel(), Y.ravel(), np.full(9, 5.0)]
WIRES = maps.Wires(("density", N), ("susceptibility", N))
MODEL = np.random.default_rng(7).normal(size=2 * N)


class DenseTanhMap(maps.IdentityMap):
    """tanh(W m), whose full Jacobian comes as an operator or as a matrix."""

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
def test_simulations_take_the_operator(make, build, v_dtype):
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
def test_regularizations_take_the_operator(term, n_in):
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
    """Two plain terms of the model, two of what a network makes of it, and a coupling of both."""
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
    """Gravity and magnetics, each of what a network makes of its part of the model."""
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
# what SimPEG's own start of BFGS gives SuperLU, where there is no Pardiso: an option it has not, and CSR
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
