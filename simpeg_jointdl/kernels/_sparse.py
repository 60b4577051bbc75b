"""Products with a fixed sparse matrix, which torch can differentiate in forward and in reverse mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import scipy.sparse as sp
import torch

from .._core.tensors import csr_as_tensor


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A sparse matrix and its transpose, since torch has no fast product with a transposed CSR tensor.

    Parameters
    ----------
    matrix : (m, n) torch.Tensor
        The matrix in CSR layout; it is never written to.
    transposed : (n, m) torch.Tensor
        Its transpose, also in CSR layout, on the same device and of the same dtype.
    """

    matrix: torch.Tensor  # (m, n)
    transposed: torch.Tensor  # (n, m)

    @classmethod
    def from_scipy(cls, matrix: sp.spmatrix, device: torch.device, dtype: torch.dtype) -> SparseMatrix:
        """Copy a scipy sparse matrix to a device, with its transpose.

        Parameters
        ----------
        matrix : (m, n) scipy.sparse matrix
            Any sparse format.
        device : torch.device
            Device of the copies.
        dtype : torch.dtype
            Type of the copies.

        Returns
        -------
        SparseMatrix
            Copies of the matrix and of its transpose.
        """
        return cls(csr_as_tensor(matrix, device, dtype), csr_as_tensor(matrix.T, device, dtype))

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseMatrix:
        return self  # it is never written to, and torch cannot copy a CSR tensor

    @property
    def T(self) -> SparseMatrix:
        """The transpose, which shares the memory of this matrix."""
        return SparseMatrix(self.transposed, self.matrix)


class _Product(torch.autograd.Function):
    """x -> A x. The matrix is not a tensor argument, since torch.func accepts no sparse CSR tensors."""

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
    """Multiply a sparse matrix by each row of a tensor.

    It goes row by row, since MKL multiplies a sparse matrix faster by vectors than by a matrix.

    Parameters
    ----------
    matrix : SparseMatrix
        Matrix of shape (m, n).
    x : (k, n) torch.Tensor
        Vectors as rows.

    Returns
    -------
    (k, m) torch.Tensor
        Products as rows.
    """
    return _Product.apply(matrix, x)
