"""An implicit neural representation: the model is a network of the coordinates."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from simpeg.maps import Projection
from simpeg.utils import validate_active_indices
from torch import nn

from .._torch import as_numpy, as_tensor, resolve_device, resolve_dtype
from ..networks import ImplicitNetwork
from ._base import TorchMap
from ._bounds import Bounds
from ._points import checked_domain, checked_per_cell, points_in_cells, scaled


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
        :class:`simpeg_jointdl.networks.ImplicitNetwork` as it comes.
    n_properties : int
    bounds : sequence of (lower, upper), optional
        One pair per property, or one pair alone for a single property; None or infinite where there is no bound.
    start : sequence of float, optional
        Value of every property where the network gives zero, in the property's unit.
    scales : float or sequence of float
        About how much each property varies, where it has not two bounds.
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
    frozen, device, dtype
        As for :class:`TorchMap`.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        From the model to each property on the active cells: ``rhoMap=inr.properties[0]``, ``wire_map=inr.properties``.

    Notes
    -----
    Output order: all of property 1 on the active cells, then property 2, and so on.

    References
    ----------
    Sitzmann, V. et al. (2020). Implicit neural representations with periodic activation functions. NeurIPS.
    https://doi.org/10.48550/arXiv.2006.09661
    """

    def __init__(
        self,
        mesh,
        active_cells=None,
        *,
        network: nn.Module | None = None,
        n_properties: int = 1,
        bounds: Sequence | None = None,
        start=None,
        scales=1.0,
        points_per_cell=1,
        domain=None,
        max_points: int = 2**17,
        random_seed: int = 0,
        frozen: Sequence[str] = (),
        device: str | torch.device | None = None,
        dtype=None,
    ):
        if active_cells is None:
            active_cells = np.ones(mesh.n_cells, dtype=bool)
        self._mesh_of, self.active_cells = mesh, validate_active_indices("active_cells", active_cells, mesh.n_cells)
        self.n_properties = int(n_properties)
        self.domain = checked_domain(domain, mesh)
        self.points_per_cell = checked_per_cell(points_per_cell, mesh.dim)
        self.max_points = int(max_points)
        if network is None:
            network = ImplicitNetwork(mesh.dim, self.n_properties, random_seed=random_seed)
        if self.n_properties < 1 or self.max_points < 1:
            msg = f"INRMap: got n_properties={n_properties!r}, max_points={max_points!r}, wanted at least 1 of each."
            raise ValueError(msg)
        self._n_points = int(np.prod(self.points_per_cell))
        self._made_with = dict(bounds=bounds, start=start, scales=scales, frozen=frozen, device=device, dtype=dtype)
        field = _Field(network, _make_bounds(bounds, start, scales, self.n_properties), self._n_points)
        points = points_in_cells(mesh, self.active_cells, self.points_per_cell).reshape(-1, mesh.dim)
        field = field.to(resolve_device(device), resolve_dtype(dtype))
        inputs = _prepared(field.network, scaled(points, self.domain), resolve_device(device), resolve_dtype(dtype))
        frozen = [frozen] if isinstance(frozen, str) else frozen
        super().__init__(
            field,
            inputs,
            frozen=[f"network.{pattern}" for pattern in frozen],
            n_values=self.n_properties * len(points) // self._n_points,
            device=device,
            dtype=dtype,
        )

    @property
    def properties(self) -> tuple:
        """Maps from the model to every property on the active cells."""
        n = int(self.active_cells.sum())
        return tuple(
            Projection(self.n_properties * n, np.arange(i * n, (i + 1) * n)) * self for i in range(self.n_properties)
        )

    @property
    def start(self) -> tuple[float, ...]:
        """Value of every property where the network gives zero."""
        return tuple(self._module.bounds.start)

    def module_from(self, m) -> nn.Module:
        """A copy of the network with the weights of a model, of shape (nP,)."""
        return super().module_from(m).network

    def load(self, path) -> np.ndarray:
        """The model of which a file holds the network, (nP,); see :meth:`TorchMap.load`."""
        return self._load(path, lambda field: field.network)

    def evaluate(self, m, points) -> np.ndarray:
        """Properties anywhere.

        Parameters
        ----------
        m : (nP,) array_like
        points : (n_points, dim) array_like
            In the mesh's coordinates, m.

        Returns
        -------
        (n_properties, n_points) numpy.ndarray
        """
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self._mesh_of.dim:
            msg = f"INRMap.evaluate: got points of shape {points.shape}, wanted (n_points, {self._mesh_of.dim})."
            raise ValueError(msg)
        network, results = self.module_from(m), []
        with torch.no_grad():
            for part in np.array_split(points, -(-len(points) // self.max_points) or 1):
                inputs = _prepared(network, scaled(part, self.domain), self.device, self.dtype)
                results.append(as_numpy(self._module.bounds(network(*inputs)).T))
        return np.concatenate(results, axis=1)

    def on(self, mesh, active_cells=None, *, points_per_cell=None) -> INRMap:
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

    def _split(self, inputs):
        rows = max(self.max_points // self._n_points, 1) * self._n_points
        return list(zip(*(one.split(rows) for one in inputs), strict=True))


class _Field(nn.Module):
    """A network between bounds, averaged over the points of every cell."""

    def __init__(self, network, bounds, n_points):
        super().__init__()
        self.network, self.bounds, self.n_points = copy.deepcopy(network), bounds, n_points

    def forward(self, *inputs):
        """Prepared points of whole cells -> (n_properties, n_cells)."""
        raw = self.network(*inputs)
        if not isinstance(raw, torch.Tensor) or raw.shape != (len(inputs[0]), len(self.bounds.limits)):
            found = tuple(raw.shape) if isinstance(raw, torch.Tensor) else type(raw).__name__
            msg = (
                f"INRMap.network: its output is {found}, wanted {(len(inputs[0]), len(self.bounds.limits))}: one row "
                "per point and one column per property."
            )
            raise ValueError(msg)
        values = self.bounds(raw)
        return values.view(-1, self.n_points, values.shape[-1]).mean(dim=1).T


def _prepared(network, points, device, dtype) -> tuple:
    tensor = as_tensor(points, device, dtype)
    inputs = network.prepare(tensor) if hasattr(network, "prepare") else tensor
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _make_bounds(bounds, start, scales, n) -> Bounds:
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
    return Bounds(bounds, start, scales)
