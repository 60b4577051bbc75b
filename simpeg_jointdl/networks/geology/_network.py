"""A learned prior on geology: a variational autoencoder whose decoder makes bodies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ..._core.checks import check_count
from ..._core.tensors import seeded
from ...datasets.synthetic import sample_geology
from .._pretrained import FOLDER, pretrained
from ._bodies import N_SHAPE, OFFSET_SCALES, occupancy, scattered
from ._layers import Encoder, Perceptron, grid_centers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Any

Tensor = torch.Tensor

#: Median of a sample's largest contrast and its standard deviation in natural logarithms, as the generator draws them.
_AMPLITUDES = {"density": (0.2, 0.7), "susceptibility": (0.025, 0.9)}
_AMPLITUDE_VARIANCE = 1e-3  # of an amplitude that is read off the model
_MULTIPLE = 8  # of the encoder's strides


class GeologyVAE(nn.Module):
    r"""Variational autoencoder of geological models in a box.

    The first `n_properties` entries of a latent vector are amplitudes: property p is
    :math:`A_p \exp(s_p z_p)` times a field of the size of one, with the median :math:`A_p` and spread :math:`s_p` of
    the models it was trained on. The others say what that field is: a perceptron makes `n_bodies` soft bodies of
    them, each with a value per property, and their sum is the field. A body is a superellipsoid, from ellipsoid to box,
    with a place, axes of its own, a bend and edges of some sharpness. Latent vectors of geological models are about
    standard normal: :math:`\tfrac12 \lVert z \rVert^2` is what an inversion adds.

    A decoder knows what it has seen, and data ask for more than that. So a latent vector may go on with `n_offsets`
    more entries, standard normal as well, which shift the numbers of each body (its centre by a tenth of the box's
    half width, for instance) from what the perceptron says: the same as training the biases of its last layer.
    Start them from zero once the latent vector alone fits no better.

    The decoder is a function of coordinates. It can be evaluated on any mesh, and at points within cells.

    Parameters
    ----------
    properties : sequence of str
        Of ``"density"`` (g/cc) and ``"susceptibility"`` (SI), in the order of the channels.
    shape : tuple of 3 int
        Grid of the encoder and the default grid of the decoder: (nz, ny, nx), top row first; multiples of 8. The box
        is about twice as wide as it is deep.
    n_latent : int
        Length of a latent vector, amplitudes included.
    n_bodies : int
        Bodies that a model is made of.
    width : int
        Of hidden layers.
    random_seed : int
        Of the first weights.

    Attributes
    ----------
    card : dict or None
        What the weights are, if they were loaded.

    Raises
    ------
    ValueError
        For no or other properties, a shape that is not three multiples of 8, a latent vector that is no longer than
        there are properties, and no bodies or no width.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.
    https://doi.org/10.48550/arXiv.1312.6114
    """

    n_bodies: int
    properties: tuple[str, ...]
    shape: tuple[int, ...]
    width: int

    def __init__(
        self,
        properties: Mapping[str, tuple[float, float]] = ("density", "susceptibility"),
        shape: tuple[int, int, int] = (16, 32, 32),
        n_latent: int = 64,
        n_bodies: int = 16,
        width: int = 512,
        random_seed: int = 0,
    ):
        super().__init__()
        _check(properties, shape, n_latent)
        self.properties, self.shape = tuple(properties), tuple(int(n) for n in shape)
        self.n_latent: int = int(n_latent)
        self.n_bodies, self.width = check_count("GeologyVAE.n_bodies", n_bodies), check_count("GeologyVAE.width", width)
        self.card: dict[str, Any] | None = None
        generator = torch.Generator().manual_seed(random_seed)
        n_properties, n_free = len(self.properties), self.n_latent - len(self.properties)
        with seeded(random_seed, [torch.get_default_device()]):
            self.encoder: Encoder = Encoder(n_properties, self.shape, grid_centers(self.shape), self.width, 2 * n_free)
            self.decoder: Perceptron = Perceptron(n_free, self.width, self.n_offsets)
        with torch.no_grad():
            self.decoder.hidden[-1].bias.copy_(scattered(self.n_bodies, n_properties, generator).flatten())
        amplitudes = [_AMPLITUDES[name] for name in self.properties]
        self.register_buffer("_log_median", torch.tensor([math.log(a) for a, _ in amplitudes]), persistent=False)
        self.register_buffer("_spread", torch.tensor([s for _, s in amplitudes]), persistent=False)
        scales = torch.tensor([*OFFSET_SCALES, *OFFSET_SCALES[-1:] * (n_properties - 1)])
        self.register_buffer("_offset_scales", scales, persistent=False)
        self.register_buffer("grid_points", grid_centers(self.shape), persistent=False)

    @classmethod
    def from_pretrained(cls, path: str | PathLike[str] | None = None) -> GeologyVAE:
        """Network with the weights that come with the package, or with those of a file, ready to decode.

        Parameters
        ----------
        path : str or pathlib.Path, optional
            Weights that ``python -m simpeg_jointdl.networks.train geology`` has written.

        Returns
        -------
        GeologyVAE
            In float32, in evaluation mode, on the CPU, without gradients of its parameters.

        Raises
        ------
        FileNotFoundError, ValueError
            As `load_weights` does.
        """
        return pretrained(cls, FOLDER / "geology.safetensors" if path is None else Path(path), "cpu")

    @property
    def amplitude_steps(self) -> Tensor:
        """By how much the logarithm of each property grows with its entry of the latent vector, (n_properties,)."""
        return self._spread

    @property
    def n_offsets(self) -> int:
        """Numbers of all bodies: how many entries a latent vector may have beyond `n_latent`."""
        return self.n_bodies * (N_SHAPE + len(self.properties))

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that make a network of this architecture; they go on the card of its weights."""
        return {
            "properties": list(self.properties),
            "shape": list(self.shape),
            "n_latent": self.n_latent,
            "n_bodies": self.n_bodies,
            "width": self.width,
        }

    def decode(self, z: Tensor, points: Tensor | None = None, *, sharpness: float = 1.0) -> Tensor:
        """Physical properties of latent vectors.

        Parameters
        ----------
        z : (n_samples, n_latent) or (n_samples, n_latent + n_offsets) torch.Tensor
        points : (n_points, 3) torch.Tensor, optional
            Where: x and y from -1 to 1 across the box, depth from 0 at its top to 1 at its bottom. The grid's cell
            centres if not given.
        sharpness : float
            Factor on the steepness of edges; below 1 they are softer, which widens the basin of an inversion.

        Returns
        -------
        (n_samples, n_properties, nz, ny, nx) or (n_samples, n_properties, n_points) torch.Tensor
            In g/cc and SI.

        Raises
        ------
        ValueError
            If `z` or `points` has another shape.
        """
        if z.ndim != 2 or z.shape[1] not in (self.n_latent, self.n_latent + self.n_offsets):
            msg = (
                f"GeologyVAE.decode: z: got shape {tuple(z.shape)}, wanted (n, {self.n_latent}), or "
                f"(n, {self.n_latent + self.n_offsets}) with offsets of bodies. Add or remove a dimension."
            )
            raise ValueError(msg)
        amplitudes = torch.exp(self._log_median + self._spread * z[:, : len(self.properties)])
        values = amplitudes[..., None] * self.decode_unit(z[:, len(self.properties) :], points, sharpness=sharpness)
        return values if points is not None else values.unflatten(2, self.shape)

    def decode_unit(self, z: Tensor, points: Tensor | None = None, *, sharpness: float = 1.0) -> Tensor:
        """Fields of the size of one, (n_samples, n_properties, n_points), from latent vectors without amplitudes."""
        if points is None:
            points = self.grid_points
        else:
            _check_shape("GeologyVAE.decode: points", points, 3)
        scale, offset = points.new_tensor([1.0, 1.0, 2.0]), points.new_tensor([0.0, 0.0, -1.0])
        parameters = self.bodies(z)
        inside = occupancy(parameters[..., :N_SHAPE], points * scale + offset, sharpness)
        return parameters[..., N_SHAPE:].transpose(1, 2) @ inside

    def bodies(self, z: Tensor) -> Tensor:
        """Numbers of the bodies, (n_samples, n_bodies, 17 + n_properties), from latent vectors without amplitudes."""
        n_free = self.n_latent - len(self.properties)
        parameters = self.decoder(z[:, :n_free]).unflatten(1, (self.n_bodies, -1))
        if z.shape[1] == n_free:
            return parameters
        return parameters + self._offset_scales * z[:, n_free:].unflatten(1, (self.n_bodies, -1))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latent vectors of models.

        Parameters
        ----------
        x : (n_samples, n_properties, nz, ny, nx) torch.Tensor
            In g/cc and SI.

        Returns
        -------
        mean, log_variance : (n_samples, n_latent) torch.Tensor

        Raises
        ------
        ValueError
            If `x` has another shape.
        """
        wanted = (len(self.properties), *self.shape)
        if x.ndim != 5 or tuple(x.shape[1:]) != wanted:
            msg = (
                f"GeologyVAE.encode: x: got shape {tuple(x.shape)}, wanted (n_samples, {', '.join(map(str, wanted))})."
            )
            raise ValueError(msg)
        unit, amplitudes = self.split(x)
        mean, log_variance = self.encode_unit(unit)
        fixed = torch.full_like(amplitudes, math.log(_AMPLITUDE_VARIANCE))
        return torch.cat([amplitudes, mean], dim=1), torch.cat([fixed, log_variance], dim=1)

    def encode_unit(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """The same of fields of the size of one, without amplitudes."""
        mean, log_variance = self.encoder(unit).chunk(2, dim=1)
        return mean, log_variance.clamp(-12.0, 4.0)

    def sample_latent(self, n_samples: int, *, kinds: dict[str, float] | None = None, random_seed: int = 0) -> Tensor:
        """Latent vectors of random geology: encodings of `datasets.synthetic.sample_geology`, shared wholly.

        Data are fitted from many places of latent space, most of which look like no geology. Starts, and reference
        models, are better chosen among these: the ones whose decoded models fit best.

        Parameters
        ----------
        n_samples : int
        kinds, random_seed
            As of `sample_geology`; the kinds it was trained on if not given.

        Returns
        -------
        (n_samples, n_latent) torch.Tensor
        """
        from ._bodies import KINDS

        options = {
            "kinds": KINDS if kinds is None else kinds,
            "properties": self.properties,
            "sharing": "whole",
            "random_seed": random_seed,
        }
        x = sample_geology(self.shape, n_samples, device=self.grid_points.device, dtype="float32", **options)
        with torch.no_grad():
            return self.encode(x.to(self.grid_points.dtype))[0]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Models over their largest contrasts, and these contrasts as latent entries; 0 where there is none."""
        largest = x.abs().amax((2, 3, 4))
        median = torch.exp(self._log_median).expand_as(largest)
        largest = torch.where(largest > 0.0, largest, median)
        return x / largest[..., None, None, None], (torch.log(largest) - self._log_median) / self._spread

    def forward(self, x: Tensor) -> Tensor:
        """Models decoded from the means of their encodings, of the shape of `x`."""
        return self.decode(self.encode(x)[0])


def _check(properties, shape, n_latent):
    if not properties or not set(properties) <= set(_AMPLITUDES):
        msg = f"GeologyVAE.properties: got {properties!r}, wanted some of {list(_AMPLITUDES)}."
        raise ValueError(msg)
    if np.shape(shape) != (3,) or any(n < _MULTIPLE or n % _MULTIPLE for n in shape):
        msg = f"GeologyVAE.shape: got {shape!r}, wanted (nz, ny, nx), each a multiple of {_MULTIPLE}."
        raise ValueError(msg)
    if n_latent <= len(properties):
        msg = f"GeologyVAE.n_latent: got {n_latent!r}, wanted more than one per property; the first are amplitudes."
        raise ValueError(msg)


def _check_shape(owner: str, value: Tensor, n_columns: int):
    if value.ndim != 2 or value.shape[1] != n_columns:
        msg = f"{owner}: got shape {tuple(value.shape)}, wanted (n, {n_columns}). Add or remove a dimension."
        raise ValueError(msg)
