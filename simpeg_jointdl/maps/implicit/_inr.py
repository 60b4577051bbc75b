"""Implicit neural representation: properties as a network of the coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import Projection
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.tensors import as_numpy, resolve_device, resolve_dtype
from ...networks import ImplicitNetwork
from .._base import TorchMap
from .._linearization import Linearization
from .._points import checked_domain, checked_per_cell, points_in_cells, scaled
from ._field import Field, make_outputs, prepared_points
from ._units import Units

_DEFAULT_NETWORK = {"width": 32, "depth": 3, "activation": "gelu"}


class INRMap(TorchMap):
    r"""Physical properties on a mesh as a network of the coordinates, whose weights are the model vector.

    .. math::
        u_{pj}(\mathbf m) = \frac{1}{|S_j|} \sum_{\mathbf x \in S_j} b_p \left( f_{\mathbf m}(\mathbf x)_p \right)

    where :math:`S_j` are the points of cell :math:`j` (by default its centre), :math:`f` is the network and
    :math:`b_p` are the bounds of property :math:`p`. All properties share the layers of the network, which couples
    their structure. Any coupling of this package may be added, with ``wire_map=inr.properties``.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh of the properties.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    network : torch.nn.Module, optional
        Network that takes coordinates, (n_points, dim), each from -1 to 1 across the domain, and returns real numbers,
        (n_points, n_properties). If it has ``prepare(points)``, this is called once per mesh, and its result, a tensor
        or a tuple of tensors with one row per point, is passed to the network instead. By default an
        :class:`simpeg_jointdl.networks.ImplicitNetwork` of 3 layers of width 32 with GELU activations.
    n_properties : int
        Number of properties.
    bounds : sequence of (lower, upper), optional
        One pair per property, or a single pair for one property; None or infinite where there is no bound.
    start : float or sequence of float, optional
        Value of each property where the network returns zero, in the unit of the property.
    scales : float or sequence of float
        Typical variation of each property, used where it does not have two bounds.
    units : int, optional
        Number of rock units in a background of zero. The network then has one output per unit, which gives the
        memberships, and the contrasts of the units are parameters, too. Models are blocky, and all properties share
        the units. See Notes.
    contrasts : (units, n_properties) array_like, optional
        Starting values of the contrasts; by default half of the bounds, with alternating signs where both are allowed.
    points_per_cell : int or sequence of int
        Number of points along each axis of a cell over which the network is averaged.
    domain : (2, dim) array_like, optional
        Lower and upper corner in m, between which coordinates run from -1 to 1; by default those of the mesh. Give it
        if the same network is to be used on another mesh.
    max_points : int
        Largest number of points that are evaluated together. More points are evaluated in pieces, which bounds the
        memory; every product then evaluates the network again.
    random_seed : int
        Seed of the default network.
    frozen : sequence of str, optional
        Parameters of the network that keep their values, as for :class:`TorchMap`.
    dense_derivative : bool
        Whether :meth:`deriv` returns a full matrix, as for :class:`TorchMap`.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the network, float64 (default) or float32; SimPEG always receives float64.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        Maps from the model to each property on the active cells, for ``rhoMap=inr.properties[0]`` or
        ``wire_map=inr.properties``.
    mesh_of : discretize.TensorMesh or discretize.TreeMesh
        Mesh of the properties. ``mesh`` is None, as SimPEG requires of maps without one cell per parameter.
    active_cells : (n_cells,) numpy.ndarray of bool
        Active cells.
    limits : list of (float, float)
        Bounds of each property.

    Raises
    ------
    TypeError, ValueError
        If numbers of properties, points or units are below 1; if bounds, starting values, scales or contrasts do not
        have one entry per property or are not in order; if the domain is not a pair of corners; if the network does
        not return one row per point and one column per property or unit; and as for :class:`TorchMap`.
    FloatingPointError, MemoryError
        At a model, as for :class:`TorchMap`.

    Notes
    -----
    The output contains all of property 1 on the active cells, then property 2, and so on.

    With units, :math:`u_p = \sum_k s_k c_{kp}`, where the memberships :math:`s` are the softmax of the network's
    outputs and a zero for the background. Bounds then apply to the contrasts :math:`c_{kp}`.

    References
    ----------
    Sitzmann, V. et al. (2020). Implicit neural representations with periodic activation functions. NeurIPS.
    https://doi.org/10.48550/arXiv.2006.09661

    Examples
    --------
    >>> import discretize
    >>> from simpeg_jointdl import maps
    >>> mesh = discretize.TensorMesh([4, 4, 4])
    >>> inr = maps.INRMap(mesh, n_properties=2, bounds=[(0.0, 0.5), (0.0, 0.1)])
    >>> density, susceptibility = inr.properties
    >>> (density * inr.initial_model()).shape
    (64,)
    """

    mesh_of: TensorMesh | TreeMesh
    active_cells: np.ndarray
    domain: np.ndarray
    n_properties: int
    n_points: int
    points_per_cell: tuple[int, ...]
    max_points: int

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh,
        active_cells: ArrayLike | None = None,
        *,
        network: nn.Module | None = None,
        n_properties: int = 1,
        bounds: Sequence[Any] | None = None,
        start: float | Sequence[float] | None = None,
        scales: float | Sequence[float] = 1.0,
        units: int | None = None,
        contrasts: ArrayLike | None = None,
        points_per_cell: int | Sequence[int] = 1,
        domain: ArrayLike | None = None,
        max_points: int = 2**17,
        random_seed: int = 0,
        frozen: Sequence[str] = (),
        dense_derivative: bool = False,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        if active_cells is None:
            active_cells = np.ones(mesh.n_cells, dtype=bool)
        self.mesh_of, self.active_cells = mesh, validate_active_indices("active_cells", active_cells, mesh.n_cells)
        self.n_properties = int(n_properties)
        self.domain = checked_domain("INRMap", domain, mesh)
        self.points_per_cell = checked_per_cell("INRMap", points_per_cell, mesh.dim)
        self.max_points = int(max_points)
        if network is None:
            network = ImplicitNetwork(mesh.dim, units or self.n_properties, random_seed=random_seed, **_DEFAULT_NETWORK)
        if self.n_properties < 1 or self.max_points < 1:
            msg = f"INRMap: got n_properties={n_properties!r}, max_points={max_points!r}, wanted at least 1 of each."
            raise ValueError(msg)
        self.n_points = int(np.prod(self.points_per_cell))
        self._made_with = dict(bounds=bounds, start=start, scales=scales, units=units, contrasts=contrasts)
        self._made_with |= dict(frozen=frozen, dense_derivative=dense_derivative, device=device, dtype=dtype)
        outputs = make_outputs(bounds, start, scales, self.n_properties, units, contrasts)
        field = Field(network, outputs, self.n_points)
        points = points_in_cells(mesh, self.active_cells, self.points_per_cell).reshape(-1, mesh.dim)
        field = field.to(resolve_device(device), resolve_dtype(dtype))
        inputs = prepared_points(
            field.network, scaled(points, self.domain), resolve_device(device), resolve_dtype(dtype)
        )
        frozen = [frozen] if isinstance(frozen, str) else frozen
        super().__init__(
            field,
            inputs,
            frozen=[pattern if pattern.startswith("outputs.") else f"network.{pattern}" for pattern in frozen],
            n_values=self.n_properties * len(points) // self.n_points,
            dense_derivative=dense_derivative,
            device=device,
            dtype=dtype,
        )

    @property
    def properties(self) -> tuple[Any, ...]:
        """Maps from the model to each property on the active cells."""
        n = int(self.active_cells.sum())
        return tuple(
            Projection(self.n_properties * n, np.arange(i * n, (i + 1) * n)) * self for i in range(self.n_properties)
        )

    @property
    def limits(self) -> list[tuple[float, float]]:
        """Lower and upper bound of each property, infinite where there is none."""
        return list(self._module.outputs.limits)

    @property
    def start(self) -> tuple[float, ...]:
        """Value of each property where the network returns zero."""
        return tuple(self._module.outputs.start)

    def contrasts(self, m: ArrayLike) -> np.ndarray:
        """Return the contrasts of the units at a model, (nP,) -> (n_units, n_properties); ValueError without units."""
        if not isinstance(self._module.outputs, Units):
            msg = "INRMap.contrasts: this map has no units. Create it with units=1 or more."
            raise ValueError(msg)
        with torch.no_grad():
            return as_numpy(self._filled(m).outputs.values()).copy()

    def module_from(self, m: ArrayLike) -> nn.Module:
        """Return a copy of the network with the weights of a model (nP,), without the contrasts of units."""
        return self._filled(m).network

    def evaluate(self, m: ArrayLike, points: ArrayLike) -> np.ndarray:
        """Return the properties at any points.

        Parameters
        ----------
        m : (nP,) array_like
            Model.
        points : (n_points, dim) array_like
            Points in the coordinates of the mesh, in m.

        Returns
        -------
        (n_properties, n_points) numpy.ndarray
            Properties at the points.

        Raises
        ------
        ValueError
            If the points have another shape, or the model another length.
        """
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.mesh_of.dim:
            msg = f"INRMap.evaluate: got points of shape {points.shape}, wanted (n_points, {self.mesh_of.dim})."
            raise ValueError(msg)
        field, results = self._filled(m), []
        with torch.no_grad():
            for part in np.array_split(points, -(-len(points) // self.max_points) or 1):
                inputs = prepared_points(field.network, scaled(part, self.domain), self.device, self.dtype)
                results.append(as_numpy(field.outputs(field.network(*inputs)).T))
        return np.concatenate(results, axis=1)

    def on(
        self,
        mesh: TensorMesh | TreeMesh,
        active_cells: ArrayLike | None = None,
        *,
        points_per_cell: int | Sequence[int] | None = None,
    ) -> INRMap:
        """Return a map of the same network on another mesh in the same domain; both take the same models.

        Parameters
        ----------
        mesh : discretize.TensorMesh or discretize.TreeMesh
            Other mesh.
        active_cells : (n_cells,) array_like of bool, optional
            Active cells of the other mesh; by default all cells are active.
        points_per_cell : int or sequence of int, optional
            Number of points along each axis of a cell; by default as in this map.
        """
        return INRMap(
            mesh,
            active_cells,
            network=self.module_from(self.initial_model()),
            n_properties=self.n_properties,
            points_per_cell=self.points_per_cell if points_per_cell is None else points_per_cell,
            domain=self.domain,
            max_points=self.max_points,
            **self._made_with,
        )

    def _linearize(self, vector):
        return Linearization(self._module, self._parameters, self._pieces, vector, self.n_points)

    def _split(self, inputs):
        rows = max(self.max_points // self.n_points, 1) * self.n_points
        return list(zip(*(one.split(rows) for one in inputs), strict=True))
