"""Linearization of a torch module: its outputs, and products with their derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call

from ._rows import rows_by_cells


@dataclass(frozen=True)
class Parameters:
    """The parameters of a module that form the model vector, one after the other."""

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]

    @classmethod
    def of(cls, module: nn.Module, names: Sequence[str]) -> Parameters:
        """Return the parameters of the given names."""
        known = dict(module.named_parameters())
        return cls(tuple(names), tuple(known[name].shape for name in names))

    @property
    def sizes(self) -> list[int]:
        """Number of entries of each parameter."""
        return [shape.numel() for shape in self.shapes]

    def split(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the parameters {name: tensor} of a model vector (nP,), as views."""
        parts = vector.split(self.sizes)
        return {name: part.view(shape) for name, part, shape in zip(self.names, parts, self.shapes, strict=True)}

    def join(self, module: nn.Module) -> torch.Tensor:
        """Return the parameters of a module as a vector (nP,), a copy."""
        known = dict(module.named_parameters())
        return torch.cat([known[name].detach().ravel() for name in self.names])


class Linearization:
    r"""Outputs :math:`\mathbf u(\mathbf p)` of a module and products with :math:`\partial\mathbf u/\partial\mathbf p`.

    With one piece of inputs the graph is kept, and a product costs one backward pass. With several pieces every product
    evaluates them again one after the other, so that memory holds one piece at a time.

    The tangent product is the derivative of the adjoint product, which is linear in its argument. This takes half the
    time of forward-mode differentiation and needs plain autograd only.

    With `points_per_cell`, outputs are (n_properties, n_cells) and each cell depends on this number of rows of the
    inputs only.
    """

    def __init__(
        self,
        module: nn.Module,
        parameters: Parameters,
        pieces: Sequence[tuple[torch.Tensor, ...]],
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
        """Return the derivative times a vector (nP,), in the shape of the outputs."""
        if self._whole is not None:
            return self._whole.tangent(v)
        return join_outputs([self._piece(piece).tangent(v) for piece in self._pieces])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative times an array of the shape of the outputs, (nP,)."""
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
        """Return the adjoint product of every row, (k, *shape of the outputs) -> (k, nP)."""
        if self._points_per_cell is None:
            return torch.stack([self.adjoint(row) for row in rows])
        vector = self._vector.detach()
        return rows_by_cells(self._module, self._parameters, self._pieces, vector, rows, self._points_per_cell)

    def dense(self) -> torch.Tensor:
        """Return the whole derivative, (n_values, nP)."""
        n, shape = self.outputs.numel(), self.outputs.shape
        return self.adjoint_rows(torch.eye(n, device=self.device, dtype=self.dtype).view(n, *shape))

    def _piece(self, inputs):
        return _Piece(self._forward(inputs), self._vector)

    def _forward(self, inputs):
        return functional_call(self._module, self._parameters.split(self._vector), tuple(inputs))


class Raveled:
    """A linearization whose outputs are a single vector."""

    def __init__(self, at: Linearization):
        self._at, self.device, self.dtype = at, at.device, at.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """Return the derivative times a vector, (nP,) -> (n_values,)."""
        return self._at.tangent(v).ravel()

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative times a vector, (n_values,) -> (nP,)."""
        return self._at.adjoint(y.view(self._at.outputs.shape))

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the transposed derivative times every row, (k, n_values) -> (k, nP)."""
        return self._at.adjoint_rows(rows.view(-1, *self._at.outputs.shape))


class _Piece:
    """Outputs of one piece of the inputs, with their graph."""

    def __init__(self, outputs, vector):
        self.outputs, self._vector, self._double = outputs, vector, None

    def adjoint(self, y):
        return _gradient(self.outputs, self._vector, y)

    def tangent(self, v):
        if self._double is None:
            y = torch.zeros_like(self.outputs, requires_grad=True)
            self._double = y, _gradient(self.outputs, self._vector, y, create_graph=True)
        y, product = self._double
        if not product.requires_grad:  # the outputs do not depend on the parameters
            return torch.zeros_like(self.outputs)
        return _gradient(product, y, v)


def _gradient(outputs, inputs, weights, **options):
    (result,) = torch.autograd.grad(
        outputs, inputs, weights, retain_graph=True, allow_unused=True, materialize_grads=True, **options
    )
    return result


def join_outputs(outputs: list[torch.Tensor]) -> torch.Tensor:
    """Return the pieces of the outputs concatenated along the last axis, that of the cells."""
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
