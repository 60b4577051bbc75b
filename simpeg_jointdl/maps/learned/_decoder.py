"""Learned prior: the model is the latent vector of a decoder."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import Projection
from simpeg.regularization import Smallness
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.protocols import HasAmplitudes, HasEncoder, HasOffsets, IsDecoder, SamplesLatent
from ..._core.tensors import as_numpy, as_tensor, resolve_device, resolve_dtype
from .._base import TorchMap
from .._points import checked_domain, checked_per_cell, points_in_cells, scaled

_FAR = 2.0  # largest amplitude entry, in standard deviations


class DecoderMap(TorchMap):
    r"""Physical properties decoded from a latent vector, which is the model.

    .. math::
        \mathbf u(\mathbf z) = \mathrm{decode}(\mathbf z)(\mathbf x_{\mathrm{cells}}), \qquad
        \mathbf z \sim \mathcal N(\mathbf 0, \mathbf I)

    Latent vectors of the training set are approximately standard normal. An inversion therefore adds :meth:`prior` to
    its misfits, with a trade-off parameter of 1.

    Parameters
    ----------
    decoder : torch.nn.Module
        Decoder such as :class:`simpeg_jointdl.networks.GeologyVAE`. It has ``n_latent``, ``properties`` and
        ``decode(z, points)``, which maps latent vectors (k, n_latent) and points (n, 3) to properties
        (k, n_properties, n). x and y run from -1 to 1 across the box, and depth from 0 at its top to 1. A decoder may
        also have ``n_offsets``, a number of further entries of the latent vector; ``encode``; ``sample_latent``; and
        ``amplitude_steps``. The first latent entries, one per property, then are the sizes of the properties, and
        ``amplitude_steps`` holds the change of the logarithm of each property per unit of its entry.
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    offsets : bool
        Whether the model includes the decoder's offsets, which let the data introduce structure that the decoder was
        not trained on.
    points_per_cell : int or sequence of int
        Number of points along each axis of a cell over which the decoded model is averaged.
    domain : (2, 3) array_like, optional
        Lower and upper corner of the decoder's box in m; by default those of the mesh.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the decoder, float64 (default) or float32; SimPEG always receives float64.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        Maps from the model to each of the decoder's properties on the active cells.
    property_names : tuple of str
        Names of the properties.

    Raises
    ------
    TypeError
        If the decoder is not a torch module, or lacks ``n_latent``, ``properties`` or ``decode``.
    ValueError
        If the mesh is not in 3-D, the decoder has no offsets but `offsets` is True, points per cell or the domain do
        not fit the mesh, and as for :class:`TorchMap`.
    FloatingPointError, MemoryError
        At a model, as for :class:`TorchMap`.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR. https://doi.org/10.48550/arXiv.1312.6114.
    Lopez-Alvis, J. et al. (2021). Deep generative models in inversion. Computers & Geosciences, 152, 104762.
    https://doi.org/10.1016/j.cageo.2021.104762
    """

    mesh_of: TensorMesh | TreeMesh
    active_cells: np.ndarray
    domain: np.ndarray
    property_names: tuple[str, ...]
    n_latent: int
    n_offsets: int

    def __init__(
        self,
        decoder: nn.Module,
        mesh: TensorMesh | TreeMesh,
        active_cells: ArrayLike | None = None,
        *,
        offsets: bool = False,
        points_per_cell: int | Sequence[int] = 1,
        domain: ArrayLike | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        _check_decoder(decoder, mesh, offsets)
        if active_cells is None:
            active_cells = np.ones(mesh.n_cells, dtype=bool)
        self.mesh_of, self.active_cells = mesh, validate_active_indices("active_cells", active_cells, mesh.n_cells)
        self.domain = checked_domain("DecoderMap", domain, mesh)
        per_cell = checked_per_cell("DecoderMap", points_per_cell, mesh.dim)
        self.n_latent, self.n_offsets = int(decoder.n_latent), int(decoder.n_offsets) if offsets else 0
        self._n_points, self.property_names = int(np.prod(per_cell)), tuple(decoder.properties)
        module = _Decoded(decoder, self.n_latent + self.n_offsets, self._n_points)
        super().__init__(
            module,
            as_tensor(self._boxed(points_in_cells(mesh, self.active_cells, per_cell).reshape(-1, 3)),
                      resolve_device(device), resolve_dtype(dtype)),
            frozen=[f"decoder.{name}" for name, _ in decoder.named_parameters()],
            n_values=len(self.property_names) * int(self.active_cells.sum()),
            device=device,
            dtype=dtype,
        )  # fmt: skip

    @property
    def properties(self) -> tuple[Any, ...]:
        """Maps from the model to each property on the active cells."""
        n, n_properties = int(self.active_cells.sum()), len(self.property_names)
        return tuple(Projection(n * n_properties, np.arange(i * n, (i + 1) * n)) * self for i in range(n_properties))

    def prior(self, reference_model: ArrayLike | None = None) -> Smallness:
        r"""Return the regularization :math:`\lVert \mathbf z - \mathbf z_0 \rVert^2` of the standard normal prior.

        It is minus twice the logarithm of the prior density, for a trade-off parameter of 1.

        Parameters
        ----------
        reference_model : (nP,) array_like, optional
            Reference model :math:`\mathbf z_0`; zero by default.
        """
        reference = np.zeros(self.nP) if reference_model is None else np.asarray(reference_model, dtype=float)
        return Smallness(TensorMesh([np.ones(self.nP)]), reference_model=reference)

    def initial_model(self, random_seed: int | None = None) -> np.ndarray:
        """Return the mean of the prior, which is zero, or with a seed a sample of it with zero offsets, (nP,)."""
        model = np.zeros(self.nP)
        if random_seed is not None:
            model[: self.n_latent] = np.random.default_rng(random_seed).standard_normal(self.n_latent)
        return model

    def candidates(self, n_models: int, random_seed: int = 0) -> np.ndarray:
        """Return starting models of random geology, or samples of the prior if the decoder has none, (n_models, nP)."""
        models = np.zeros((n_models, self.nP))
        decoder = self._module.decoder
        if isinstance(decoder, SamplesLatent):
            with torch.no_grad():
                models[:, : self.n_latent] = as_numpy(decoder.sample_latent(n_models, random_seed=random_seed))
        else:
            models[:, : self.n_latent] = np.random.default_rng(random_seed).standard_normal((n_models, self.n_latent))
        return models

    def rescaled(self, m: ArrayLike, index: int, factor: float) -> tuple[np.ndarray, float]:
        """Return the model with one property multiplied by a factor, within the range of the prior.

        Parameters
        ----------
        m : (nP,) array_like
            Model.
        index : int
            Index of the property.
        factor : float
            Wanted factor, above zero.

        Returns
        -------
        model : (nP,) numpy.ndarray
            Rescaled model; the given one if the decoder has no entry for the size of the property.
        factor : float
            Factor that was applied: amplitude entries stay within two standard deviations.
        """
        decoder, m = self._module.decoder, np.array(m, dtype=float)
        if not has_amplitudes(decoder):
            return m, 1.0
        step, before = float(decoder.amplitude_steps[index]), m[index]
        m[index] = np.clip(before + np.log(factor) / step, -_FAR, _FAR)
        return m, float(np.exp(step * (m[index] - before)))

    def unsized(self, m: ArrayLike) -> np.ndarray:
        """Return the model with its properties set to their median size, (nP,)."""
        m = np.array(m, dtype=float)
        if has_amplitudes(self._module.decoder):
            m[: len(self.property_names)] = 0.0
        return m

    def inverse(self, D: ArrayLike) -> np.ndarray:
        """Return the latent vector that the encoder finds for given properties.

        Inactive cells count as zero. Decoding the result gives similar properties, but not the same.

        Parameters
        ----------
        D : (n_properties * n_active,) array_like
            Properties on the active cells, one after the other.

        Returns
        -------
        (nP,) numpy.ndarray
            Latent vector, with zero offsets.

        Raises
        ------
        NotImplementedError
            If the decoder has no ``encode``.
        ValueError
            If the number of values does not fit.
        """
        decoder = self._module.decoder
        if not isinstance(decoder, HasEncoder):
            raise NotImplementedError(f"DecoderMap.inverse: {type(decoder).__name__} has no encoder.")
        values, given = np.zeros((len(self.property_names), self.mesh_of.n_cells)), np.asarray(D, dtype=float)
        wanted = (len(values) * int(self.active_cells.sum()),)
        if given.shape != wanted:
            msg = f"DecoderMap.inverse: got properties of shape {given.shape}, wanted {wanted}, one after the other."
            raise ValueError(msg)
        values[:, self.active_cells] = given.reshape(len(values), -1)
        low, high = self.domain
        box = as_numpy(decoder.grid_points)
        places = np.column_stack([0.5 * (box[:, :2] + 1.0), 1.0 - box[:, 2]]) * (high - low) + low
        grid = values[:, self.mesh_of.point2index(places)].reshape(1, len(values), *decoder.shape)
        model = np.zeros(self.nP)
        with torch.no_grad():
            model[: self.n_latent] = as_numpy(decoder.encode(as_tensor(grid, self.device, self.dtype))[0][0])
        return model

    def evaluate(self, m: ArrayLike, points: ArrayLike) -> np.ndarray:
        """Return the properties at any points, (n_points, 3) in m -> (n_properties, n_points)."""
        points = as_tensor(self._boxed(np.asarray(points, dtype=float)), self.device, self.dtype)
        with torch.no_grad():
            return as_numpy(self._module.decoder.decode(self._tensor(np.asarray(m, dtype=float))[None], points)[0])

    def _boxed(self, points):
        """Return coordinates in the decoder's box, with depth from 0 at its top."""
        fractions = scaled(points, self.domain)
        fractions[:, 2] = 0.5 * (1.0 - fractions[:, 2])
        return fractions


