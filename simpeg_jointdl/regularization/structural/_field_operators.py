"""Operators that make fields from properties: identity, logarithm, gradient and Laplacian.

An operator T takes properties ``(n_properties, n_cells)`` to fields ``(n_properties, n_components, n_cells)``. Each has
the derivative T', the adjoint of the derivative and, unless a cell's field depends on that cell alone, the product with
the transpose of the squared entries, which the diagonal of a Hessian needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from simpeg.regularization import RegularizationMesh

from ..._problem.mesh import gradient_matrix, laplacian_matrix
from ...kernels import SparseMatrix, matvec

OPERATORS = ("identity", "log", "gradient", "laplacian")


@dataclass(frozen=True)
class IdentityOperator:
    """The properties themselves, T p = p."""

    is_local = True

    def apply(self, p: torch.Tensor) -> torch.Tensor:
        """Return the fields of properties."""
        return p[:, None]

    def tangent(self, p: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return the derivative at p times a change v of the properties."""
        return v[:, None]

    def adjoint(self, p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative at p times fields y."""
        return y[:, 0]


@dataclass(frozen=True)
class LogOperator:
    """The natural logarithm of positive properties, T p = log p."""

    who: str
    is_local = True

    def apply(self, p: torch.Tensor) -> torch.Tensor:
        """Return the fields of properties; ValueError unless all are positive."""
        if not bool((p > 0).all()):
            msg = (
                f"{self.who}: operator='log' got a property that is not positive. "
                "Set a lower bound, or map the model with simpeg.maps.ExpMap and use operator='identity'."
            )
            raise ValueError(msg)
        return p.log()[:, None]

    def tangent(self, p: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return the derivative at p times a change v of the properties."""
        return (v / p)[:, None]

    def adjoint(self, p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative at p times fields y."""
        return y[:, 0] / p


@dataclass(frozen=True, eq=False)
class LinearOperator:
    """A sparse matrix, such as the gradient or the Laplacian: T p = A p."""

    matrix: SparseMatrix  # (n_components * n_cells, n_cells)
    squares: SparseMatrix  # the same shape, entries squared
    is_local = False

    @classmethod
    def from_scipy(cls, matrix, device: torch.device, dtype: torch.dtype) -> LinearOperator:
        """Copy a scipy sparse matrix to a device."""
        squares = matrix.multiply(matrix).tocsr()
        return cls(SparseMatrix.from_scipy(matrix, device, dtype), SparseMatrix.from_scipy(squares, device, dtype))

    def apply(self, p: torch.Tensor) -> torch.Tensor:
        """Return the fields of properties."""
        return matvec(self.matrix, p).reshape(len(p), -1, p.shape[1])

    def tangent(self, p: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return the derivative at p times a change v of the properties."""
        return self.apply(v)

    def adjoint(self, p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative at p times fields y."""
        return matvec(self.matrix.T, y.flatten(1))

    def squared_adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transpose of the squared entries times fields y."""
        return matvec(self.squares.T, y.flatten(1))


FieldOperator = IdentityOperator | LogOperator | LinearOperator


def make_operator(
    name: str, who: str, mesh: RegularizationMesh, device: torch.device, dtype: torch.dtype
) -> FieldOperator:
    """Return the operator of a name of `OPERATORS` on a mesh."""
    if name == "identity":
        return IdentityOperator()
    if name == "log":
        return LogOperator(who)
    matrix = gradient_matrix(mesh) if name == "gradient" else laplacian_matrix(mesh)
    return LinearOperator.from_scipy(matrix, device, dtype)
