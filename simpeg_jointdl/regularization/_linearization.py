"""The linearization of a coupling at one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from .._core.tensors import as_numpy
from .._tensor_path import Stack, gauss_newton, map_operator
from ._properties import PropertyJacobian, PropertyMaps

# Number of random probes of an estimated diagonal; each costs one adjoint product, about one gradient.
_DIAGONAL_PROBES = 2


@dataclass(frozen=True)
class Linearization:
    r"""Linearization of a coupling at one model; each further product there costs one tangent and one adjoint.

    The coupling is :math:`\phi = \| \mathbf r(\mathbf p) \|^2` at properties :math:`\mathbf p`, with
    :math:`\mathbf J = \partial \mathbf r / \partial \mathbf p`. Residuals and their tangents may have any form that
    `tangent` and `adjoint` agree on. Tensors are on the coupling's device and in its dtype.

    Parameters
    ----------
    value : torch.Tensor
        :math:`\phi`, 0-d.
    gradient : callable
        Half the gradient :math:`\mathbf J^\top \mathbf r`, ``() -> (n_properties, n_cells)``.
    tangent : callable
        Product :math:`\mathbf J \mathbf v` with a change of the properties, ``(n_properties, n_cells) -> residual``.
    adjoint : callable
        Product :math:`\mathbf J^\top \mathbf y` with what `tangent` or `probe` gives, ``residual -> (n_properties,
        n_cells)``.
    cell_values : callable
        Contribution of each cell to the value, ``() -> (n_cells,)``, not negative.
    probe : callable
        Random residual of zero mean and unit covariance, ``torch.Generator -> residual``.
    diagonal : callable, optional
        Diagonal of :math:`\mathbf J^\top \mathbf J`, ``() -> (n_properties, n_cells)``. None where it is expensive; it
        is then estimated with `probe`.
    """

    value: torch.Tensor  # φ = ‖r‖², 0-d
    gradient: Callable[[], torch.Tensor]  # Jᵀ r, (n_properties, n_cells)
    tangent: Callable[[torch.Tensor], Any]  # J v
    adjoint: Callable[[Any], torch.Tensor]  # Jᵀ y, (n_properties, n_cells)
    cell_values: Callable[[], torch.Tensor]  # (n_cells,)
    probe: Callable[[torch.Generator], Any]
    diagonal: Callable[[], torch.Tensor] | None = None  # diag(Jᵀ J), (n_properties, n_cells)


@dataclass(frozen=True)
class State:
    """A linearization and the model it belongs to."""

    model: np.ndarray  # (nP,), a copy
    at: Linearization
    properties: PropertyMaps

    @cached_property
    def jacobian(self) -> PropertyJacobian:
        """Derivative of the properties with respect to the model."""
        return self.properties.jacobian(self.model)

    @property
    def diagonal_is_exact(self) -> bool:
        """Whether the diagonal of the Hessian is known exactly, and not only by an estimate."""
        return self.at.diagonal is not None and self.jacobian.is_separable

    def hessian_diagonal(self, generator: torch.Generator) -> np.ndarray:
        """Return the diagonal of the Hessian, (nP,): exact, or an unbiased estimate from random probes."""
        if self.diagonal_is_exact:
            return 2.0 * self.jacobian.squared_adjoint(as_numpy(self.at.diagonal()))
        total = np.zeros(self.properties.nP)
        for _ in range(_DIAGONAL_PROBES):
            total += self.jacobian.adjoint(as_numpy(self.at.adjoint(self.at.probe(generator)))) ** 2
        return 2.0 * total / _DIAGONAL_PROBES

    def tensor_hessian(self, crossing):
        """Return the product with the Hessian on tensors, (nP,) -> (nP,), or None without one."""
        rows = tuple(map_operator(one, self.model, crossing) for one in self.properties.maps)
        if any(row is None for row in rows):
            return None
        value = self.at.value
        return gauss_newton(Stack(rows), crossing.cast(value.device, value.dtype), self.at)


def random_signs(shape, generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Return independent random signs, +1 or -1 with equal probability, in the dtype and on the device of `like`."""
    signs = torch.randint(0, 2, shape, generator=generator, device=like.device)
    return (2 * signs - 1).to(like.dtype)
