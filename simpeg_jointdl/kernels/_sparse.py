"""Products with a fixed sparse matrix that torch can differentiate forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .._core.tensors import csr_as_tensor


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A CSR tensor and its transpose: torch has no fast product with a transposed CSR tensor.

    Parameters
    ----------
    matrix : (m, n) torch.Tensor
        In CSR layout; never written to.
    transposed : (n, m) torch.Tensor
        Its transpose, in CSR layout too, on the same device and of the same dtype.
    """

    matrix: torch.Tensor  # (m, n)
    transposed: torch.Tensor  # (n, m)

    @classmethod
    def from_scipy(cls, matrix, device: torch.device, dtype: torch.dtype) -> SparseMatrix:
        """Copy a scipy sparse matrix, (m, n), to `device` in `dtype`, with its transpose."""
        return cls(csr_as_tensor(matrix, device, dtype), csr_as_tensor(matrix.T, device, dtype))

    def __deepcopy__(self, memo):
        return self  # never written to, and torch cannot copy a CSR tensor

    @property
    def T(self) -> SparseMatrix:
        """The transpose, sharing memory."""
        return SparseMatrix(self.transposed, self.matrix)


class _Product(torch.autograd.Function):
    """x -> A x; the matrix is no tensor argument, as torch.func takes no sparse CSR tensor as one."""

    @staticmethod
    def forward(matrix: SparseMatrix, x):
        return torch.stack([matrix.matrix.mv(row) for row in x])

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.matrix = inputs[0]

    @staticmethod
    def backward(ctx, cotangent):
        return None, _Product.apply(ctx.matrix.T, cotangent)

    @staticmethod
    def jvp(ctx, _, tangent):
        return _Product.apply(ctx.matrix, tangent)


def matvec(matrix: SparseMatrix, x: torch.Tensor) -> torch.Tensor:
    """Product of a sparse matrix with each row of `x`.

    Row by row: on a CPU the sparse-vector product is the faster path of MKL.

    Parameters
    ----------
    matrix : SparseMatrix
        Of shape (m, n).
    x : (k, n) torch.Tensor

    Returns
    -------
    (k, m) torch.Tensor
    """
    return _Product.apply(matrix, x)
