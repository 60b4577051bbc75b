"""Base class of the couplings: value, gradient and Gauss-Newton Hessian from a residual written in torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import BaseSimilarityMeasure, RegularizationMesh

from .._core import validation as check
from .._core.operators import JacobianOperator
from .._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device, resolve_dtype
from .._problem.mesh import as_regularization_mesh
from ._linearization import Linearization, State, random_signs
from ._properties import PropertyMaps, with_wires, without_wires
from ._weights import checked_weights, mean_weights


class BaseCoupling(BaseSimilarityMeasure):
    r"""Base class of the couplings :math:`\phi(m) = \| \mathbf r(p_1(m), \dots, p_N(m)) \|^2`.

    A subclass writes its residual as a function of a ``(n_properties, n_cells)`` tensor. This class then provides the
    value, the gradient :math:`2\mathbf J^\top \mathbf r`, the Gauss-Newton Hessian :math:`2 \mathbf J^\top \mathbf J`,
    which is always positive semi-definite, its diagonal, and the value of each cell. Derivatives come from
    ``torch.func`` unless the subclass gives closed formulas in ``_linearize``.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties: all parts of a Wires, or one map per property. Each map takes the whole model and
        returns one property on the active cells: ``[wires.density, wires.susceptibility]`` or
        ``[maps.LogMap(nP=n) * wires.rho, wires.v]``.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per mesh cell, or the indices of the active cells; by default all cells are active.
    weights : dict of str to array_like, optional
        Weights by name, each of shape ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells and not
        negative. Weights are multiplied with each other and with the cell volumes. A term of several properties uses
        the geometric mean of their weights.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32. The error of float32 is at most 2e-5 of the value
        in tests/regularization/test_float32.py. Subtract a constant that is much larger than the variation of a
        property before using float32 with a coupling that depends on absolute values.
    random_seed : int
        Seed of the estimated diagonal of the Hessian, where it is an estimate.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; the message says what was given and what was expected.
    MemoryError
        If the device runs out of memory.
    """

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        active_cells: ArrayLike | None = None,
        weights: dict[str, ArrayLike] | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        random_seed: int = 0,
    ):
        self._state: State | None = None
        self._device, self._dtype = resolve_device(device), resolve_dtype(dtype)
        self.random_seed: int = check.whole(f"{type(self).__name__}.random_seed", random_seed, least=0)
        super().__init__(as_regularization_mesh(mesh, active_cells, type(self).__name__), wire_map)
        self.set_weights(volume=self.regularization_mesh.vol)
        if weights is not None:
            self.set_weights(**check.instance(f"{type(self).__name__}.weights", weights, dict, "{name: array}"))

    # Whether adding a constant to a property leaves the coupling unchanged. The offset is then subtracted before the
    # cast to `dtype`, so that float32 resolves the variation and a uniform model gives exactly zero.
    _ignores_offsets = False

    # what a subclass writes ---------------------------------------------------------------------
    @abstractmethod
    def _residual(self, p: torch.Tensor) -> torch.Tensor:
        """Return the residual of the properties, (n_properties, n_cells) -> (..., n_cells), written in torch.

        The last axis is the cell that an entry belongs to. A coupling whose residual has another form must also
        define ``_linearize``.
        """

    def _linearize(self, p: torch.Tensor) -> Linearization:
        """Return the linearization at `p`; by default by automatic differentiation of ``_residual``."""
        residual, pull_back = torch.func.vjp(self._residual, p)
        return Linearization(
            value=residual.square().sum(),
            gradient=lambda: pull_back(residual)[0],
            tangent=lambda v: torch.func.jvp(self._residual, (p,), (v,))[1],
            adjoint=lambda y: pull_back(y)[0],
            cell_values=lambda: residual.square().reshape(-1, residual.shape[-1]).sum(0),
            probe=lambda generator: random_signs(residual.shape, generator, residual),
        )

    # the model and its properties -----------------------------------------------------------------
    @property
    def device(self) -> torch.device:
        """Device of the computation."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the computation; SimPEG always receives float64."""
        return self._dtype

    @property
    def wire_map(self) -> Wires | Sequence[IdentityMap]:
        """Maps from the whole model to the properties, as they were given."""
        return self._wire_map

    @wire_map.setter
    def wire_map(self, value: Wires | Sequence[IdentityMap]) -> None:
        self._properties = PropertyMaps(value, self.n_cells, type(self).__name__)
        self._wire_map = value
        self._forget()

    @property
    def properties(self) -> PropertyMaps:
        """Maps to all properties as one object, with their derivatives."""
        return self._properties

    @property
    def nP(self) -> int:
        """Length of the whole model."""
        return self._properties.nP

    @property
    def n_cells(self) -> int:
        """Number of active cells."""
        return int(self.regularization_mesh.n_cells)

    @property
    def n_properties(self) -> int:
        """Number of coupled properties."""
        return len(self._properties)

    @property
    def _nC_residual(self) -> int:
        return self.nP

    def tensor(self, array: ArrayLike) -> torch.Tensor:
        """Return `array` as a tensor on this coupling's device and in its dtype."""
        return as_tensor(array, self._device, self._dtype)

    def _property_tensor(self, model) -> torch.Tensor:
        p = self._properties(model)
        if self._ignores_offsets:  # the middle of the range is exact for a uniform property; the mean is not
            p = p - 0.5 * (p.min(axis=1, keepdims=True) + p.max(axis=1, keepdims=True))
        return self.tensor(p)

    # weights ----------------------------------------------------------------------------------------
    def set_weights(self, **weights: ArrayLike) -> None:
        """Add or replace weights by name.

        Parameters
        ----------
        **weights : (n_cells,) or (n_cells, n_properties) array_like
            Weights that are not negative, under any name.

        Raises
        ------
        ValueError
            If weights have another shape, are negative or are not finite.
        """
        for key, values in weights.items():
            who = f"{type(self).__name__}.weights[{key!r}]"
            self._weights[key] = checked_weights(who, values, self.n_cells, self.n_properties)
        self._forget()

    def remove_weights(self, key: str) -> None:
        """Remove the weights of a name; KeyError if there are none."""
        super().remove_weights(key)
        self._forget()

    def cell_weights(self, properties: Sequence[int] | None = None) -> torch.Tensor:
        """Return the product of all weights and the cell volumes, with the geometric mean over `properties`.

        Parameters
        ----------
        properties : sequence of int, optional
            Indices of the properties of a term; by default all of them.

        Returns
        -------
        (n_cells,) torch.Tensor
        """
        return self.tensor(mean_weights(self._weights.values(), self.n_cells, properties))

    # value and derivatives ----------------------------------------------------------------------------
    def __call__(self, model: np.ndarray) -> float:
        """Return the value of the coupling at a model, (nP,) -> float."""
        return float(self._at(model).at.value)

    def deriv(self, model: np.ndarray) -> np.ndarray:
        """Return the gradient at a model, (nP,) -> (nP,)."""
        state = self._at(model)
        with self._guard():
            return 2.0 * state.jacobian.adjoint(as_numpy(state.at.gradient()))

    def deriv2(self, model: np.ndarray, v: np.ndarray | None = None) -> Any:
        r"""Return the Gauss-Newton Hessian :math:`2\mathbf J^\top\mathbf J`, or its product with a vector.

        Parameters
        ----------
        model : (nP,) numpy.ndarray
            Model at which the residual is linearized.
        v : (nP,) numpy.ndarray, optional
            Vector to multiply by.

        Returns
        -------
        (nP,) numpy.ndarray, or an operator of shape (nP, nP)
            The product with `v`, or without `v` an operator that can be added to sparse matrices and multiplied by
            numbers, and that has ``diagonal()``.
        """
        state = self._at(model)
        if v is None:
            model = state.model
            return JacobianOperator(
                (self.nP, self.nP),
                lambda v: self.deriv2(model, v),
                lambda v: self.deriv2(model, v),
                diagonal=lambda: self.hessian_diagonal(model),
                diagonal_is_exact=state.diagonal_is_exact,
            )
        with self._guard():
            tangent = state.at.tangent(self.tensor(state.jacobian.forward(v)))
            return 2.0 * state.jacobian.adjoint(as_numpy(state.at.adjoint(tangent)))

    def tensor_hessian(self, model: np.ndarray, crossing: Any) -> Any:
        """Return the product with the Hessian on tensors, (nP,) -> (nP,); None if a map has no sparse derivative."""
        return self._at(model).tensor_hessian(crossing)

    def hessian_diagonal(self, model: np.ndarray) -> np.ndarray:
        """Return the diagonal of the Gauss-Newton Hessian, (nP,) -> (nP,), which is never negative.

        It is exact where a closed formula is cheap and each model parameter changes one property in one cell.
        Otherwise it is an unbiased stochastic estimate from two seeded random probes; :meth:`diagonal_is_exact_at`
        says which.
        """
        state = self._at(model)
        with self._guard():
            return state.hessian_diagonal(torch.Generator(self._device).manual_seed(self.random_seed))

    def diagonal_is_exact_at(self, model: np.ndarray) -> bool:
        """Return whether :meth:`hessian_diagonal` is exact at a model; otherwise it is a stochastic estimate."""
        return self._at(model).diagonal_is_exact

    def residual(self, model: np.ndarray) -> np.ndarray:
        """Return the residual, whose squared norm is the value, (nP,) -> (n_residuals,)."""
        p = self._property_tensor(model)
        with self._guard():
            return as_numpy(self._residual(p)).ravel()

    def cell_values(self, model: np.ndarray) -> np.ndarray:
        """Return the contribution of each active cell to the value, (nP,) -> (n_cells,)."""
        state = self._at(model)
        with self._guard():
            return as_numpy(state.at.cell_values()).copy()  # the linearization keeps the original

    # housekeeping ---------------------------------------------------------------------------------------
    def _at(self, model) -> State:
        """Return the linearization at `model`, which is kept until the model or a setting changes."""
        state = self._state
        if state is None or not np.array_equal(state.model, model):
            p = self._property_tensor(model)
            model = np.array(model, dtype=float)
            with self._guard():
                self._state = state = State(model, self._linearize(p), self._properties)
        return state

    def _forget(self) -> None:
        """Drop everything that was computed with earlier settings."""
        self._state = None
        self._W = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for pickle and copy; the linearization is computed again when it is needed."""
        return self.__dict__ | {"_state": None, "_W": None, "_wire_map": without_wires(self._wire_map)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a state of :meth:`__getstate__`."""
        self.__dict__.update(state)
        self._wire_map = with_wires(self._wire_map)

    def _guard(self):
        return explain_out_of_memory(type(self).__name__, self._device)
