"""A torch module at one vector of parameters: its outputs, and products with their derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.func import functional_call

from ._rows import rows_by_cells

if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True)
class Parameters:
    """The parameters of a module that make up the model vector, one after the other."""

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]

    @classmethod
    def of(cls, module: nn.Module, names: Sequence[str]) -> Parameters:
        """Those of the given names, in the module's order."""
        known = dict(module.named_parameters())
        return cls(tuple(names), tuple(known[name].shape for name in names))

    @property
    def sizes(self) -> list[int]:
        """How many numbers each holds."""
        return [shape.numel() for shape in self.shapes]

    def split(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """(nP,) -> {name: parameter}, views of it."""
        parts = vector.split(self.sizes)
        return {name: part.view(shape) for name, part, shape in zip(self.names, parts, self.shapes, strict=True)}

    def join(self, module: nn.Module) -> torch.Tensor:
        """Their values in a module, (nP,), a copy."""
        known = dict(module.named_parameters())
        return torch.cat([known[name].detach().ravel() for name in self.names])


class Linearization:
    r"""Outputs :math:`\mathbf u(\mathbf p)` of a module and products with :math:`\partial\mathbf u/\partial\mathbf p`.

    With one piece of inputs, what the backward pass needs is kept, and a product costs one pass. With several, every
    product evaluates piece after piece afresh, so that memory holds one piece at a time.

    The tangent product is the derivative of the adjoint one, which is linear in its argument: half the time of forward
    mode, and nothing but plain autograd is asked of the module.

    `points_per_cell` says that outputs are (n_properties, n_cells) and every cell depends on so many rows of the
    inputs alone.
    """

    def __init__(
        self,
        module: nn.Module,
        parameters: Parameters,
        pieces: Sequence[tuple[Any, ...]],
        vector: torch.Tensor,
        points_per_cell: int | None = None,
    ):
        self._module, self._parameters, self._pieces = module, parameters, pieces
        self._points_per_cell = points_per_cell
        self._vector = vector.detach().requires_grad_()
        self._whole = None
        if len(pieces) == 1:
            self._whole = _Piece(self._forward(pieces[0]), self._vector)
            self.outputs = self._whole.outputs.detach()
        else:
            with torch.no_grad():
                self.outputs = join_outputs([self._forward(piece) for piece in pieces])
        self.device, self.dtype = self.outputs.device, self.outputs.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(nP,) -> the shape of the outputs."""
        if self._whole is not None:
            return self._whole.tangent(v)
        return join_outputs([self._piece(piece).tangent(v) for piece in self._pieces])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The shape of the outputs -> (nP,)."""
        if self._whole is not None:
            return self._whole.adjoint(y)
        total, start = torch.zeros_like(self._vector), 0
        for inputs in self._pieces:
            piece = self._piece(inputs)
            n = piece.outputs.shape[-1]
            total += piece.adjoint(y[..., start : start + n])
            start += n
        return total

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Adjoint product of every row, (k, *shape of the outputs) -> (k, nP)."""
        if self._points_per_cell is None:
            return torch.stack([self.adjoint(row) for row in rows])
        vector = self._vector.detach()
        return rows_by_cells(self._module, self._parameters, self._pieces, vector, rows, self._points_per_cell)

    def dense(self) -> torch.Tensor:
        """The whole derivative, (n_values, nP)."""
        n, shape = self.outputs.numel(), self.outputs.shape
        return self.adjoint_rows(torch.eye(n, device=self.device, dtype=self.dtype).view(n, *shape))

    def _piece(self, inputs):
        return _Piece(self._forward(inputs), self._vector)

    def _forward(self, inputs):
        return functional_call(self._module, self._parameters.split(self._vector), tuple(inputs))


class Raveled:
    """A linearization whose outputs are one vector."""

    def __init__(self, at: Linearization):
        self._at, self.device, self.dtype = at, at.device, at.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """(nP,) -> (n_values,)."""
        return self._at.tangent(v).ravel()

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """(n_values,) -> (nP,)."""
        return self._at.adjoint(y.view(self._at.outputs.shape))

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """(k, n_values) -> (k, nP)."""
        return self._at.adjoint_rows(rows.view(-1, *self._at.outputs.shape))


class _Piece:
    """Outputs of one piece of the inputs, with the graph that leads to them."""

    def __init__(self, outputs, vector):
        self.outputs, self._vector, self._double = outputs, vector, None

    def adjoint(self, y):
        return _gradient(self.outputs, self._vector, y)

    def tangent(self, v):
        if self._double is None:
            y = torch.zeros_like(self.outputs, requires_grad=True)
            self._double = y, _gradient(self.outputs, self._vector, y, create_graph=True)
        y, product = self._double
        if not product.requires_grad:  # outputs that do not move with the parameters
            return torch.zeros_like(self.outputs)
        return _gradient(product, y, v)


def _gradient(outputs, inputs, weights, **options):
    (result,) = torch.autograd.grad(
        outputs, inputs, weights, retain_graph=True, allow_unused=True, materialize_grads=True, **options
    )
    return result


def join_outputs(outputs: list[torch.Tensor]) -> torch.Tensor:
    """Pieces of the outputs put together along their last axis, that of the cells."""
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
