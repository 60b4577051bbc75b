"""Linear operators on tensors: ``tangent`` multiplies by the operator, ``adjoint`` by its transpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .._core.protocols import HasAdjointRows
from ..kernels import SparseMatrix


def adjoint_rows(operator: Any, rows: torch.Tensor) -> torch.Tensor:
    """Multiply every row by the transpose, (k, m) -> (k, n); all at once where the operator can do so."""
    if isinstance(operator, HasAdjointRows):
        return operator.adjoint_rows(rows)
    return torch.stack([operator.adjoint(row) for row in rows])


class Chain:
    """Operators applied one after the other, the first one first; the identity where there are none."""

    def __init__(self, *links: Any):
        self.links = links

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """Multiply by the operators."""
        for link in self.links:
            v = link.tangent(v)
        return v

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Multiply by the transpose."""
        for link in reversed(self.links):
            y = link.adjoint(y)
        return y

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """See :func:`adjoint_rows`."""
        for link in reversed(self.links):
            rows = adjoint_rows(link, rows)
        return rows


@dataclass(frozen=True)
class Stack:
    """Operators of the same vector, whose results are stacked, (n,) -> (n_operators, m)."""

    rows: tuple

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(n,) -> (n_operators, m)."""
        return torch.stack([row.tangent(v) for row in self.rows])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """(n_operators, m) -> (n,)."""
        return sum(row.adjoint(part) for row, part in zip(self.rows, y, strict=True))


@dataclass(frozen=True)
class Diagonal:
    """Diagonal matrix."""

    weights: torch.Tensor  # (n,)

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(n,) -> (n,)."""
        return self.weights * v

    adjoint = adjoint_rows = tangent


@dataclass(frozen=True)
class Selection:
    """Selection of entries, each at most once, with optional weights."""

    index: slice | torch.Tensor
    weights: torch.Tensor | None  # (m,)
    n: int

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(n,) -> (m,)."""
        return v[self.index] if self.weights is None else self.weights * v[self.index]

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """(m,) -> (n,)."""
        total = y.new_zeros(self.n)
        total[self.index] = y if self.weights is None else self.weights * y
        return total

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """See :func:`adjoint_rows`."""
        total = rows.new_zeros(len(rows), self.n)
        total[:, self.index] = rows if self.weights is None else self.weights * rows
        return total


@dataclass(frozen=True)
class Sparse:
    """Sparse matrix, stored together with its transpose."""

    matrix: SparseMatrix

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(n,) -> (m,)."""
        return self.matrix.matrix.mv(v)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """(m,) -> (n,)."""
        return self.matrix.transposed.mv(y)


@dataclass(frozen=True)
class Transposed:
    """Transpose of an operator."""

    of: Any

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """Multiply by the transpose of the operator."""
        return self.of.adjoint(v)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Multiply by the operator."""
        return self.of.tangent(y)


def gauss_newton(*links: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    r"""Return the product with :math:`2 \mathbf A^\top \mathbf A`, where :math:`\mathbf A` is a chain of operators."""
    chain = Chain(*links)
    return lambda v: 2.0 * chain.adjoint(chain.tangent(v))
