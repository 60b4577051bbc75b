"""Linear operators on tensors, compared with their dense matrices."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from simpeg_jointdl._tensor_path import Chain, Crossing, Diagonal, Stack, Transposed, adjoint_rows, gauss_newton

RNG = np.random.default_rng(5)
MATRIX = sp.random(4, 6, 0.6, random_state=RNG, format="csr")
PLAIN = Crossing("cpu").operator(object(), "A", MATRIX)
WEIGHTS = torch.as_tensor(RNG.uniform(1.0, 2.0, 4))
OPERATORS = {
    "sparse": (PLAIN, MATRIX.toarray()),
    "identity": (Chain(), np.eye(6)),
    "chain": (Chain(PLAIN, Diagonal(WEIGHTS)), WEIGHTS.numpy()[:, None] * MATRIX.toarray()),
    "transposed": (Transposed(PLAIN), MATRIX.T.toarray()),
    "diagonal": (Diagonal(WEIGHTS), np.diag(WEIGHTS.numpy())),
    "selection": (Crossing("cpu").operator(object(), "S", sp.identity(6, format="csr")[[4, 1]]), np.eye(6)[[4, 1]]),
}


@pytest.mark.parametrize(("operator", "dense"), OPERATORS.values(), ids=OPERATORS)
def test_products_are_those_of_the_dense_matrix(operator, dense):
    v, y = (torch.as_tensor(RNG.standard_normal(n)) for n in dense.shape[::-1])
    np.testing.assert_allclose(operator.tangent(v), dense @ v.numpy(), rtol=1e-12)
    np.testing.assert_allclose(operator.adjoint(y), dense.T @ y.numpy(), rtol=1e-12)
    product = gauss_newton(operator)
    np.testing.assert_allclose(product(v), 2.0 * dense.T @ (dense @ v.numpy()), rtol=1e-12)


@pytest.mark.parametrize(("operator", "dense"), OPERATORS.values(), ids=OPERATORS)
def test_many_adjoint_products_are_those_of_each_row(operator, dense):
    rows = torch.as_tensor(RNG.standard_normal((3, dense.shape[0])))
    np.testing.assert_allclose(adjoint_rows(operator, rows), rows.numpy() @ dense, rtol=1e-12)


def test_a_stack_applies_each_operator_to_the_same_vector():
    stack, dense = Stack((PLAIN, Chain(PLAIN, Diagonal(WEIGHTS)))), MATRIX.toarray()
    both = np.stack([dense, WEIGHTS.numpy()[:, None] * dense])
    v, y = torch.as_tensor(RNG.standard_normal(6)), torch.as_tensor(RNG.standard_normal((2, 4)))
    np.testing.assert_allclose(stack.tangent(v), both @ v.numpy(), rtol=1e-12)
    np.testing.assert_allclose(stack.adjoint(y), np.einsum("kij,ki->j", both, y.numpy()), rtol=1e-12)
