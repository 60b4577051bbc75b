"""What this package may ask of an object, one Protocol each: the extension points of the package.

An object that has the methods of a Protocol is accepted, whoever wrote it; it needs no base class of this package. Ask
by ``isinstance(thing, HasChi)``, never by ``hasattr(thing, "chi")``, so that every extension point is found here.

``isinstance`` looks for the names alone, not for signatures. How it looks depends on the version of Python. Python 3.11
evaluates a property to see whether it is there, so a property named here must be cheap and must not change anything.
From Python 3.12 on only what a class or an instance holds counts, not what ``__getattr__`` returns: a buffer of a
``torch.nn.Module`` is not seen, nor is an attribute that a proxy passes on. A new Protocol should therefore name
methods rather than data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import torch


# meshes, data and simulations ---------------------------------------------------------------------------
@runtime_checkable
class HasCells(Protocol):
    """A mesh, as discretize makes them."""

    @property
    def dim(self) -> int:
        """Number of dimensions, 1 to 3."""

    @property
    def n_cells(self) -> int:
        """Number of cells, active or not."""

    @property
    def cell_volumes(self) -> np.ndarray:
        """Volumes in m^dim, (n_cells,)."""


@runtime_checkable
class HasSurveyAndData(Protocol):
    """Observed data over a survey, as ``simpeg.data.Data``."""

    @property
    def survey(self) -> Any:
        """SimPEG survey with sources and receivers."""

    @property
    def dobs(self) -> np.ndarray:
        """Observed data, (n_data,)."""


@runtime_checkable
class HasSimulation(Protocol):
    """A data misfit that knows its simulation, as ``simpeg.data_misfit.L2DataMisfit``."""

    @property
    def simulation(self) -> Any:
        """SimPEG simulation whose data are fitted."""


@runtime_checkable
class HasSensitivityMatrix(Protocol):
    """A simulation that can give its sensitivity matrix as a whole."""

    def getJ(self, m: np.ndarray) -> Any:
        """Sensitivity matrix at a model, (n_data, nP)."""


@runtime_checkable
class HasMethodName(Protocol):
    """A simulation that says which geophysical method it simulates."""

    @property
    def method_name(self) -> str:
        """Name of the method in tables, logs and figures, such as "magnetotellurics"."""


# terms of an objective function -------------------------------------------------------------------------
@runtime_checkable
class HasChi(Protocol):
    """A data misfit whose expected value under noise alone is not its number of data."""

    def chi(self, residual: np.ndarray) -> float:
        """Misfit over its expected value, from the residual over the uncertainties, (n_data,)."""


@runtime_checkable
class HasHessianDiagonal(Protocol):
    """A term that knows the diagonal of its Hessian without the Hessian, for preconditioners."""

    def hessian_diagonal(self, model: np.ndarray) -> np.ndarray:
        """Diagonal of the Hessian at a model, (nP,) -> (nP,)."""


@runtime_checkable
class HasTensorHessian(Protocol):
    """A term whose Hessian products run on tensors; see :mod:`simpeg_jointdl._tensor_path`."""

    def tensor_hessian(self, model: np.ndarray, crossing: Any) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Product with the Hessian at a model, (nP,) -> (nP,) tensors; None where there is no such path."""


@runtime_checkable
class HasTensorThrough(Protocol):
    """A term that depends on the model through one operator, which it shares with other terms."""

    def tensor_through(self, model: np.ndarray, crossing: Any) -> tuple[Any, Callable[[torch.Tensor], torch.Tensor]]:
        """The shared operator, and the product with the Hessian with respect to the operator's values."""


@runtime_checkable
class HasTensorJacobian(Protocol):
    """A simulation whose sensitivities are products on tensors."""

    def tensor_jacobian(self, m: np.ndarray) -> TensorLinearization | None:
        """Derivative of the predicted data with respect to the whole model, (nP,); None where there is none."""


@runtime_checkable
class HasTensorDerivative(Protocol):
    """A map whose derivative is a product on tensors, such as a network."""

    def tensor_derivative(self, m: np.ndarray) -> TensorLinearization:
        """Derivative of the map's values with respect to its model, (nP,)."""


