"""Stations over layered columns as a simulation of SimPEG's."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from simpeg import props
from simpeg.electromagnetics.natural_source import Survey
from simpeg.simulation import BaseSimulation
from simpeg.utils import validate_type

from ..._core.operators import JacobianOperator
from ..._core.tensors import as_numpy, as_numpy_view, as_tensor, resolve_device, resolve_dtype
from ..._tensor_path import Chain, Crossing, map_operator
from ._checks import check_stations, checked_conductivity, checked_thicknesses
from ._columns import Columns
from ._layout import read_survey

_KEPT = "_kept_blocks"


class Simulation1DStitched(BaseSimulation):
    r"""Magnetotelluric data of stations, each over its own column of layers, on a CPU or a GPU.

    The impedance of a column is the recursion of :func:`simpeg_jointdl.kernels.layered_impedance`, for all stations
    and all frequencies at once; derivatives are exact. Only pairs of station and frequency that occur are computed.

    Parameters
    ----------
    survey : simpeg.electromagnetics.natural_source.Survey
        Stations are the distinct receiver locations, numbered in order of first appearance. Each has the frequencies
        of its own data. Receivers: SimPEG's ``Impedance`` with orientation "xy" or "yx", or
        :class:`DeterminantImpedance`; components "real", "imag" (ohm), "apparent_resistivity" (ohm m) and "phase"
        (degrees). See :func:`create_survey`.
    thicknesses : (n_layers - 1,) or (n_stations, n_layers - 1) array_like
        In m, from the surface down; the last layer is a half-space. An empty list makes half-spaces.
    sigma, rho : (n_stations * n_layers,) array_like, optional
        Conductivity (S/m) or resistivity (ohm m) of a simulation without a model.
    sigmaMap, rhoMap : simpeg.maps.IdentityMap, optional
        From the model to conductivity or resistivity, stations x layers, layers fastest, from the surface down.
    device : str or torch.device, optional
        Torch's current default device if not given.
    dtype : optional
        float64 (default) or float32, of the computation; what SimPEG sees is float64.
    **kwargs
        Of SimPEG's simulations: ``verbose``, ``counter``, ...

    Attributes
    ----------
    station_locations : (n_stations, dim) numpy.ndarray
    station_index : (n_data,) numpy.ndarray of int
        Station of each datum.
    n_stations, n_layers : int

    Raises
    ------
    ValueError, TypeError
        For other receivers, orientations or components; electric and magnetic fields at different places; frequencies
        or thicknesses that are not above zero; thicknesses of another number of stations; a model of another length
        or with conductivities that are not above zero.

    Notes
    -----
    Data have SimPEG's order: source, receiver, location.

    Signs are SimPEG's, whose axes are east, north and up: :math:`Z_{xy}` of layers is in the third quadrant, phases
    from -180 to -90 degrees, as ``Simulation1DRecursive`` gives it whatever the orientation of its receivers. Here
    :math:`Z_{yx} = -Z_{xy}`, as in SimPEG's simulations on meshes, in the first quadrant; the determinant has the sign
    of :math:`Z_{xy}`. Most field data have axes north, east and down: their xy is the yx of SimPEG.

    With the model on a :class:`discretize.TensorMesh` of n_layers x n_stations, SimPEG's regularization smooths along
    columns and between neighbours of a line.

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
    >>> data.reshape(2, 2, 2).round(6).tolist()[0]  # at 1 Hz: apparent resistivities, then phases, of both stations
    [[10.0, 200.0], [45.0, 45.0]]
    """

    sigma, sigmaMap, sigmaDeriv = props.Invertible("Electrical conductivity (S/m)")
    rho, rhoMap, rhoDeriv = props.Invertible("Electrical resistivity (Ohm m)")
    props.Reciprocal(sigma, rho)

    method_name = "magnetotellurics"  # in tables and logs

    def __init__(
        self,
        survey=None,
        thicknesses=None,
        sigmaMap=None,
        rhoMap=None,
        sigma=None,
        rho=None,
        device=None,
        dtype=None,
        **kwargs,
    ):
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self._layout = self._thicknesses = self._columns = self._crossing = None
        super().__init__(survey=survey, **kwargs)
        self.sigma, self.rho = sigma, rho
        self.sigmaMap, self.rhoMap = sigmaMap, rhoMap
        self.thicknesses = thicknesses

    # what is simulated ------------------------------------------------------------------------------------
    @property
    def survey(self):
        """SimPEG's natural source survey."""
        return self._survey

    @survey.setter
    def survey(self, value):
        if value is not None:
            value = validate_type("survey", value, Survey, cast=False)
            self._layout = read_survey(type(self).__name__, value)
        self._survey = value
        self._forget()

    @property
    def thicknesses(self):
        """(n_layers - 1,) for all stations or (n_stations, n_layers - 1), m, from the surface down."""
        return self._thicknesses

    @thicknesses.setter
    def thicknesses(self, value):
        self._thicknesses = None if value is None else checked_thicknesses(type(self).__name__, value)
        self._forget()

    @property
    def station_locations(self) -> np.ndarray:
        """(n_stations, dim) locations, in order of first appearance in the survey."""
        return self._stations.locations.copy()

    @property
    def station_index(self) -> np.ndarray:
        """(n_data,) station of each datum."""
        return self._stations.station.copy()

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Station, and frequency in Hz, of each impedance in :meth:`fields`: (n_pairs,) twice."""
        return self._stations.pair_station, self._stations.pair_frequency

    @property
    def n_stations(self) -> int:
        """How many columns there are."""
        return self._stations.n_stations

    @property
    def n_layers(self) -> int:
        """Layers of a column, the half-space among them."""
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
        self._engine  # noqa: B018 what is missing is told before what is wrong
        sigma = checked_conductivity(type(self).__name__, self.sigma, self.n_stations, self.n_layers)
        return as_tensor(sigma, self.device, self.dtype)

    def __getstate__(self):
        # tables on a device; whoever unpickles or copies builds their own
        return {name: value for name, value in vars(self).items() if name != _KEPT} | {
            "_columns": None,
            "_crossing": None,
        }

    # data and derivatives ---------------------------------------------------------------------------------
    def fields(self, m=None):
        """Impedances of layers in the first quadrant, ohm: (n_pairs,) complex, in the order of :attr:`pairs`."""
        if m is not None:
            self.model = m
        return as_numpy_view(self._engine.impedance(self._conductivity())).astype(complex)

    def dpred(self, m=None, f=None):
        """Data of a model, (nP,) -> (nD,), or of its `fields`."""
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
        """Of conductivity by the model."""
        if self.sigmaMap is None:
            msg = f"{type(self).__name__}: it has neither sigmaMap nor rhoMap, so its data depend on no model; set one."
            raise ValueError(msg)
        return self.sigmaDeriv

    def Jvec(self, m, v, f=None):
        """Sensitivity matrix times a vector, (nP,) -> (nD,); `f` is not used."""
        self.model = m
        change = as_tensor(np.asarray(self._derivative @ v), self.device, self.dtype)
        return as_numpy(self._blocks.tangent(change))

    def Jtvec(self, m, v, f=None):
        """Transposed sensitivity matrix times a vector, (nD,) -> (nP,); `f` is not used."""
        self.model = m
        pull = self._blocks.adjoint(as_tensor(np.asarray(v), self.device, self.dtype))
        return np.asarray(self._derivative.T @ as_numpy(pull))

    def getJ(self, m, f=None):
        """Sensitivity matrix, (nD, nP), scipy sparse: a row touches its own station only; `f` is not used.

        A :class:`JacobianOperator` where a map's derivative is known by its products only, a network's.
        """
        self.model = m
        derivative = self._derivative
        return self._blocks.matrix() @ (
            derivative if isinstance(derivative, JacobianOperator) else sp.csr_matrix(derivative)
        )

    def getJtJdiag(self, m, W=None, f=None):
        r"""Diagonal of :math:`\mathbf J^\top \mathbf W^\top \mathbf W \mathbf J`, (nP,), exact where maps are sparse.

        Where a map's derivative is known by its products only, a seeded unbiased estimate. `f` is not used.
        """
        matrix = self.getJ(m)
        if W is not None:
            matrix = W @ matrix
        return np.asarray(matrix.power(2).sum(axis=0)).ravel()

    def tensor_jacobian(self, m):
        """Sensitivity matrix on the device, for :class:`simpeg_jointdl.optimization.ProjectedGNCG`.

        Parameters
        ----------
        m : (nP,) numpy.ndarray

        Returns
        -------
        Tensor linearization, with ``tangent``, ``adjoint``, ``device`` and ``dtype``, or None if the map has no sparse
        derivative.
        """
        self.model = m
        self._derivative  # noqa: B018 refuses to go without a map
        maps = vars(self).get("_sigmaMap"), vars(self).get("_rhoMap")
        if self._crossing is None or self._crossing[0] != maps:
            # SimPEG makes a new reciprocal map whenever it is asked for one, of which nothing could be kept
            self._crossing = maps, self.sigmaMap, Crossing(self.device, self.dtype)
        derivative = map_operator(self._crossing[1], m, self._crossing[2])
        return None if derivative is None else _Linearization(derivative, self._blocks)

    @property
    def _delete_on_model_update(self):
        return [*super()._delete_on_model_update, _KEPT]


class _Linearization(Chain):
    """A map's derivative and the blocks, where and in what the blocks are."""

    def __init__(self, derivative, blocks):
        super().__init__(derivative, blocks)
        self.device, self.dtype = blocks.device, blocks.dtype
