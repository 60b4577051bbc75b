"""A learned prior: the model is the latent vector of a decoder."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from discretize import TensorMesh
from simpeg.maps import Projection
from simpeg.regularization import Smallness
from simpeg.utils import validate_active_indices
from torch import nn

from ..._core.tensors import as_numpy, as_tensor, resolve_device, resolve_dtype
from .._base import TorchMap
from .._points import checked_domain, checked_per_cell, points_in_cells, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from discretize import TreeMesh
    from numpy.typing import ArrayLike, DTypeLike

_FAR = 2.0  # standard deviations


class DecoderMap(TorchMap):
    r"""Physical properties that a decoder makes of a latent vector, which is the model.

    .. math::
        \mathbf u(\mathbf z) = \mathrm{decode}(\mathbf z)(\mathbf x_{\mathrm{cells}}), \qquad
        \mathbf z \sim \mathcal N(\mathbf 0, \mathbf I)

    Latent vectors of what the decoder was trained on are about standard normal, so :meth:`prior` is what an inversion
    adds to its misfits, with a trade-off parameter of 1.

    Parameters
    ----------
    decoder : torch.nn.Module
        Such as :class:`simpeg_jointdl.networks.GeologyVAE`. It has ``n_latent``, ``properties`` and
        ``decode(z, points)``: latent vectors (k, n_latent) and points (n, 3), x and y from -1 to 1 across the box and
        depth from 0 at its top to 1, to (k, n_properties, n). It may have ``n_offsets``, further entries of a latent
        vector; ``encode``; ``sample_latent``; and ``amplitude_steps``, by how much the logarithm of each
        property grows with its entry among the first of the latent vector.
    mesh : discretize.TensorMesh or discretize.TreeMesh
        In three dimensions.
    active_cells : (n_cells,) array_like of bool, optional
    offsets : bool
        Let the latent vector go on with the decoder's offsets: what it has not seen, data may still say.
    points_per_cell : int or sequence of int
        Points along every axis of a cell over which the decoded model is averaged.
    domain : (2, 3) array_like, optional
        The box, in m; that of the mesh if not given.
    device, dtype
        As for :class:`TorchMap`.

    Attributes
    ----------
    properties : tuple of simpeg.maps.BaseMap
        From the model to each of the decoder's properties on the active cells.
    property_names : tuple of str

    Raises
    ------
    TypeError
        For a decoder that is no torch module, or lacks one of ``n_latent``, ``properties`` and ``decode``.
    ValueError
        For a mesh that is not in three dimensions, `offsets` of a decoder that has none, points per cell or a domain
        that do not fit the mesh, and for what :class:`TorchMap` refuses.
    FloatingPointError, MemoryError
        At a model, as of :class:`TorchMap`.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR. https://doi.org/10.48550/arXiv.1312.6114.
    Lopez-Alvis, J. et al. (2021). Deep generative models in inversion. Computers & Geosciences, 152, 104762.
    https://doi.org/10.1016/j.cageo.2021.104762
    """

    active_cells: np.ndarray
    mesh_of: TensorMesh | TreeMesh
    n_latent: int
    n_offsets: int
    property_names: tuple[str, ...]

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
        self.domain: np.ndarray = checked_domain("DecoderMap", domain, mesh)
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
        """Maps from the model to every property on the active cells."""
        n, n_properties = int(self.active_cells.sum()), len(self.property_names)
        return tuple(Projection(n * n_properties, np.arange(i * n, (i + 1) * n)) * self for i in range(n_properties))

    def prior(self, reference_model: ArrayLike | None = None) -> Smallness:
        r"""Regularization :math:`\lVert \mathbf z - \mathbf z_0 \rVert^2`: minus twice the log prior, for β = 1.

        Parameters
        ----------
        reference_model : (nP,) array_like, optional
            :math:`\mathbf z_0`; zero if not given.
        """
        reference = np.zeros(self.nP) if reference_model is None else np.asarray(reference_model, dtype=float)
        return Smallness(TensorMesh([np.ones(self.nP)]), reference_model=reference)

    def initial_model(self, random_seed: int | None = None) -> np.ndarray:
        """Zero, the middle of the prior; with a seed a draw from it, offsets at zero, (nP,)."""
        model = np.zeros(self.nP)
        if random_seed is not None:
            model[: self.n_latent] = np.random.default_rng(random_seed).standard_normal(self.n_latent)
        return model

    def candidates(self, n_models: int, random_seed: int = 0) -> np.ndarray:
        """Models of random geology to start from, (n_models, nP); draws from the prior where the decoder has none."""
        models = np.zeros((n_models, self.nP))
        decoder = self._module.decoder
        if hasattr(decoder, "sample_latent"):
            with torch.no_grad():
                models[:, : self.n_latent] = as_numpy(decoder.sample_latent(n_models, random_seed=random_seed))
        else:
            models[:, : self.n_latent] = np.random.default_rng(random_seed).standard_normal((n_models, self.n_latent))
        return models

    def rescaled(self, m: ArrayLike, index: int, factor: float) -> tuple[np.ndarray, float]:
        """The model with property `index` multiplied by a factor above zero, as far as the prior goes along.

        Returns
        -------
        model : (nP,) numpy.ndarray
            As given where the decoder has no entry for the property's size.
        factor : float
            By which it was multiplied: amplitudes stay within three standard deviations.
        """
        decoder, m = self._module.decoder, np.array(m, dtype=float)
        if not hasattr(decoder, "amplitude_steps"):
            return m, 1.0
        step, before = float(decoder.amplitude_steps[index]), m[index]
        m[index] = np.clip(before + np.log(factor) / step, -_FAR, _FAR)
        return m, float(np.exp(step * (m[index] - before)))

    def unsized(self, m: ArrayLike) -> np.ndarray:
        """The model with the properties of median size, whatever size it has, (nP,)."""
        m = np.array(m, dtype=float)
        if hasattr(self._module.decoder, "amplitude_steps"):
            m[: len(self.property_names)] = 0.0
        return m

    def inverse(self, D: ArrayLike) -> np.ndarray:
        """Latent vector that the encoder finds for properties on the active cells, (n_properties * n_active,) -> (nP,).

        Cells outside count as zero. Decoded again it is near the given properties, not equal to them.

        Raises
        ------
        NotImplementedError
            If the decoder has no ``encode``.
        ValueError
            For another number of values.
        """
        decoder = self._module.decoder
        if not hasattr(decoder, "encode"):
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
        """Properties anywhere, (n_points, 3) in m -> (n_properties, n_points)."""
        points = as_tensor(self._boxed(np.asarray(points, dtype=float)), self.device, self.dtype)
        with torch.no_grad():
            return as_numpy(self._module.decoder.decode(self._tensor(np.asarray(m, dtype=float))[None], points)[0])

    def _boxed(self, points):
        """Coordinates in the decoder's box: depth from 0 at the top."""
        fractions = scaled(points, self.domain)
        fractions[:, 2] = 0.5 * (1.0 - fractions[:, 2])
        return fractions


