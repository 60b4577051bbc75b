"""A SimPEG simulation of magnetotelluric stations over layered columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, DTypeLike
from simpeg import props
from simpeg.electromagnetics.natural_source import Survey
from simpeg.maps import IdentityMap
from simpeg.simulation import BaseSimulation
from simpeg.utils import Counter, validate_type

from ..._core.operators import JacobianOperator
from ..._core.tensors import as_numpy, as_numpy_view, as_tensor, resolve_device, resolve_dtype
from ..._tensor_path import Chain, Crossing, map_operator
from ._checks import check_stations, checked_conductivity, checked_thicknesses
from ._columns import Columns, ModelLinearization
from ._layout import read_survey

_KEPT = "_kept_blocks"


class Simulation1DStitched(BaseSimulation):
    r"""Magnetotelluric data of stations, each over its own layered column, computed on a CPU or a GPU.

    The impedance of a column is computed by the recursion of :func:`simpeg_jointdl.kernels.layered_impedance`, for all
    stations and frequencies at once. Derivatives are exact. Only pairs of station and frequency with data are computed.

    Parameters
    ----------
    survey : simpeg.electromagnetics.natural_source.Survey
        Survey of the stations, which are the distinct receiver locations, numbered in order of first appearance. Each
        station has the frequencies of its own data. Receivers are SimPEG's ``Impedance`` with orientation "xy" or "yx",
        or :class:`DeterminantImpedance`; their components are "real", "imag" (ohm), "apparent_resistivity" (ohm m) and
        "phase" (degrees). See :func:`create_survey`.
    thicknesses : (n_layers - 1,) or (n_stations, n_layers - 1) array_like
        Thicknesses in m, from the surface down; the last layer is a half-space. An empty list gives half-spaces.
    sigmaMap, rhoMap : simpeg.maps.IdentityMap, optional
        Map from the model to conductivity or resistivity, (n_stations * n_layers,), layers fastest, from the surface
        down.
    sigma, rho : (n_stations * n_layers,) array_like, optional
        Conductivity (S/m) or resistivity (ohm m) of a simulation without a model.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32; SimPEG always receives float64.
    counter, verbose, **kwargs
        Passed on to SimPEG's base classes.

    Attributes
    ----------
    station_locations : (n_stations, dim) numpy.ndarray
        Locations of the stations.
    station_index : (n_data,) numpy.ndarray of int
        Station of each datum.
    n_stations, n_layers : int
        Numbers of stations and of layers in each column.

    Raises
    ------
    ValueError, TypeError
        If the survey has other receivers, orientations or components, or electric and magnetic fields at different
        locations; if frequencies or thicknesses are not above zero; if thicknesses are given for another number of
        stations; if a model has another length or gives conductivities that are not above zero.

    Notes
    -----
    Data have SimPEG's order: source, receiver, location.

    Signs are those of SimPEG, whose axes point east, north and up: :math:`Z_{xy}` of layers is in the third quadrant,
    with phases from -180 to -90 degrees, as ``Simulation1DRecursive`` predicts it for any orientation of its receivers.
    Here :math:`Z_{yx} = -Z_{xy}` is in the first quadrant, as in SimPEG's simulations on meshes, and the determinant
    has the sign of :math:`Z_{xy}`. Most field data have axes north, east and down: their xy is the yx of SimPEG.

    With the model on a :class:`discretize.TensorMesh` of n_layers x n_stations cells, SimPEG's regularization smooths
    along columns and between neighbouring stations of a line.

    References
    ----------
    Ward, S. H., and Hohmann, G. W. (1988), Electromagnetic theory for geophysical applications,
    https://doi.org/10.1190/1.9781560802631.ch4

    Auken, E. and Christiansen, A. V. (2004). Layered and laterally constrained 2D inversion of resistivity data.
    Geophysics, 69(3), 752-761. https://doi.org/10.1190/1.1759461

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.electromagnetics import natural_source
    >>> survey = natural_source.create_survey([[0.0, 0.0], [500.0, 0.0]], [1.0, 10.0], orientation="yx")
    >>> simulation = natural_source.Simulation1DStitched(survey, [100.0, 400.0], rhoMap=maps.ExpMap(nP=6))
    >>> data = simulation.dpred(np.log([10.0, 10.0, 10.0, 200.0, 200.0, 200.0]))
    >>> data.reshape(2, 2, 2).round(6).tolist()[0]  # at 1 Hz: apparent resistivities and phases of both stations
    [[10.0, 200.0], [45.0, 45.0]]
    """

    device: torch.device
    dtype: torch.dtype
    sigma: Any
    sigmaMap: Any
    sigmaDeriv: Any
    rho: Any
    rhoMap: Any
    rhoDeriv: Any
    model: Any
    sigma, sigmaMap, sigmaDeriv = props.Invertible("Electrical conductivity (S/m)")
    rho, rhoMap, rhoDeriv = props.Invertible("Electrical resistivity (Ohm m)")
    props.Reciprocal(sigma, rho)

    method_name = "magnetotellurics"  # in tables and logs

    def __init__(
        self,
        survey: Survey | None = None,
        thicknesses: ArrayLike | None = None,
        sigmaMap: IdentityMap | None = None,
        rhoMap: IdentityMap | None = None,
        sigma: ArrayLike | None = None,
        rho: ArrayLike | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        *,
        counter: Counter | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ):
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self._layout = self._thicknesses = self._columns = self._crossing = None
        super().__init__(survey=survey, counter=counter, verbose=verbose, **kwargs)
        self.sigma, self.rho = sigma, rho
        self.sigmaMap, self.rhoMap = sigmaMap, rhoMap
        self.thicknesses = thicknesses

    # what is simulated ------------------------------------------------------------------------------------
    @property
    def survey(self) -> Survey | None:
        """SimPEG's natural-source survey."""
        return self._survey

    @survey.setter
    def survey(self, value: Survey | None) -> None:
        if value is not None:
            value = validate_type("survey", value, Survey, cast=False)
            self._layout = read_survey(type(self).__name__, value)
        self._survey = value
        self._forget()

    @property
    def thicknesses(self) -> np.ndarray | None:
        """Thicknesses in m from the surface down, (n_layers - 1,) for all stations or (n_stations, n_layers - 1)."""
        return self._thicknesses

    @thicknesses.setter
    def thicknesses(self, value: ArrayLike | None) -> None:
        self._thicknesses = None if value is None else checked_thicknesses(type(self).__name__, value)
        self._forget()

    @property
    def station_locations(self) -> np.ndarray:
        """Locations of the stations in order of first appearance in the survey, (n_stations, dim)."""
        return self._stations.locations.copy()

    @property
    def station_index(self) -> np.ndarray:
        """Station of each datum, (n_data,)."""
        return self._stations.station.copy()

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Station and frequency in Hz of each impedance in :meth:`fields`, two arrays of shape (n_pairs,)."""
        return self._stations.pair_station, self._stations.pair_frequency

    @property
    def n_stations(self) -> int:
        """Number of stations."""
        return self._stations.n_stations

    @property
    def n_layers(self) -> int:
        """Number of layers of a column, including the half-space."""
        return self._wanted("thicknesses").shape[-1] + 1

    @property
    def _stations(self):
        self._wanted("survey")
        return self._layout

    def _wanted(self, name):
        value = getattr(self, name)
        if value is None:
            msg = f"{type(self).__name__}.{name}: not set; give it to the simulation before asking for data."
            raise ValueError(msg)
        return value

    def _forget(self):
        self._columns = None
        if hasattr(self, _KEPT):
            delattr(self, _KEPT)

    @property
    def _engine(self) -> Columns:
        if self._columns is None:
            check_stations(type(self).__name__, self._wanted("thicknesses"), self.n_stations)
            self._columns = Columns(self._layout, self._thicknesses, self.device, self.dtype)
        return self._columns

    def _conductivity(self):
        self._engine  # noqa: B018 report a missing survey or thicknesses first
        sigma = checked_conductivity(type(self).__name__, self.sigma, self.n_stations, self.n_layers)
        return as_tensor(sigma, self.device, self.dtype)

    def __getstate__(self) -> dict[str, Any]:
        # tables hold device memory; a copy builds its own
        kept = {name: value for name, value in vars(self).items() if name != _KEPT}
        return kept | {"_columns": None, "_crossing": None}

    # data and derivatives ---------------------------------------------------------------------------------
    def fields(self, m: np.ndarray | None = None) -> np.ndarray:
        """Return impedances in ohm in the first quadrant, (n_pairs,) complex, in the order of :attr:`pairs`."""
        if m is not None:
            self.model = m
        return as_numpy_view(self._engine.impedance(self._conductivity())).astype(complex)

    def dpred(self, m: np.ndarray | None = None, f: np.ndarray | None = None) -> np.ndarray:
        """Return the predicted data of a model, (nP,) -> (nD,), or of its `fields`."""
        if f is None:
            if m is not None:
                self.model = m
            impedance = self._engine.impedance(self._conductivity())
        else:
            impedance = as_tensor(f, self.device, self.dtype.to_complex())
        return as_numpy(self._engine.data(impedance))

    @property
    def _blocks(self):
        if not hasattr(self, _KEPT):
            setattr(self, _KEPT, self._engine.jacobian(self._conductivity()))
        return getattr(self, _KEPT)

    @property
    def _derivative(self):
        """Derivative of conductivity with respect to the model."""
        if self.sigmaMap is None:
            msg = f"{type(self).__name__}: it has neither sigmaMap nor rhoMap, so its data depend on no model; set one."
            raise ValueError(msg)
        return self.sigmaDeriv

    def Jvec(self, m: np.ndarray, v: np.ndarray, f: Any = None) -> np.ndarray:
        """Return the sensitivity matrix times a vector, (nP,) -> (nD,); `f` is not used."""
        self.model = m
        change = as_tensor(np.asarray(self._derivative @ v), self.device, self.dtype)
        return as_numpy(self._blocks.tangent(change))

    def Jtvec(self, m: np.ndarray, v: np.ndarray, f: Any = None) -> np.ndarray:
        """Return the transposed sensitivity matrix times a vector, (nD,) -> (nP,); `f` is not used."""
        self.model = m
        pull = self._blocks.adjoint(as_tensor(np.asarray(v), self.device, self.dtype))
        return np.asarray(self._derivative.T @ as_numpy(pull))

    def getJ(self, m: np.ndarray, f: Any = None) -> sp.csr_matrix | JacobianOperator:
        """Return the sparse sensitivity matrix, (nD, nP), whose rows have entries for their own station only.

        Where only products with the derivative of a map are known, as for a network, it is an operator. `f` is not
        used.
        """
        self.model = m
        inner = self._derivative
        return self._blocks.matrix() @ (inner if isinstance(inner, JacobianOperator) else sp.csr_matrix(inner))

    def getJtJdiag(self, m: np.ndarray, W: Any = None, f: Any = None) -> np.ndarray:
        r"""Return the diagonal of :math:`\mathbf J^\top \mathbf W^\top \mathbf W \mathbf J`, (nP,).

        It is exact where the derivative of the map is sparse. Where only its products are known, it is an unbiased
        stochastic estimate with a fixed seed. `f` is not used.
        """
        matrix = self.getJ(m) if W is None else W @ self.getJ(m)
        return np.asarray(matrix.power(2).sum(axis=0)).ravel()

    def tensor_jacobian(self, m: np.ndarray) -> Chain | None:
        """Return the sensitivities at a model (nP,) on the device, as :mod:`simpeg_jointdl._tensor_path` needs them.

        They have ``tangent``, ``adjoint``, ``device`` and ``dtype``; None if the map has no sparse derivative.
        """
        self.model = m
        self._derivative  # noqa: B018 raises if there is no map
        maps = vars(self).get("_sigmaMap"), vars(self).get("_rhoMap")
        if self._crossing is None or self._crossing[0] != maps:
            # SimPEG makes a new reciprocal map at every access, so its results could not be kept
            self._crossing = maps, self.sigmaMap, Crossing(self.device, self.dtype)
        derivative = map_operator(self._crossing[1], m, self._crossing[2])
        return None if derivative is None else ModelLinearization(derivative, self._blocks)

    @property
    def _delete_on_model_update(self):
        return [*super()._delete_on_model_update, _KEPT]
