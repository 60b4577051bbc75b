"""SimPEG's simulation methods on top of an engine, shared by gravity and magnetics."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import DTypeLike
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from simpeg.simulation import LinearSimulation
from simpeg.utils import validate_active_indices

from .._core.operators import JacobianOperator
from .._core.tensors import as_numpy, as_tensor, resolve_device
from .._tensor_path import Crossing, map_operator
from ._checks import check_cells, check_locations, checked_choice, checked_storage
from .engines import (
    ENGINES,
    AmplitudeDirections,
    Engine,
    EngineLink,
    EngineOperator,
    Geometry,
    Jacobian,
    Stations,
    make_engine,
)

_SIMPEG_ONLY = ("n_processes", "numba_parallel")
_KEPT = "_kept_directions"


class EngineSimulation:
    """Mixin of SimPEG's integral simulations that multiplies their physical property by an engine.

    A subclass sets ``_property``, the name of its physical property, and defines ``_terms()``. Where its data are not
    linear in one scalar property it also defines ``_magnetization()`` and ``is_amplitude_data``.
    """

    _property: str

    def _begin(
        self,
        mesh,
        *,
        engine,
        device,
        active_cells=None,
        store_sensitivities="ram",
        sensitivity_dtype=np.float32,
        **kwargs,
    ):
        """Replace SimPEG's constructor, which would store the corners of all cells: gigabytes for 10⁷ cells."""
        who = type(self).__name__
        for name in _SIMPEG_ONLY:
            if kwargs.pop(name, None) is not None:
                msg = f"{who}: {name} applies to SimPEG's engines only and is ignored. Use torch.set_num_threads."
                warnings.warn(msg, UserWarning, stacklevel=3)
        self.mesh = mesh
        self.store_sensitivities = store_sensitivities
        self.engine, self.sensitivity_dtype = engine, sensitivity_dtype
        self.device = resolve_device(device)
        self._crossing = None
        LinearSimulation.__init__(self, **kwargs)
        if active_cells is None:
            active_cells = np.ones(mesh.n_cells, dtype=bool)
        self._active_cells = validate_active_indices("active_cells", active_cells, mesh.n_cells)
        check_cells(who, mesh, self._active_cells)
        self.nC = int(self._active_cells.sum())

    # settings -------------------------------------------------------------------------------------------
    @property
    def engine(self) -> str:
        """Requested engine: "auto", "dense", "toeplitz" or "blocked"."""
        return self._engine

    @engine.setter
    def engine(self, value) -> None:
        self._engine, self._built = checked_choice(type(self).__name__, "engine", value, ENGINES), None
        self._squares = {}

    @property
    def sensitivity_dtype(self) -> DTypeLike:
        """Type of sensitivities and products: np.float32, np.float64, or "bfloat16" for a dense matrix."""
        return self._sensitivity_dtype

    @sensitivity_dtype.setter
    def sensitivity_dtype(self, value) -> None:
        self._storage = checked_storage(type(self).__name__, value)
        self._sensitivity_dtype, self._built, self._squares = value, None, {}

    @property
    def sensitivities(self) -> Engine:
        """The engine in use, built when it is first needed."""
        if self._built is None:
            receivers = self.survey.source_field.receiver_list
            check_locations(type(self).__name__, receivers)
            stations = [Stations(np.asarray(one.locations, dtype=float), self._terms(one)) for one in receivers]
            geometry = Geometry(self.mesh, self.active_cells, stations, self._magnetization())
            # without stored sensitivities SimPEG computes in float64, and so do we
            exact = self._storage == torch.float64 or self.store_sensitivities == "forward_only"
            self._built = make_engine(
                geometry,
                self.engine,
                self.device,
                torch.float64 if exact else torch.float32,
                storage=self._storage,
                store=self.store_sensitivities,
                folder=self.sensitivity_path,
                who=type(self).__name__,
            )
        return self._built

    def _terms(self, receiver):
        raise NotImplementedError

    def _magnetization(self):
        return None

    def __getstate__(self) -> dict[str, Any]:
        # an engine holds device memory; a copy builds its own
        return {name: value for name, value in vars(self).items() if name != _KEPT} | {
            "_built": None,
            "_crossing": None,
        }

    # data and derivatives ---------------------------------------------------------------------------------
    @property
    def G(self) -> np.ndarray | EngineOperator:
        """Sensitivities to the physical property: an array for a dense matrix in host memory, else an operator."""
        engine = self.sensitivities
        if engine.name == "dense" and self.device.type == "cpu" and self._storage != torch.bfloat16:
            return engine.dense()
        return EngineOperator(engine)

    @property
    def _values(self) -> np.ndarray:
        return np.asarray(getattr(self, self._property))

    @property
    def _values_deriv(self):
        return getattr(self, f"{self._property}Deriv")

    def _tensor(self, array):
        return as_tensor(np.asarray(array).ravel(), self.device, self.sensitivities.dtype)

    def fields(self, m: np.ndarray) -> np.ndarray:
        """Return the predicted data of a model, (nP,) -> (nD,)."""
        self.model = m
        field = self.sensitivities.forward(self._tensor(self._values))
        if self.is_amplitude_data:
            field = field.reshape(-1, 3).norm(dim=1)
        return as_numpy(field)

    def Jvec(self, m: np.ndarray, v: np.ndarray, f: Any = None) -> np.ndarray:
        """Return the sensitivity matrix times a vector, (nP,) -> (nD,); `f` is not used."""
        self.model = m
        data = self.sensitivities.forward(self._tensor(self._values_deriv @ v))
        return as_numpy(self._amplitudes().tangent(data) if self.is_amplitude_data else data)

    def Jtvec(self, m: np.ndarray, v: np.ndarray, f: Any = None) -> np.ndarray:
        """Return the transposed sensitivity matrix times a vector, (nD,) -> (nP,); `f` is not used."""
        self.model = m
        data = self._tensor(v)
        data = self._amplitudes().adjoint(data) if self.is_amplitude_data else data
        return np.asarray(self._values_deriv.T @ as_numpy(self.sensitivities.adjoint(data)))

    def getJ(self, m: np.ndarray, f: Any = None) -> np.ndarray | LinearOperator:
        """Return the sensitivity matrix, (nD, nP): an array for a dense engine in host memory, else an operator."""
        self.model = m
        matrix, derivative = self.G, self._values_deriv
        if isinstance(matrix, LinearOperator):
            rows = aslinearoperator(self._directions_matrix()) if self.is_amplitude_data else None
            matrix = matrix @ aslinearoperator(derivative)
            return matrix if rows is None else rows @ matrix
        if self.is_amplitude_data:
            matrix = self._directions_matrix() @ matrix
        return matrix @ derivative

    def getJtJdiag(self, m: np.ndarray, W: Any = None, f: Any = None) -> np.ndarray:
        r"""Return the diagonal of :math:`\mathbf J^\top \mathbf W^\top \mathbf W \mathbf J`, (nP,).

        It is exact where the derivative of the map is a sparse matrix. Where only its products are known, as for a
        network, it is an unbiased stochastic estimate from 32 seeded products with the transposed sensitivities. The
        sums of squares are kept until other weights are given.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Model.
        W : (nD, nD) scipy.sparse matrix, optional
            Diagonal matrix of data weights; the identity by default.
        f : optional
            Not used.
        """
        self.model = m
        if isinstance(self._values_deriv, JacobianOperator):
            return self._estimated_diagonal(m, W)
        n_data = self.survey.nD // (3 if self.is_amplitude_data else 1)
        weights = np.ones(n_data) if W is None else np.asarray(W.diagonal(), dtype=float)
        if self.is_amplitude_data:
            weights = weights[:, None] * as_numpy(self._amplitudes().directions)
        key = hashlib.sha256(np.ascontiguousarray(weights)).digest()
        if key not in self._squares:
            coefficients = as_tensor(weights.reshape(len(weights), -1), self.device, torch.float64)
            self._squares = {key: as_numpy(self.sensitivities.squared_columns(coefficients))}
        root = sp.diags(np.sqrt(self._squares[key]))
        return np.asarray((root @ self._values_deriv).power(2).sum(axis=0)).ravel()

    def _estimated_diagonal(self, m, weights):
        n_data = self.survey.nD
        weights = sp.identity(n_data) if weights is None else weights
        whole = JacobianOperator(
            (n_data, len(m)), lambda v: weights @ self.Jvec(m, v), lambda d: self.Jtvec(m, weights.T @ d)
        )
        return whole.power(2).sum(axis=0)

    def tensor_jacobian(self, m: np.ndarray) -> Jacobian | None:
        """Return the sensitivities on the device, for :class:`simpeg_jointdl.optimization.ProjectedGNCG`.

        Parameters
        ----------
        m : (nP,) numpy.ndarray
            Model.

        Returns
        -------
        tensor linearization or None
            An object with ``tangent``, ``adjoint``, ``device`` and ``dtype``; None if the map has no sparse derivative.
        """
        self.model = m
        engine = self.sensitivities
        if self._crossing is None or self._crossing.dtype != engine.dtype:
            self._crossing = Crossing(self.device, engine.dtype)
        derivative = map_operator(getattr(self, f"{self._property}Map"), m, self._crossing)
        if derivative is None:
            return None
        links = [derivative, EngineLink(engine)]
        return Jacobian([*links, self._amplitudes()] if self.is_amplitude_data else links, engine)

    # amplitudes -------------------------------------------------------------------------------------------
    def _amplitudes(self) -> AmplitudeDirections:
        if not hasattr(self, _KEPT):
            self._kept_directions = AmplitudeDirections(self.sensitivities.forward(self._tensor(self._values)))
        return self._kept_directions

    def _directions_matrix(self):
        directions = as_numpy(self._amplitudes().directions)
        return sp.block_diag(list(directions[:, None, :]), format="csr")

    @property
    def _delete_on_model_update(self):
        return [*super()._delete_on_model_update, _KEPT]

    # what SimPEG asks of its engines ----------------------------------------------------------------------
    def linear_operator(self) -> np.ndarray:
        """Return the whole matrix, (n_rows, n_columns), with any engine."""
        return self.sensitivities.dense()
