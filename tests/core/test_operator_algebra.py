"""Products and sums of a JacobianOperator, compared with its dense matrix."""

import operator as op
import re

import numpy as np
import pytest
import scipy.sparse as sp
from discretize.utils import Identity, Zero
from scipy.sparse.linalg import aslinearoperator

from simpeg_jointdl._core.operators import JacobianOperator
from tests.core.operator_problem import assert_equals, dense, wrap

SPARSE = [getattr(sp, f"{form}_{kind}") for form in ("csr", "csc", "dia", "coo") for kind in ("matrix", "array")]
SCALARS = [2, -0.5, np.float64(3.0), np.float32(0.5), np.int64(2), np.array(2.0)]


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


def test_the_product_with_one_is_an_operator_as_combo_maps_need():
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
def test_scipy_copies_it_into_a_sparse_matrix(sparse):
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
    with pytest.raises(ValueError, match=r"JacobianOperator: got shapes .* which do not fit together"):
        use(wrap(dense(4, 6)))


@pytest.mark.parametrize("use", [lambda a: a + 1.0, lambda a: a + np.ones((4, 6)), lambda a: a / np.ones(6)])
def test_dense_terms_and_divisors_are_refused(use):
    with pytest.raises(TypeError):
        use(wrap(dense(4, 6)))


LARGE = JacobianOperator((20_000, 20_000), lambda v: v, lambda v: v)
REFUSAL = r"3\.0 GiB.*simpeg_jointdl\.directives\.UpdateJointPreconditioner"


def test_a_large_dense_copy_is_refused_with_advice():
    with pytest.raises(ValueError, match=REFUSAL):
        LARGE.toarray()


def test_scipy_reports_why_a_large_copy_was_refused():
    with pytest.raises(ValueError, match="csr_matrix") as refusal:
        sp.csr_matrix(LARGE)
    assert re.search(REFUSAL, str(refusal.value.__cause__))
