"""Products with a fixed sparse matrix, and their derivatives."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from simpeg_jointdl._core.tensors import as_numpy, as_tensor
from simpeg_jointdl.kernels import SparseMatrix, matvec

TOLERANCE = {torch.float64: 1e-13, torch.float32: 1e-5}


def random_matrix(m=7, n=5, form="csr"):
    return sp.random(m, n, 0.4, format=form, random_state=np.random.default_rng(0))


def random_rows(k, n, device, dtype, seed=1):
    return as_tensor(np.random.default_rng(seed).normal(size=(k, n)), device, dtype)


@pytest.fixture
def in_double(device):
    return SparseMatrix.from_scipy(random_matrix(), device, torch.float64)


def product(matrix):
    return lambda x: matvec(matrix, x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_products_equal_those_of_scipy(form, k, dtype, device):
    scipy_matrix = random_matrix(form=form)
    matrix = SparseMatrix.from_scipy(scipy_matrix, device, dtype)
    x, y = random_rows(k, 5, device, dtype), random_rows(k, 7, device, dtype)
    np.testing.assert_allclose(
        as_numpy(matvec(matrix, x)), (scipy_matrix @ as_numpy(x).T).T, rtol=0, atol=TOLERANCE[dtype]
    )
    np.testing.assert_allclose(
        as_numpy(matvec(matrix.T, y)), (scipy_matrix.T @ as_numpy(y).T).T, rtol=0, atol=TOLERANCE[dtype]
    )
    assert matvec(matrix, x).dtype == dtype


def test_empty_rows_and_an_empty_matrix(device):
    matrix = SparseMatrix.from_scipy(sp.csr_matrix((4, 3)), device, torch.float64)
    assert torch.equal(matvec(matrix, random_rows(2, 3, device, torch.float64)).cpu(), torch.zeros(2, 4).double())


def test_transpose_of_transpose(in_double):
    assert in_double.T.T.matrix is in_double.matrix
    assert in_double.T.matrix is in_double.transposed


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_adjoint_identity(dtype, device):
    matrix = SparseMatrix.from_scipy(random_matrix(300, 200), device, dtype)
    u, v = random_rows(2, 200, device, dtype), random_rows(2, 300, device, dtype, seed=2)
    left, right = matvec(matrix, u) * v, u * matvec(matrix.T, v)
    scale = float(left.abs().sum())
    assert float(left.sum()) == pytest.approx(float(right.sum()), abs=TOLERANCE[dtype] * scale)


def test_gradcheck_backward_and_forward(in_double, device):
    x = random_rows(2, 5, device, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(product(in_double), x, check_forward_ad=True)
    assert torch.autograd.gradcheck(product(in_double.T), random_rows(2, 7, device, torch.float64).requires_grad_())


def test_second_derivatives(in_double, device):
    x = random_rows(2, 5, device, torch.float64).requires_grad_()
    y = random_rows(2, 7, device, torch.float64, seed=2).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: product(in_double)(x).square(), x, y)


def test_func_jvp_is_the_product(in_double, device):
    x, v = random_rows(2, 5, device, torch.float64), random_rows(2, 5, device, torch.float64, seed=2)
    value, tangent = torch.func.jvp(product(in_double), (x,), (v,))
    assert torch.equal(value, matvec(in_double, x))
    assert torch.equal(tangent, matvec(in_double, v))


def test_func_vjp_is_the_transposed_product(in_double, device):
    x, y = random_rows(2, 5, device, torch.float64), random_rows(2, 7, device, torch.float64)
    value, pull_back = torch.func.vjp(product(in_double), x)
    assert torch.equal(value, matvec(in_double, x))
    assert torch.equal(pull_back(y)[0], matvec(in_double.T, y))


def test_forward_over_backward_is_the_hessian(in_double, device):
    """The derivative of the gradient of ‖A x‖² along v is 2 Aᵀ A v, as products with a Hessian need it."""
    x, v = random_rows(1, 5, device, torch.float64), random_rows(1, 5, device, torch.float64, seed=2)
    gradient = torch.func.grad(lambda x: matvec(in_double, x).square().sum())
    _, product_with_v = torch.func.jvp(gradient, (x,), (v,))
    torch.testing.assert_close(product_with_v, 2 * matvec(in_double.T, matvec(in_double, v)))