class _Decoded(nn.Module):
    """A decoder at one latent vector, averaged over the points of every cell."""

    def __init__(self, decoder, n, n_points):
        super().__init__()
        self.decoder, self.n_points = copy.deepcopy(decoder), n_points
        self.latent = nn.Parameter(torch.zeros(n))

    def forward(self, points):
        """(n_points, 3) -> (n_properties, n_cells)."""
        values = self.decoder.decode(self.latent[None], points)[0]
        return values.unflatten(1, (-1, self.n_points)).mean(dim=2)


def _check_decoder(decoder, mesh, offsets):
    missing = [name for name in ("n_latent", "properties", "decode") if not hasattr(decoder, name)]
    if not isinstance(decoder, nn.Module) or missing:
        msg = (
            f"DecoderMap.decoder: got {type(decoder).__name__} without {', '.join(missing) or 'being a torch module'}; "
            "wanted such as networks.GeologyVAE.from_pretrained()."
        )
        raise TypeError(msg)
    if mesh.dim != 3:
        msg = f"DecoderMap.mesh: got {mesh.dim} dimensions, wanted 3; the decoder's bodies are solid."
        raise ValueError(msg)
    if offsets and not hasattr(decoder, "n_offsets"):
        msg = f"DecoderMap.offsets: {type(decoder).__name__} has none; leave them out."
        raise ValueError(msg)