@runtime_checkable
class TensorLinearization(Protocol):
    """A derivative as two products on tensors; `device` and `dtype` are those of both."""

    device: torch.device
    dtype: torch.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """Product with the Jacobian, (n_parameters,) -> (n_values,)."""

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Product with its transpose, (n_values,) -> (n_parameters,)."""


@runtime_checkable
class HasAdjointRows(Protocol):
    """A linear operator on tensors that multiplies many vectors by its transpose at once."""

    def adjoint_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Product of the transpose with every row, (k, n_values) -> (k, n_parameters)."""


# couplings ----------------------------------------------------------------------------------------------
@runtime_checkable
class HasProperties(Protocol):
    """A coupling that holds its maps to the coupled properties as one object."""

    @property
    def properties(self) -> Any:
        """Maps from the whole model to each coupled property, with their derivatives."""


@runtime_checkable
class IsCluster(Protocol):
    """A coupling that pulls the properties of each cell towards cluster centres."""

    def memberships(self, model: np.ndarray) -> np.ndarray:
        """Share of each cell that belongs to each cluster, (nP,) -> (n_cells, n_clusters)."""

    def update(self, model: np.ndarray) -> None:
        """Move the centres towards the properties of the model, as far as their guidance allows."""


@runtime_checkable
class TakesClusters(Protocol):
    """A cluster coupling whose centres can be replaced, their number included."""

    def set_clusters(self, centers: np.ndarray, guidance: Any = None) -> None:
        """Take other centres, (n_clusters, n_properties), with the strength that holds each, (n_clusters,)."""


@runtime_checkable
class HasStrengths(Protocol):
    """A coupling that weighs each property by a factor of its own, with memberships held at a model."""

    @property
    def strengths(self) -> np.ndarray:
        """Factor of each property, (n_properties,), above 0."""

    def hold_memberships(self, model: np.ndarray) -> None:
        """Hold the memberships at those of a model from here on."""


# directives and minimizers ------------------------------------------------------------------------------
@runtime_checkable
class Settles(Protocol):
    """A directive that changes the objective function during a run until it has settled; others wait for that."""

    @property
    def settled(self) -> bool:
        """Whether it will not change the objective function any more."""


@runtime_checkable
class Checkpointed(Protocol):
    """An object of an inversion that returns the state that a checkpoint must keep."""

    def checkpoint_state(self) -> dict[str, Any]:
        """State as plain values: numbers, strings, None, arrays, and lists and dicts of these."""

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore a state that :meth:`checkpoint_state` returned."""


@runtime_checkable
class HasBoundCurvature(Protocol):
    """A minimizer that adds curvature to parameters near their bounds."""

    bound_curvature: Any  # (nP,) numpy.ndarray, or 0.0


# networks -----------------------------------------------------------------------------------------------
@runtime_checkable
class PreparesPoints(Protocol):
    """A network over coordinates that computes once what stays the same from call to call."""

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments of the call, from points (n_points, dim) scaled to [-1, 1]."""


@runtime_checkable
class HasResetParameters(Protocol):
    """A torch module that initializes its parameters again, as torch's own layers do."""

    def reset_parameters(self) -> None:
        """Draw all parameters, those of inner modules included, from torch's global generator."""


@runtime_checkable
class IsDecoder(Protocol):
    """A generative model of geology: properties anywhere from a latent vector."""

    n_latent: int
    properties: Sequence[str]

    def decode(self, z: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Properties at points (n_points, 3), from (k, n_latent) -> (k, n_properties, n_points)."""


@runtime_checkable
class HasEncoder(Protocol):
    """A decoder with its inverse."""

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the variance of the latent vector, each (k, n_latent), from grids of properties."""


@runtime_checkable
class SamplesLatent(Protocol):
    """A decoder that knows latent vectors of random geology."""

    def sample_latent(self, n_samples: int, *, random_seed: Any = 0) -> torch.Tensor:
        """Latent vectors of random geology, (n_samples, n_latent)."""


@runtime_checkable
class HasAmplitudes(Protocol):
    """A decoder whose first latent entries are the sizes of the properties."""

    @property
    def amplitude_steps(self) -> torch.Tensor:
        """Change of the logarithm of each property per unit of its latent entry, (n_properties,)."""


@runtime_checkable
class HasOffsets(Protocol):
    """A decoder that takes further latent entries, corrections of single bodies."""

    @property
    def n_offsets(self) -> int:
        """Number of entries beyond `n_latent`."""
