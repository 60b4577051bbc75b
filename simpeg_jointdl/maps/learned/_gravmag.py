"""A pre-trained network of gravity and magnetic data whose weights are the model, for fine-tuning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.data import Data
from simpeg.maps import Projection
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.tensors import as_tensor
from ...data import GravityData, MagneticData
from ...networks import GravMagUNet, Placement, with_adapters, without_adapters
from .._base import TorchMap
from .._between_meshes import between_meshes

TRAINED = ("decoder", "adapters", "all")
_BEFORE = "initial"


class GravMagMap(TorchMap):
    r"""Density and susceptibility predicted by a network from given data; its weights are the model vector.

    .. math::
        (\boldsymbol\rho, \boldsymbol\chi) = \mathbf P f_{\mathbf m}(\mathbf d_g, \mathbf d_m)

    where :math:`\mathbf P` averages from the network's mesh to the mesh of the simulations over the volumes that cells
    share; see :func:`between_meshes`. The data are fixed.

    Parameters
    ----------
    network : networks.GravMagUNet
        Pre-trained network, which is copied.
    gravity_data, magnetic_data : simpeg.data.Data, optional
        Data from which the network predicts, see :meth:`~simpeg_jointdl.networks.GravMagUNet.predict`.
    mesh : discretize.TensorMesh or discretize.TreeMesh, optional
        Mesh of the simulations; by default the mesh of the network.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    trained : {"decoder", "adapters", "all"} or sequence of str
        Parameters in the model: those after the coarsest features (`GravMagUNet.DECODER`), low-rank adapters of the
        convolutions (:func:`~simpeg_jointdl.networks.with_adapters`), all parameters, or those of given names or
        patterns such as ``["layers.head.*", "layers.refine.*"]``.
    rank : int
        Rank of the adapters.
    random_seed : int
        Seed of the adapters.
    placement : networks.Placement, optional
        Cell size, height, ground, origin, inducing field and noise of the data, as for `GravMagUNet.predict`.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the network, float64 (default) or float32; SimPEG always receives float64.
    **place
        Fields of a `Placement`, given one by one as in 0.1.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        Maps from the model to density in g/cc and to susceptibility in SI, each on the active cells.
    property_names : ("density", "susceptibility")
        Names of the properties.
    mesh_of : discretize.TensorMesh or discretize.TreeMesh
        Mesh of the properties.
    active_cells : (n_cells,) numpy.ndarray of bool
        Active cells.
    outside : (n_active,) numpy.ndarray of bool
        Active cells whose centres lie outside of the network's mesh. Both properties are zero there.

    Raises
    ------
    TypeError, ValueError
        If the network is of another kind, a name is not among its parameters, the data are refused, or its mesh does
        not overlap with `mesh`.

    Notes
    -----
    The output contains density on the active cells, then susceptibility. Cells outside of the network's mesh stay zero;
    an anomaly of a body outside is therefore explained by cells inside.
    """

    property_names: tuple[str, str] = ("density", "susceptibility")
    mesh_of: TensorMesh | TreeMesh
    active_cells: np.ndarray
    outside: np.ndarray

    def __init__(
        self,
        network: GravMagUNet,
        gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None,
        *,
        mesh: TensorMesh | TreeMesh | None = None,
        active_cells: ArrayLike | None = None,
        trained: str | Sequence[str] = "decoder",
        rank: int = 4,
        random_seed: int = 0,
        placement: Placement | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        **place: Any,
    ):
        if not isinstance(network, GravMagUNet):
            msg = f"GravMagMap.network: got {type(network).__name__}, wanted a networks.GravMagUNet."
            raise TypeError(msg)
        self._place = (placement.options() if placement is not None else {}) | place
        prepared = network.prepare(gravity_data, magnetic_data, **self._place)
        self.mesh_of = prepared.mesh if mesh is None else mesh
        active = np.ones(self.mesh_of.n_cells, dtype=bool) if active_cells is None else active_cells
        self.active_cells = validate_active_indices("active_cells", active, self.mesh_of.n_cells)
        transfer, self.outside = between_meshes(prepared.mesh, self.mesh_of, self.active_cells, who="GravMagMap")
        module = PredictedOnMesh(_adapted(network, trained, rank, random_seed), prepared, transfer)
        super().__init__(
            module.eval(), tuple(prepared.grids), n_values=2 * transfer.shape[0], device=device, dtype=dtype
        )

    @property
    def properties(self) -> tuple[Any, ...]:
        """Maps from the model to density and susceptibility on the active cells."""
        n = len(self.outside)
        return tuple(Projection(2 * n, np.arange(i * n, (i + 1) * n)) * self for i in range(2))

    def grids_of(self, network: GravMagUNet, data: dict[str, Any]) -> tuple[Any, ...]:
        """Return the inputs of `predicted_module` for other data at the same stations, {keyword of `predict`: data}."""
        return network.prepare(**data, **self._place).grids

    def predicted_module(self, m: ArrayLike) -> nn.Module:
        """Return a copy of the module with the weights of a model; it maps grids to properties (2, n_active)."""
        return self._filled(m)

    def save(self, path: str | os.PathLike[str], m: ArrayLike, **card: Any) -> None:
        """Write the weights of a model for :meth:`load`; use `module_from` to save a network by itself.

        Parameters
        ----------
        path : str or path
            File to write.
        m : (nP,) array_like
            Model.
        **card
            Entries of the card, such as data, seed and metrics.
        """
        super().save(path, m, **({"architecture": type(self).__name__} | card))

    def module_from(self, m: ArrayLike) -> GravMagUNet:
        """Return a network with the weights of a model (nP,), with adapters merged into the weights.

        ``networks.save_weights("mine.safetensors", map.module_from(m))`` writes it for `GravMagUNet.from_pretrained`.
        """
        network = without_adapters(self._filled(m).network).requires_grad_(False)
        if network.card is not None and set(network.card) != {_BEFORE}:
            network.card = {_BEFORE: network.card}  # its data and metrics do not belong to these weights
        return network


class PredictedOnMesh(nn.Module):
    """A network, the combination of its tiles, and averages to another mesh."""

    def __init__(self, network: nn.Module, prepared, transfer: sp.csr_matrix):
        super().__init__()
        self.network, self._kind, self._join = network, type(prepared.grids), prepared.join
        entries = transfer.tocoo()
        self._n_rows = transfer.shape[0]
        cpu = torch.device("cpu")
        for name, values in (("_rows", entries.row), ("_columns", entries.col)):
            self.register_buffer(name, as_tensor(values.astype(np.int64), cpu), persistent=False)
        self.register_buffer("_weights", as_tensor(entries.data, cpu, torch.float64), persistent=False)

    def forward(self, *grids):
        """Return density and susceptibility, (2, n_active), from the tensors of GravMagGrids."""
        models = self.network(self._kind(*grids))
        values = torch.stack([self._join(models.density), self._join(models.susceptibility)])
        entries = self._weights.to(values) * values[:, self._columns]
        return values.new_zeros(2, self._n_rows).index_add(1, self._rows, entries)


def _adapted(network: GravMagUNet, trained, rank, random_seed) -> nn.Module:
    """Return a copy in which exactly the trained parameters require gradients."""
    plain = without_adapters(network)
    if isinstance(trained, str) and trained == "adapters":
        return with_adapters(plain, rank, random_seed=random_seed)
    sets = {"all": ("*",), "decoder": plain.DECODER}
    patterns = sets.get(trained, trained) if isinstance(trained, str) else trained
    if isinstance(patterns, str) or not all(isinstance(one, str) for one in patterns):
        msg = f"GravMagMap.trained: got {trained!r}, wanted one of {', '.join(TRAINED)}, or names of parameters."
        raise ValueError(msg)
    names = [name for name, _ in plain.named_parameters()]
    unmatched = [one for one in patterns if not any(fnmatch(name, one) for name in names)]
    if unmatched or not len(patterns):
        msg = f"GravMagMap.trained: no parameter is named {unmatched}, wanted some of {', '.join(names[:4])}, ..."
        raise ValueError(msg)
    for name, parameter in plain.named_parameters():
        parameter.requires_grad_(any(fnmatch(name, one) for one in patterns))
    return plain
