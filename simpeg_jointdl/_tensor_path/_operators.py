"""Linear operators on tensors: each has ``tangent``, its product, and ``adjoint``, the product of its transpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..kernels import SparseMatrix


def adjoint_rows(operator, rows: torch.Tensor) -> torch.Tensor:
    """Adjoint product of every row, (k, m) -> (k, n); at once where the operator can."""
    at_once = getattr(operator, "adjoint_rows", None)
    return torch.stack([operator.adjoint(row) for row in rows]) if at_once is None else at_once(rows)


class Chain:
    """Operators one after the other, the first one first; without any, the identity."""

    def __init__(self, *links):
        self.links = links

    def tangent(self, v):
        """The product."""
        for link in self.links:
            v = link.tangent(v)
        return v

    def adjoint(self, y):
        """The product of the transpose."""
        for link in reversed(self.links):
            y = link.adjoint(y)
        return y

    def adjoint_rows(self, rows):
        """See :func:`adjoint_rows`."""
        for link in reversed(self.links):
            rows = adjoint_rows(link, rows)
        return rows


@dataclass(frozen=True)
class Stack:
    """Operators side by side, (n,) -> (n_operators, m)."""

    rows: tuple

    def tangent(self, v):
        """(n,) -> (n_operators, m)."""
        return torch.stack([row.tangent(v) for row in self.rows])

    def adjoint(self, y):
        """(n_operators, m) -> (n,)."""
        return sum(row.adjoint(part) for row, part in zip(self.rows, y, strict=True))


@dataclass(frozen=True)
class Diagonal:
    """Product with a number each."""

    weights: torch.Tensor  # (n,)

    def tangent(self, v):
        """(n,) -> (n,)."""
        return self.weights * v

    adjoint = adjoint_rows = tangent


@dataclass(frozen=True)
class Selection:
    """Some of the entries, each at most once, with a weight where there are any."""

    index: slice | torch.Tensor
    weights: torch.Tensor | None  # (m,)
    n: int

    def tangent(self, v):
        """(n,) -> (m,)."""
        return v[self.index] if self.weights is None else self.weights * v[self.index]

    def adjoint(self, y):
        """(m,) -> (n,)."""
        total = y.new_zeros(self.n)
        total[self.index] = y if self.weights is None else self.weights * y
        return total

    def adjoint_rows(self, rows):
        """See :func:`adjoint_rows`."""
        total = rows.new_zeros(len(rows), self.n)
        total[:, self.index] = rows if self.weights is None else self.weights * rows
        return total


@dataclass(frozen=True)
class Sparse:
    """A sparse matrix, kept together with its transpose."""

    matrix: SparseMatrix

    def tangent(self, v):
        """(n,) -> (m,)."""
        return self.matrix.matrix.mv(v)

    def adjoint(self, y):
        """(m,) -> (n,)."""
        return self.matrix.transposed.mv(y)


@dataclass(frozen=True)
class Transposed:
    """The other way round."""

    of: object

    def tangent(self, v):
        """The product of the transpose."""
        return self.of.adjoint(v)

    def adjoint(self, y):
        """The product."""
        return self.of.tangent(y)


def gauss_newton(*links) -> Callable[[torch.Tensor], torch.Tensor]:
    r"""Product with :math:`2 \mathbf A^\top \mathbf A`, :math:`\mathbf A` being a chain of operators."""
    chain = Chain(*links)
    return lambda v: 2.0 * chain.adjoint(chain.tangent(v))