class _Decoded(nn.Module):
    """A decoder at one latent vector, averaged over the points of each cell."""

    def __init__(self, decoder, n, n_points):
        super().__init__()
        self.decoder, self.n_points = copy.deepcopy(decoder), n_points
        self.latent = nn.Parameter(torch.zeros(n))

    def forward(self, points):
        """Return the properties of cells, (n_points, 3) -> (n_properties, n_cells)."""
        values = self.decoder.decode(self.latent[None], points)[0]
        return values.unflatten(1, (-1, self.n_points)).mean(dim=2)


def has_amplitudes(decoder: nn.Module) -> bool:
    """Return whether the first latent entries are the sizes of the properties."""
    return isinstance(decoder, HasAmplitudes) or "amplitude_steps" in dict(decoder.named_buffers())


def _check_decoder(decoder, mesh, offsets):
    if not isinstance(decoder, nn.Module) or not isinstance(decoder, IsDecoder):
        msg = (
            f"DecoderMap.decoder: got {type(decoder).__name__}, wanted a torch module with n_latent, properties and "
            "decode(z, points), such as networks.GeologyVAE.from_pretrained()."
        )
        raise TypeError(msg)
    if mesh.dim != 3:
        msg = f"DecoderMap.mesh: got {mesh.dim} dimensions, wanted 3."
        raise ValueError(msg)
    if offsets and not isinstance(decoder, HasOffsets):
        msg = f"DecoderMap.offsets: got True, but {type(decoder).__name__} has no offsets. Leave it out."
        raise ValueError(msg)
