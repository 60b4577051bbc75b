"""A pre-trained network of gravity and magnetics under fine-tuning: its weights are the model."""

from __future__ import annotations

import logging
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from simpeg.maps import Projection
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.tensors import as_tensor
from ...networks import GravMagUNet, with_adapters, without_adapters
from .._base import TorchMap
from .._between_meshes import between_meshes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike, DTypeLike
    from simpeg.data import Data

    from ...data import GravityData, MagneticData

_LOGGER = logging.getLogger("simpeg_jointdl")
TRAINED = ("decoder", "adapters", "all")
_BEFORE = "initial"


class GravMagMap(TorchMap):
    r"""Density and susceptibility that a network predicts from given data, its weights being the model vector.

    .. math::
        (\boldsymbol\rho, \boldsymbol\chi) = \mathbf P f_{\mathbf m}(\mathbf d_g, \mathbf d_m)

    with :math:`\mathbf P` from the network's mesh to that of the simulations: averages over the volumes that cells
    share, one to one where both meshes are the same. The data are fixed.

    Parameters
    ----------
    network : networks.GravMagUNet
        Copied; yours is left as it is.
    gravity_data, magnetic_data : simpeg.data.Data, optional
        What the network predicts from; see :meth:`~simpeg_jointdl.networks.GravMagUNet.predict`.
    mesh : discretize.TensorMesh or discretize.TreeMesh, optional
        Of the simulations; that of the network if not given.
    active_cells : (n_cells,) array_like of bool, optional
        All if not given.
    trained : "decoder", "adapters", "all" or sequence of str
        What of the network is model: what follows its coarsest features (`GravMagUNet.DECODER`), adapters of low rank
        on its convolutions (:func:`~simpeg_jointdl.networks.with_adapters`), all its parameters, or those of the given
        names, which may be patterns: ``["layers.head.*", "layers.refine.*"]``.
    rank, random_seed : int
        Of the adapters.
    device, dtype
        As for :class:`TorchMap`.
    **place
        ``cell_size``, ``height``, ``ground``, ``inducing_field``, noises, as of `predict`.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        From the model to density in g/cc and to susceptibility in SI, each on the active cells.
    property_names : ("density", "susceptibility")
    mesh_of, active_cells
        Mesh and cells of the result.
    outside : (n_active,) numpy.ndarray of bool
        Active cells of which the network says nothing: their centres are not in its mesh. Both properties are 0 there.

    Raises
    ------
    TypeError, ValueError
        For another network, names that are not in it, data it refuses, a mesh that it does not reach.

    Notes
    -----
    Output order: density on the active cells, then susceptibility. What is outside of the network's mesh stays zero
    whatever the data ask for: an anomaly of something out there is put into the mesh.
    """

    outside: np.ndarray
    property_names: tuple[str, ...]

    property_names = ("density", "susceptibility")

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
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        **place: Any,
    ):
        if not isinstance(network, GravMagUNet):
            msg = f"GravMagMap.network: got {type(network).__name__}, wanted a networks.GravMagUNet."
            raise TypeError(msg)
        self._place = place
        prepared = network.prepare(gravity_data, magnetic_data, **place)
        self.mesh_of: TensorMesh | TreeMesh = prepared.mesh if mesh is None else mesh
        active = np.ones(self.mesh_of.n_cells, dtype=bool) if active_cells is None else active_cells
        self.active_cells: np.ndarray = validate_active_indices("active_cells", active, self.mesh_of.n_cells)
        transfer, self.outside = between_meshes(prepared.mesh, self.mesh_of, self.active_cells)
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
        """Other data of the same stations, as keywords of `predict`, as `predicted_module` takes them."""
        return network.prepare(**data, **self._place).grids

    def predicted_module(self, m: ArrayLike) -> nn.Module:
        """A copy of what is evaluated, with the weights of a model: tensors of `GravMagGrids` -> (2, n_active)."""
        return self._filled(m)

    def save(self, path: str | PathLike[str], m: ArrayLike, **card: Any) -> None:
        """Write the weights of a model for :meth:`load` of such a map; see `module_from` for a network by itself.

        Parameters
        ----------
        path : str or pathlib.Path
        m : (nP,) array_like
        **card
            What to say about it: data, seed, metrics.
        """
        super().save(path, m, **({"architecture": type(self).__name__} | card))

    def module_from(self, m: ArrayLike) -> GravMagUNet:
        """A network with the weights of a model, of shape (nP,), adapters made part of them, for other data.

        ``networks.save_weights("mine.safetensors", map.module_from(m))`` writes it for `GravMagUNet.from_pretrained`.
        """
        network = without_adapters(self._filled(m).network).requires_grad_(False)
        if network.card is not None and set(network.card) != {_BEFORE}:
            network.card = {_BEFORE: network.card}  # data and metrics on it are not of these weights
        return network


class PredictedOnMesh(nn.Module):
    """A network, the tiles of its data put together, and the way to another mesh."""

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
        """Tensors of GravMagGrids -> (2, n_active)."""
        models = self.network(self._kind(*grids))
        values = torch.stack([self._join(models.density), self._join(models.susceptibility)])
        entries = self._weights.to(values) * values[:, self._columns]
        return values.new_zeros(2, self._n_rows).index_add(1, self._rows, entries)


def _adapted(network: GravMagUNet, trained, rank, random_seed) -> nn.Module:
    """A copy in which what is trained requires gradients."""
    plain = without_adapters(network)
    if isinstance(trained, str) and trained == "adapters":
        return with_adapters(plain, rank, random_seed=random_seed)
    sets = {"all": ("*",), "decoder": plain.DECODER}
    patterns = sets.get(trained, trained) if isinstance(trained, str) else trained
    if isinstance(patterns, str) or not all(isinstance(one, str) for one in patterns):
        msg = f"GravMagMap.trained: got {trained!r}, wanted one of {', '.join(TRAINED)}, or names of parameters."
        raise ValueError(msg)
    names = [name for name, _ in plain.named_parameters()]
    vain = [one for one in patterns if not any(fnmatch(name, one) for name in names)]
    if vain or not len(patterns):
        msg = f"GravMagMap.trained: no parameter is named {vain}; wanted some of {', '.join(names[:4])}, ..."
        raise ValueError(msg)
    for name, parameter in plain.named_parameters():
        parameter.requires_grad_(any(fnmatch(name, one) for one in patterns))
    return plain
