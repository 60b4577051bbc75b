"""Engines as linear operators of numpy and as tensor linearizations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator

from ..._core.tensors import as_numpy, as_tensor
from ..._tensor_path import Chain
from ._protocol import Engine

Product = Callable[[torch.Tensor], torch.Tensor]


class EngineOperator(LinearOperator):
    """The sensitivity matrix as a linear operator of float64 numpy arrays, with ``@`` and ``.T``.

    Parameters
    ----------
    engine : Engine
        Engine that computes the products.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        super().__init__(dtype=np.float64, shape=engine.shape)

    def _matvec(self, vector):
        return as_numpy(self.engine.forward(as_tensor(vector.ravel(), self.engine.device, self.engine.dtype)))

    def _rmatvec(self, vector):
        return as_numpy(self.engine.adjoint(as_tensor(vector.ravel(), self.engine.device, self.engine.dtype)))


class AmplitudeDirections:
    """Derivative of amplitudes with respect to the three components of the field.

    Parameters
    ----------
    field : (3 n,) torch.Tensor
        Components bx, by and bz of one location after the other.
    """

    def __init__(self, field: torch.Tensor):
        components = field.reshape(-1, 3)
        amplitude = components.norm(dim=1, keepdim=True)
        # the amplitude of a zero field has no derivative; use 0, as for |x| at 0
        self.directions: torch.Tensor = torch.where(amplitude > 0.0, components / amplitude, 0.0)  # (n, 3)

    def tangent(self, field: torch.Tensor) -> torch.Tensor:
        """Return the change of amplitudes for a change of the field, (3 n,) -> (n,)."""
        return (self.directions * field.reshape(-1, 3)).sum(1)

    def adjoint(self, amplitude: torch.Tensor) -> torch.Tensor:
        """Return the transposed product, (n,) -> (3 n,)."""
        return (self.directions * amplitude[:, None]).ravel()


class EngineLink:
    """An engine as a tensor linearization."""

    def __init__(self, engine: Engine):
        self.tangent: Product = engine.forward
        self.adjoint: Product = engine.adjoint
        if getattr(engine, "takes_rows", False):
            self.adjoint_rows: Product = engine.adjoint


class Jacobian(Chain):
    """Product of operators, on the device and in the type of an engine."""

    def __init__(self, links: Sequence[Any], engine: Engine):
        super().__init__(*links)
        self.device: torch.device = engine.device
        self.dtype: torch.dtype = engine.dtype
