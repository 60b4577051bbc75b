"""What a coupling keeps at one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from .._tensor_path import Stack, gauss_newton, map_operator
from ._properties import PropertyJacobian, PropertyMaps


@dataclass(frozen=True)
class Linearization:
    r"""What a coupling keeps at one model, so that further products there cost one tangent and one adjoint.

    Of :math:`\phi = \| \mathbf r(\mathbf p) \|^2` at properties :math:`\mathbf p`, with
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
        What each cell adds to the value, ``() -> (n_cells,)``, not negative.
    probe : callable
        A residual at random, of zero mean and unit covariance, ``torch.Generator -> residual``.
    diagonal : callable, optional
        Diagonal of :math:`\mathbf J^\top \mathbf J`, ``() -> (n_properties, n_cells)``; None where it is not cheap, and
        is estimated by probes.
    """

    value: torch.Tensor  # φ = ‖r‖², 0-d
    gradient: Callable[[], torch.Tensor]  # Jᵀ r, (n_properties, n_cells)
    tangent: Callable[[torch.Tensor], Any]  # (n_properties, n_cells) -> J v
    adjoint: Callable[[Any], torch.Tensor]  # J v -> Jᵀ J v, (n_properties, n_cells)
    cell_values: Callable[[], torch.Tensor]  # (n_cells,)
    probe: Callable[[torch.Generator], Any]  # a random residual with zero mean and unit covariance
    diagonal: Callable[[], torch.Tensor] | None = None  # diag(Jᵀ J) where it is cheap, (n_properties, n_cells)


@dataclass(frozen=True)
class State:
    """A linearization and the model it belongs to."""

    model: np.ndarray  # (nP,), a copy
    at: Linearization
    properties: PropertyMaps

    @cached_property
    def jacobian(self) -> PropertyJacobian:
        return self.properties.jacobian(self.model)

    def tensor_hessian(self, crossing):
        """Product with the Hessian on tensors, (nP,) -> (nP,), or None; see :mod:`simpeg_jointdl._tensor_path`."""
        rows = tuple(map_operator(one, self.model, crossing) for one in self.properties.maps)
        if any(row is None for row in rows):
            return None
        value = self.at.value
        return gauss_newton(Stack(rows), crossing.cast(value.device, value.dtype), self.at)


def random_signs(shape, generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Independent +1 and -1 with equal chance, in the dtype and on the device of `like`."""
    signs = torch.randint(0, 2, shape, generator=generator, device=like.device)
    return (2 * signs - 1).to(like.dtype)
