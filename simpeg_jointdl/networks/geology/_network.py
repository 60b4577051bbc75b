"""Learned prior on geology: a variational autoencoder with a decoder to soft bodies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from ..._core import validation as check
from ..._core.tensors import seeded, seeded_generator
from ...datasets.synthetic import sample_geology
from .._pretrained import FOLDER, pretrained
from ._bodies import KINDS, N_SHAPE, OFFSET_SCALES, occupancy, scattered
from ._checks import AMPLITUDES, check_architecture, check_points
from ._layers import Encoder, Perceptron, grid_centers

Tensor = torch.Tensor

_AMPLITUDE_VARIANCE = 1e-3  # variance of the latent entry of an amplitude, which is computed from the model


class GeologyVAE(nn.Module):
    r"""Variational autoencoder of geological models in a box.

    The first entries of a latent vector, one per property, are amplitudes: property p is :math:`A_p \exp(s_p z_p)`
    times a normalized model, where :math:`A_p` and :math:`s_p` are median and spread of the training set. From the
    other entries a perceptron computes `n_bodies` soft bodies, each with one value per property, whose sum is the
    normalized model. A body is a superellipsoid between ellipsoid and box, with its own centre, axes, bend and
    sharpness of its edges. Latent vectors of geological models are approximately standard normal, so that an inversion
    adds :math:`\lVert z \rVert^2` to a data misfit :math:`\lVert r \rVert^2` without the factor 1/2, as in SimPEG.

    The decoder is limited to models like those of the training set, and may not fit the data. A latent vector may
    therefore have `n_offsets` further entries, also standard normal, which change the parameters of each body, for
    example its centre by a tenth of the half width of the box. This is equivalent to training the biases of the last
    layer. They should start from zero once the latent vector alone does not improve the fit any more. The decoder is a
    function of the coordinates, so that it can be evaluated on any mesh, and at points within cells.

    Parameters
    ----------
    properties : sequence of str
        Names among ``"density"`` (g/cc) and ``"susceptibility"`` (SI), in the order of the channels.
    shape : tuple of 3 int
        Grid of the encoder, and default grid of the decoder: (nz, ny, nx), top slice first, multiples of 8. The box is
        about twice as wide as it is deep.
    n_latent : int
        Length of a latent vector, amplitudes included.
    n_bodies : int
        Number of bodies of a model.
    width : int
        Width of the hidden layers.
    random_seed : int
        Seed of the initial weights.

    Attributes
    ----------
    card : dict or None
        Card of the weights, if they were loaded from a file.

    Raises
    ------
    TypeError, ValueError
        If there is no property or an unknown one, the shape is not three multiples of 8, the latent vector is not
        longer than the number of properties, or a number is not a whole number of at least 1.

    References
    ----------
    Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. ICLR.
    https://doi.org/10.48550/arXiv.1312.6114

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import GeologyVAE
    >>> GeologyVAE(shape=(8, 16, 16), n_latent=8, n_bodies=4, width=16).decode(torch.zeros(1, 8)).shape
    torch.Size([1, 2, 8, 16, 16])
    """

    n_bodies: int
    properties: tuple[str, ...]
    shape: tuple[int, ...]
    width: int

    def __init__(
        self, properties: Sequence[Literal["density", "susceptibility"]] = ("density", "susceptibility"),
        shape: tuple[int, int, int] = (16, 32, 32), n_latent: int = 64, n_bodies: int = 16, width: int = 512,
        random_seed: int = 0,
    ):  # fmt: skip
        super().__init__()
        check_architecture(properties, shape)
        self.properties, self.shape = tuple(properties), tuple(int(n) for n in shape)
        self.n_latent: int = check.whole("GeologyVAE.n_latent", n_latent, least=len(self.properties) + 1)
        self.n_bodies = check.whole("GeologyVAE.n_bodies", n_bodies)
        self.width = check.whole("GeologyVAE.width", width)
        self.card: dict[str, Any] | None = None
        generator = seeded_generator("GeologyVAE.random_seed", random_seed)
        n_properties, n_free = len(self.properties), self.n_latent - len(self.properties)
        with seeded(random_seed, [torch.get_default_device()]):
            self.encoder: Encoder = Encoder(n_properties, self.shape, grid_centers(self.shape), self.width, 2 * n_free)
            self.decoder: Perceptron = Perceptron(n_free, self.width, self.n_offsets)
        with torch.no_grad():
            self.decoder.hidden[-1].bias.copy_(scattered(self.n_bodies, n_properties, generator).flatten())
        amplitudes = [AMPLITUDES[name] for name in self.properties]
        self.register_buffer("_log_median", torch.tensor([math.log(a) for a, _ in amplitudes]), persistent=False)
        self.register_buffer("_spread", torch.tensor([s for _, s in amplitudes]), persistent=False)
        scales = torch.tensor([*OFFSET_SCALES, *OFFSET_SCALES[-1:] * (n_properties - 1)])
        self.register_buffer("_offset_scales", scales, persistent=False)
        self.register_buffer("grid_points", grid_centers(self.shape), persistent=False)

    @classmethod
    def from_pretrained(cls, path: str | PathLike[str] | None = None) -> GeologyVAE:
        """Return a network with the weights of the package, or with those of a file.

        Parameters
        ----------
        path : str or os.PathLike, optional
            Weights file written by ``python -m simpeg_jointdl.networks.train geology``.

        Returns
        -------
        GeologyVAE
            Network in float32 on the CPU, in evaluation mode, whose parameters require no gradients.

        Raises
        ------
        FileNotFoundError, ValueError
            As :func:`load_weights`.
        """
        return pretrained(cls, FOLDER / "geology.safetensors" if path is None else Path(path), "cpu")

    @property
    def amplitude_steps(self) -> Tensor:
        """Change of the logarithm of each property per unit of its latent entry, (n_properties,)."""
        return self._spread

    @property
    def n_offsets(self) -> int:
        """Number of parameters of all bodies, which is the number of possible latent entries beyond `n_latent`."""
        return self.n_bodies * (N_SHAPE + len(self.properties))

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that build a network of this architecture, for the card of its weights."""
        return {
            "properties": list(self.properties),
            "shape": list(self.shape),
            "n_latent": self.n_latent,
            "n_bodies": self.n_bodies,
            "width": self.width,
        }

    def decode(self, z: Tensor, points: Tensor | None = None, *, sharpness: float = 1.0) -> Tensor:
        """Return the physical properties of latent vectors.

        Parameters
        ----------
        z : (n_samples, n_latent) or (n_samples, n_latent + n_offsets) torch.Tensor
            Latent vectors.
        points : (n_points, 3) torch.Tensor, optional
            Points: x and y from -1 to 1 over the box, and depth from 0 at its top to 1 at its bottom; by default the
            cell centres of the grid.
        sharpness : float
            Factor on the steepness of edges. Below 1 edges are softer, which helps an inversion to converge.

        Returns
        -------
        (n_samples, n_properties, nz, ny, nx) or (n_samples, n_properties, n_points) torch.Tensor
            Density in g/cc and susceptibility in SI.

        Raises
        ------
        ValueError
            If `z` or `points` has another shape.
        """
        if z.ndim != 2 or z.shape[1] not in (self.n_latent, self.n_latent + self.n_offsets):
            wanted = f"(n, {self.n_latent}), or (n, {self.n_latent + self.n_offsets}) with offsets of the bodies"
            msg = f"GeologyVAE.decode.z: got shape {tuple(z.shape)}, wanted {wanted}."
            raise ValueError(msg)
        amplitudes = torch.exp(self._log_median + self._spread * z[:, : len(self.properties)])
        values = amplitudes[..., None] * self.decode_unit(z[:, len(self.properties) :], points, sharpness=sharpness)
        return values if points is not None else values.unflatten(2, self.shape)

    def decode_unit(self, z: Tensor, points: Tensor | None = None, *, sharpness: float = 1.0) -> Tensor:
        """Return normalized models, which are those of latent vectors without amplitudes.

        Parameters
        ----------
        z : (n_samples, n_latent - n_properties) torch.Tensor
            Latent vectors, with `n_offsets` further entries or without.
        points, sharpness
            As :meth:`decode`.

        Returns
        -------
        (n_samples, n_properties, n_points) torch.Tensor
            Normalized models.
        """
        if points is None:
            points = self.grid_points
        else:
            check_points(points)
        scale, offset = points.new_tensor([1.0, 1.0, 2.0]), points.new_tensor([0.0, 0.0, -1.0])
        parameters = self.bodies(z)
        inside = occupancy(parameters[..., :N_SHAPE], points * scale + offset, sharpness)
        return parameters[..., N_SHAPE:].transpose(1, 2) @ inside

    def bodies(self, z: Tensor) -> Tensor:
        """Return the bodies, (n_samples, n_bodies, 17 + n_properties), from latent vectors without amplitudes."""
        n_free = self.n_latent - len(self.properties)
        parameters = self.decoder(z[:, :n_free]).unflatten(1, (self.n_bodies, -1))
        if z.shape[1] == n_free:
            return parameters
        return parameters + self._offset_scales * z[:, n_free:].unflatten(1, (self.n_bodies, -1))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the logarithm of the variance of the latent vectors of models.

        Parameters
        ----------
        x : (n_samples, n_properties, nz, ny, nx) torch.Tensor
            Density in g/cc and susceptibility in SI.

        Returns
        -------
        mean, log_variance : (n_samples, n_latent) torch.Tensor
            Moments of the latent distribution.

        Raises
        ------
        ValueError
            If `x` has another shape.
        """
        wanted = (len(self.properties), *self.shape)
        if x.ndim != 5 or tuple(x.shape[1:]) != wanted:
            msg = f"GeologyVAE.encode.x: got shape {tuple(x.shape)}, wanted (n_samples, {', '.join(map(str, wanted))})."
            raise ValueError(msg)
        unit, amplitudes = self.split(x)
        mean, log_variance = self.encode_unit(unit)
        fixed = torch.full_like(amplitudes, math.log(_AMPLITUDE_VARIANCE))
        return torch.cat([amplitudes, mean], dim=1), torch.cat([fixed, log_variance], dim=1)

    def encode_unit(self, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance for normalized models, without the entries of the amplitudes."""
        mean, log_variance = self.encoder(unit).chunk(2, dim=1)
        return mean, log_variance.clamp(-12.0, 4.0)

    def sample_latent(
        self, n_samples: int, *, kinds: dict[str, float] | None = None, random_seed: int | torch.Generator = 0
    ) -> Tensor:
        """Return latent vectors of random geology, in which both properties have the same structure.

        They are encodings of `datasets.synthetic.sample_geology`. Many latent vectors fit the data, but most of them do
        not look like geology; starting and reference models are better chosen as the best-fitting ones among these.

        Parameters
        ----------
        n_samples : int
            Number of latent vectors.
        kinds : dict of str to float, optional
            Probabilities of the kinds of geology, as in `sample_geology`; by default those of the training set.
        random_seed : int or torch.Generator
            Seed of the models.

        Returns
        -------
        (n_samples, n_latent) torch.Tensor
            Latent vectors.
        """
        x = sample_geology(
            self.shape, n_samples, kinds=KINDS if kinds is None else kinds, properties=self.properties, sharing="whole",
            random_seed=random_seed, device=self.grid_points.device, dtype="float32",
        )  # fmt: skip
        with torch.no_grad():
            return self.encode(x.to(self.grid_points.dtype))[0]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return models divided by their largest contrasts, and these contrasts as latent entries, 0 for none."""
        largest = x.abs().amax((2, 3, 4))
        median = torch.exp(self._log_median).expand_as(largest)
        largest = torch.where(largest > 0.0, largest, median)
        return x / largest[..., None, None, None], (torch.log(largest) - self._log_median) / self._spread

    def forward(self, x: Tensor) -> Tensor:
        """Return the decoded means of the encodings of models.

        Parameters
        ----------
        x : (n_samples, n_properties, nz, ny, nx) torch.Tensor
            Density in g/cc and susceptibility in SI.

        Returns
        -------
        torch.Tensor
            Decoded models of the same shape.
        """
        return self.decode(self.encode(x)[0])
