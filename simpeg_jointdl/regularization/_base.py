"""The one base class of all couplings: from a torch residual to what SimPEG wants of a regularization."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import BaseSimilarityMeasure

from .._core.operators import JacobianOperator
from .._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device, resolve_dtype
from .._problem.mesh import as_regularization_mesh
from ._linearization import Linearization, State, random_signs
from ._properties import PropertyMaps

# Probes of an estimated diagonal: as many adjoint products, so that it costs no more than three gradients.
_DIAGONAL_PROBES = 2


class BaseCoupling(BaseSimilarityMeasure):
    r"""Base class of the couplings :math:`\phi(m) = \| \mathbf r(p_1(m), \dots, p_N(m)) \|^2`.

    A subclass writes its residual as a function of a ``(n_properties, n_cells)`` tensor, and gets value,
    gradient :math:`2\mathbf J^\top \mathbf r`, the always positive semi-definite Gauss-Newton Hessian
    :math:`2 \mathbf J^\top \mathbf J`, its diagonal and a map of the residual. Derivatives come from
    ``torch.func`` unless the subclass gives them as closed formulas in ``_linearize``.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        In 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties: all parts of a Wires, or one map per property, each from the WHOLE model to
        one property on the active cells: ``[wires.density, wires.susceptibility]``,
        ``[maps.LogMap(nP=n) * wires.rho, wires.v]``.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per cell of the mesh, or the indices of the active ones; all cells when not given.
    weights : dict, optional
        ``{name: array}``, each ``(n_cells,)`` or ``(n_cells, n_properties)``, not negative. They multiply
        each other and the cell volumes. Where a term mixes properties it takes the geometric mean of theirs.
    device : str or torch.device, optional
        Torch's default device when not given.
    dtype : optional
        float64 (default) or float32, whose error tests/regularization/test_float32.py bounds (at most 2e-5 of the
        value); where a coupling feels offsets, much larger ones than the variation should come off the model first.
    random_seed : int
        Of the diagonal's estimate, where it is one.

    Raises
    ------
    TypeError, ValueError, MemoryError
        For inputs that do not fit, and a device without memory left: what came, what was wanted and what to do.
    """

    def __init__(
        self,
        mesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        active_cells: np.ndarray | None = None,
        weights: dict[str, np.ndarray] | None = None,
        device: str | torch.device | None = None,
        dtype=None,
        random_seed: int = 0,
    ):
        self._state: State | None = None
        self._device, self._dtype = resolve_device(device), resolve_dtype(dtype)
        self.random_seed = int(random_seed)
        super().__init__(as_regularization_mesh(mesh, active_cells, type(self).__name__), wire_map)
        self.set_weights(volume=self.regularization_mesh.vol)
        if weights is not None:
            if not isinstance(weights, dict):
                msg = f"{type(self).__name__}.weights: got {type(weights).__name__}, wanted {{name: array}}."
                raise TypeError(msg)
            self.set_weights(**weights)

    # Whether a constant added to a property changes nothing. Offsets then come off before the cast to `dtype`:
    # float32 keeps what varies, and a uniform model is exactly zero rather than round-off.
    _ignores_offsets = False

    # what a subclass writes ---------------------------------------------------------------------
    @abstractmethod
    def _residual(self, p: torch.Tensor) -> torch.Tensor:
        """Residual at the properties, (n_properties, n_cells) -> (..., n_cells), written in torch.

        The last axis is the cell an entry belongs to; a coupling whose residual has another form also
        writes ``_linearize``.
        """

    def _linearize(self, p: torch.Tensor) -> Linearization:
        """Linearization at `p`; by default from ``_residual`` by automatic differentiation."""
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
        """Device the coupling computes on."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """Type the coupling computes in; SimPEG always sees float64."""
        return self._dtype

    @property
    def wire_map(self):
        """The maps from the whole model to the properties, as they were given."""
        return self._wire_map

    @wire_map.setter
    def wire_map(self, value):
        self._properties = PropertyMaps(value, self.n_cells, type(self).__name__)
        self._wire_map = value
        self._forget()

    @property
    def properties(self) -> PropertyMaps:
        """The maps as one object: values, derivatives and which parameters move which property."""
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

    def tensor(self, array) -> torch.Tensor:
        """`array` on this coupling's device and in its dtype."""
        return as_tensor(array, self._device, self._dtype)

    def _property_tensor(self, model) -> torch.Tensor:
        p = self._properties(model)
        if self._ignores_offsets:  # the middle of the range: exact for a uniform property, as a mean is not
            p = p - 0.5 * (p.min(axis=1, keepdims=True) + p.max(axis=1, keepdims=True))
        return self.tensor(p)

    # weights ----------------------------------------------------------------------------------------
    def set_weights(self, **weights: np.ndarray):
        """Add or replace weights, each ``(n_cells,)`` or ``(n_cells, n_properties)``, not negative."""
        for key, values in weights.items():
            self._weights[key] = self._check_weights(key, values)
        self._forget()

    def remove_weights(self, key: str):
        """Remove the weights of this name; KeyError if there are none."""
        super().remove_weights(key)
        self._forget()

    def _check_weights(self, key, values) -> np.ndarray:
        values = np.array(values, dtype=float)
        shapes = ((self.n_cells,), (self.n_cells, self.n_properties))
        if values.shape not in shapes:
            problem = f"shape {values.shape}, wanted {shapes[0]} or {shapes[1]}"
        elif not np.isfinite(values).all():
            problem = "NaN or infinite values"
        elif (values < 0).any():
            problem = f"negative values (least {values.min():g}); a weight multiplies a square"
        else:
            return values
        msg = f"{type(self).__name__}.weights['{key}']: got {problem}."
        raise ValueError(msg)

    def cell_weights(self, properties: Sequence[int] | None = None) -> torch.Tensor:
        """Product of all weights and the volumes, (n_cells,): the geometric mean over `properties`.

        Parameters
        ----------
        properties : sequence of int, optional
            Indices of the properties a term mixes; all of them when not given.
        """
        total = np.ones(self.n_cells)
        for values in self._weights.values():
            if values.ndim == 2:
                some = values if properties is None else values[:, list(properties)]
                values = some.prod(axis=1) ** (1.0 / some.shape[1])
            total = total * values
        return self.tensor(total)

    # value and derivatives ----------------------------------------------------------------------------
    def __call__(self, model) -> float:
        """Value of the coupling at a model, (nP,) -> float."""
        return float(self._at(model).at.value)

    def deriv(self, model) -> np.ndarray:
        """Gradient, (nP,) -> (nP,)."""
        state = self._at(model)
        with self._guard():
            return 2.0 * state.jacobian.adjoint(as_numpy(state.at.gradient()))

    def deriv2(self, model, v: np.ndarray | None = None):
        r"""Gauss-Newton Hessian :math:`2\mathbf J^\top\mathbf J`, or its product with `v`.

        Parameters
        ----------
        model : (nP,) numpy.ndarray
        v : (nP,) numpy.ndarray, optional

        Returns
        -------
        (nP,) numpy.ndarray, or an operator of shape (nP, nP)
            The operator adds to sparse matrices, scales, and has ``diagonal()``.
        """
        state = self._at(model)
        if v is None:
            model = state.model
            return JacobianOperator(
                (self.nP, self.nP),
                lambda v: self.deriv2(model, v),
                lambda v: self.deriv2(model, v),
                diagonal=lambda: self.hessian_diagonal(model),
                diagonal_is_exact=self._diagonal_is_exact(state),
            )
        with self._guard():
            tangent = state.at.tangent(self.tensor(state.jacobian.forward(v)))
            return 2.0 * state.jacobian.adjoint(as_numpy(state.at.adjoint(tangent)))

    def tensor_hessian(self, model, crossing):
        """Product of :meth:`deriv2` on tensors, (nP,) -> (nP,); None if the derivative of a map is not sparse."""
        return self._at(model).tensor_hessian(crossing)

    def hessian_diagonal(self, model) -> np.ndarray:
        """Diagonal of the Gauss-Newton Hessian, (nP,) -> (nP,), never negative.

        Exact where a closed formula is cheap and each model parameter moves one property in one cell;
        otherwise an unbiased estimate from two seeded random probes, as :meth:`diagonal_is_exact_at` says.
        """
        state = self._at(model)
        with self._guard():
            if self._diagonal_is_exact(state):
                return 2.0 * state.jacobian.squared_adjoint(as_numpy(state.at.diagonal()))
            generator = torch.Generator(self._device).manual_seed(self.random_seed)
            total = np.zeros(self.nP)
            for _ in range(_DIAGONAL_PROBES):
                probe = state.at.probe(generator)
                total += state.jacobian.adjoint(as_numpy(state.at.adjoint(probe))) ** 2
            return 2.0 * total / _DIAGONAL_PROBES

    def diagonal_is_exact_at(self, model) -> bool:
        """Whether :meth:`hessian_diagonal` is exact at this model, or a stochastic estimate."""
        return self._diagonal_is_exact(self._at(model))

    def residual(self, model) -> np.ndarray:
        """All entries of the residual, whose squared norm is the value; (nP,) -> (n_residuals,)."""
        p = self._property_tensor(model)
        with self._guard():
            return as_numpy(self._residual(p)).ravel()

    def cell_values(self, model) -> np.ndarray:
        """What each active cell adds to the value, (nP,) -> (n_cells,)."""
        state = self._at(model)
        with self._guard():
            return as_numpy(state.at.cell_values()).copy()  # kept for this model: the caller gets its own

    # housekeeping ---------------------------------------------------------------------------------------
    def _at(self, model) -> State:
        """Linearization at `model`, kept until another model comes or a setting changes."""
        state = self._state
        if state is None or not np.array_equal(state.model, model):
            p = self._property_tensor(model)
            model = np.array(model, dtype=float)
            with self._guard():
                self._state = state = State(model, self._linearize(p), self._properties)
        return state

    def _forget(self):
        """Drop what was computed with settings that have changed."""
        self._state = None
        self._W = None

    @staticmethod
    def _diagonal_is_exact(state: State) -> bool:
        return state.at.diagonal is not None and state.jacobian.is_separable

    def _guard(self):
        return explain_out_of_memory(type(self).__name__, self._device)
