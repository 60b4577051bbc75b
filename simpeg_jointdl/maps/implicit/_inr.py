"""An implicit neural representation: the model is a network of the coordinates."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from simpeg.maps import Projection
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.tensors import as_numpy, as_tensor, resolve_device, resolve_dtype
from ...networks import ImplicitNetwork
from .._base import TorchMap
from .._linearization import Linearization
from .._points import checked_domain, checked_per_cell, points_in_cells, scaled
from ._bounds import Bounds, checked_pair
from ._units import Units, starting_contrasts

if TYPE_CHECKING:
    from typing import Any

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike, DTypeLike

_AS_IT_COMES = {"width": 32, "depth": 3, "activation": "gelu"}


class INRMap(TorchMap):
    r"""Physical properties on a mesh as a network of the coordinates; its weights are the model vector.

    .. math::
        u_{pj}(\mathbf m) = \frac{1}{|S_j|} \sum_{\mathbf x \in S_j} b_p \left( f_{\mathbf m}(\mathbf x)_p \right)

    with :math:`S_j` the points of cell :math:`j` (its centre, unless told otherwise), :math:`f` the network and
    :math:`b_p` the bounds of property :math:`p`. Several properties share the network's trunk, which couples their
    structure by itself; any coupling of this package may be added, over :attr:`properties`.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    active_cells : (n_cells,) array_like of bool, optional
        All if not given.
    network : torch.nn.Module, optional
        Takes coordinates, (n_points, dim), each from -1 to 1 across the domain, and gives (n_points, n_properties)
        of any real numbers. If it has ``prepare(points)``, that is called once per mesh and what it returns, a tensor
        or a tuple of them with one row per point, is what the network takes. Not given:
        :class:`simpeg_jointdl.networks.ImplicitNetwork` of 3 layers of 32 GELU.
    n_properties : int
    bounds : sequence of (lower, upper), optional
        One pair per property, or one pair alone for a single property; None or infinite where there is no bound.
    start : sequence of float, optional
        Value of every property where the network gives zero, in the property's unit.
    scales : float or sequence of float
        About how much each property varies, where it has not two bounds.
    units : int, optional
        The model consists of so many rock units in a background of zero: the network, which then has one output per
        unit, says where they are, and their contrasts are parameters, too. Models are blocky, and all properties
        share the units. See Notes.
    contrasts : (units, n_properties) array_like, optional
        Where contrasts start; half way to the bounds if not given, with alternating signs where both are allowed.
    points_per_cell : int or sequence of int
        Points along every axis of a cell over which the network is averaged.
    domain : (2, dim) array_like, optional
        Corners, in m, between which coordinates run from -1 to 1; those of the mesh if not given. Give it where the
        same network shall serve another mesh.
    max_points : int
        More points than these are evaluated in pieces, so that memory is bounded; products then evaluate the network
        anew.
    random_seed : int
        Of the network, when none is given.
    frozen, dense_derivative, device, dtype
        As for :class:`TorchMap`.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        From the model to each property on the active cells: ``rhoMap=inr.properties[0]``, ``wire_map=inr.properties``.
    mesh_of, active_cells
        The mesh and its cells (``mesh`` is None, as SimPEG wants it of maps that are not of one cell per parameter).
    limits : list of (float, float)
        Bounds of every property.

    Raises
    ------
    TypeError, ValueError
        For numbers below 1 of properties, points or units; bounds, starting values, scales or contrasts that are not
        one per property, or not in order; a domain that is not two corners; a network that does not give one row per
        point and one column per property, or per unit; and for what :class:`TorchMap` refuses.
    FloatingPointError, MemoryError
        At a model, as of :class:`TorchMap`.

    Notes
    -----
    Output order: all of property 1 on the active cells, then property 2, and so on.

    With units, :math:`u_p = \sum_k s_k c_{kp}`, the memberships :math:`s` being the softmax of the network's outputs
    and of one zero for the background. Bounds then hold for the contrasts :math:`c_{kp}`.

    References
    ----------
    Sitzmann, V. et al. (2020). Implicit neural representations with periodic activation functions. NeurIPS.
    https://doi.org/10.48550/arXiv.2006.09661
    """

    active_cells: np.ndarray
    mesh_of: TensorMesh | TreeMesh

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
        self.n_properties: int = int(n_properties)
        self.domain: np.ndarray = checked_domain("INRMap", domain, mesh)
        self.points_per_cell: tuple[int, ...] = checked_per_cell("INRMap", points_per_cell, mesh.dim)
        self.max_points: int = int(max_points)
        if network is None:
            network = ImplicitNetwork(mesh.dim, units or self.n_properties, random_seed=random_seed, **_AS_IT_COMES)
        if self.n_properties < 1 or self.max_points < 1:
            msg = f"INRMap: got n_properties={n_properties!r}, max_points={max_points!r}, wanted at least 1 of each."
            raise ValueError(msg)
        self.n_points: int = int(np.prod(self.points_per_cell))
        self._made_with = dict(bounds=bounds, start=start, scales=scales, units=units, contrasts=contrasts)
        self._made_with |= dict(frozen=frozen, dense_derivative=dense_derivative, device=device, dtype=dtype)
        outputs = _make_outputs(bounds, start, scales, self.n_properties, units, contrasts)
        field = _Field(network, outputs, self.n_points)
        points = points_in_cells(mesh, self.active_cells, self.points_per_cell).reshape(-1, mesh.dim)
        field = field.to(resolve_device(device), resolve_dtype(dtype))
        inputs = _prepared(field.network, scaled(points, self.domain), resolve_device(device), resolve_dtype(dtype))
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
        """Maps from the model to every property on the active cells."""
        n = int(self.active_cells.sum())
        return tuple(
            Projection(self.n_properties * n, np.arange(i * n, (i + 1) * n)) * self for i in range(self.n_properties)
        )

    @property
    def limits(self) -> list[tuple[float, float]]:
        """Lower and upper bound of every property, infinite where there is none."""
        return list(self._module.outputs.limits)

    @property
    def start(self) -> tuple[float, ...]:
        """Value of every property where the network gives zero."""
        return tuple(self._module.outputs.start)

    def contrasts(self, m: ArrayLike) -> np.ndarray:
        """Contrasts of the units in a model of shape (nP,), (n_units, n_properties); ValueError without units."""
        if not isinstance(self._module.outputs, Units):
            msg = "INRMap.contrasts: this map has no units; make it with units=1 or more."
            raise ValueError(msg)
        with torch.no_grad():
            return as_numpy(self._filled(m).outputs.values()).copy()

    def module_from(self, m: ArrayLike) -> nn.Module:
        """A copy of the network with the weights of a model, of shape (nP,); contrasts of units are not part of it."""
        return self._filled(m).network

    def evaluate(self, m: ArrayLike, points: ArrayLike) -> np.ndarray:
        """Properties anywhere.

        Parameters
        ----------
        m : (nP,) array_like
        points : (n_points, dim) array_like
            In the mesh's coordinates, m.

        Returns
        -------
        (n_properties, n_points) numpy.ndarray

        Raises
        ------
        ValueError
            For points of another shape, or a model of another length.
        """
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.mesh_of.dim:
            msg = f"INRMap.evaluate: got points of shape {points.shape}, wanted (n_points, {self.mesh_of.dim})."
            raise ValueError(msg)
        field, results = self._filled(m), []
        with torch.no_grad():
            for part in np.array_split(points, -(-len(points) // self.max_points) or 1):
                inputs = _prepared(field.network, scaled(part, self.domain), self.device, self.dtype)
                results.append(as_numpy(field.outputs(field.network(*inputs)).T))
        return np.concatenate(results, axis=1)

    def on(
        self,
        mesh: TensorMesh | TreeMesh,
        active_cells: ArrayLike | None = None,
        *,
        points_per_cell: int | Sequence[int] | None = None,
    ) -> INRMap:
        """The same network on another mesh of the same domain; models of one are models of the other."""
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


class _Field(nn.Module):
    """A network, what its outputs mean, and the average over the points of every cell."""

    def __init__(self, network, outputs, n_points):
        super().__init__()
        self.network, self.outputs, self.n_points = copy.deepcopy(network), outputs, n_points

    def forward(self, *inputs):
        """Prepared points of whole cells -> (n_properties, n_cells)."""
        raw = self.network(*inputs)
        wanted = len(inputs[0]), self.outputs.n_inputs
        if not isinstance(raw, torch.Tensor) or raw.shape != wanted:
            found = tuple(raw.shape) if isinstance(raw, torch.Tensor) else type(raw).__name__
            msg = (
                f"INRMap.network: its output is {found}, wanted {wanted}: one row per point and one column per "
                "property, or per unit."
            )
            raise ValueError(msg)
        values = self.outputs(raw)
        return values.view(-1, self.n_points, values.shape[-1]).mean(dim=1).T


def _prepared(network, points, device, dtype) -> tuple[Any, ...]:
    tensor = as_tensor(points, device, dtype)
    inputs = network.prepare(tensor) if hasattr(network, "prepare") else tensor
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _make_outputs(bounds, start, scales, n, units, contrasts) -> Bounds | Units:
    if bounds is None:
        bounds = [None] * n
    elif n == 1 and len(bounds) == 2 and np.ndim(bounds[0]) == 0:
        bounds = [bounds]
    if len(bounds) != n:
        msg = f"INRMap.bounds: got {len(bounds)} pairs for {n} properties, wanted one (lower, upper) for each."
        raise ValueError(msg)
    start = None if start is None else [start] if np.ndim(start) == 0 else start
    scales = [scales] * n if np.ndim(scales) == 0 else scales
    if any(values is not None and len(values) != n for values in (start, scales)):
        msg = f"INRMap: got start={start!r} and scales={scales!r}, wanted {n} values of each, one per property."
        raise ValueError(msg)
    if units is None:
        if contrasts is not None:
            msg = "INRMap.contrasts: got contrasts without units; say units=... how many there are."
            raise ValueError(msg)
        return Bounds(bounds, start, scales)
    if int(units) != units or units < 1 or start is not None:
        msg = f"INRMap: got units={units!r} and start={start!r}, wanted whole units, and contrasts as start."
        raise ValueError(msg)
    limits = [checked_pair(i, pair) for i, pair in enumerate(bounds)]
    return Units(starting_contrasts(int(units), contrasts, limits, scales), bounds, scales)
