"""Encodings without trainable parameters: identity, positional and Fourier features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import DTypeLike

from ..._core import validation as check
from ..._core.tensors import resolve_device, resolve_dtype, seeded_generator
from ._base import BaseEncoding


class IdentityEncoding(BaseEncoding):
    """Coordinates without any encoding.

    Parameters
    ----------
    n_inputs : int
        Number of coordinates of a point.

    Raises
    ------
    TypeError, ValueError
        If `n_inputs` is not a whole number of at least 1.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import IdentityEncoding
    >>> encoding = IdentityEncoding(2)
    >>> encoding(*encoding.prepare(torch.tensor([[0.5, -0.5]])))
    tensor([[ 0.5000, -0.5000]])
    """

    def __init__(self, n_inputs: int = 3):
        super().__init__()
        self.n_inputs = self.n_outputs = check.whole("IdentityEncoding.n_inputs", n_inputs)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self._check_points(points)
        return (points,)


class PositionalEncoding(BaseEncoding):
    r"""Coordinates and their sines and cosines at doubling frequencies.

    .. math:: \gamma(x) = [x, \; \sin 2^k c x, \; \cos 2^k c x], \qquad k = 0, \dots, K - 1

    Parameters
    ----------
    n_inputs : int
        Number of coordinates of a point.
    n_frequencies : int
        Number of frequencies K.
    pi : bool
        Whether c is π, so that the slowest sine has one period over [-1, 1]; otherwise c is 1.

    Raises
    ------
    TypeError, ValueError
        If a number is not a whole number of at least 1.

    References
    ----------
    Mildenhall, B. et al. (2020). NeRF. ECCV 2020, 405-421. https://doi.org/10.1007/978-3-030-58452-8_24

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import PositionalEncoding
    >>> encoding = PositionalEncoding(1, n_frequencies=1)
    >>> encoding(*encoding.prepare(torch.zeros(1, 1)))
    tensor([[0., 0., 1.]])
    """

    def __init__(self, n_inputs: int = 3, *, n_frequencies: int = 2, pi: bool = False):
        super().__init__()
        self.n_inputs = check.whole("PositionalEncoding.n_inputs", n_inputs)
        self.n_frequencies: int = check.whole("PositionalEncoding.n_frequencies", n_frequencies)
        self.n_outputs = self.n_inputs * (1 + 2 * self.n_frequencies)
        self.pi: bool = bool(pi)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self._check_points(points)
        parts = [points]
        for k in range(self.n_frequencies):
            phase = 2.0**k * (np.pi if self.pi else 1.0) * points
            parts += [phase.sin(), phase.cos()]
        return (torch.cat(parts, dim=-1),)


class FourierEncoding(BaseEncoding):
    r"""Sines and cosines of the coordinates along fixed random directions.

    .. math:: \gamma(x) = [\sin 2 \pi B x, \; \cos 2 \pi B x], \qquad B_{ij} \sim N(0, s^2)

    Parameters
    ----------
    n_inputs : int
        Number of coordinates of a point.
    n_features : int
        Number of rows of B; the network has twice as many inputs.
    scale : float or sequence of float
        Standard deviation s in periods per half width of the domain, one number or one per coordinate.
    random_seed : int
        Seed of B.
    device : str or torch.device, optional
        Device of B and of the points; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Type of B and of the points, float64 (default) or float32.

    Raises
    ------
    TypeError, ValueError
        If a number is not a whole number of at least 1, a scale is not above zero, there is not one scale or one per
        coordinate, or the device or type is unknown.

    References
    ----------
    Tancik, M. et al. (2020). Fourier features let networks learn high frequency functions in low dimensional
    domains. NeurIPS 33, 7537-7547. https://doi.org/10.48550/arXiv.2006.10739

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import FourierEncoding
    >>> encoding = FourierEncoding(n_features=32, scale=0.5)
    >>> encoding(*encoding.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape
    torch.Size([5, 64])
    """

    matrix: torch.Tensor

    def __init__(
        self,
        n_inputs: int = 3,
        *,
        n_features: int = 32,
        scale: float | Sequence[float] = 0.5,
        random_seed: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        self.n_inputs = check.whole("FourierEncoding.n_inputs", n_inputs)
        self.n_features: int = check.whole("FourierEncoding.n_features", n_features)
        self.n_outputs = 2 * self.n_features
        scales = check.per_item("FourierEncoding.scale", scale, self.n_inputs, "coordinate", above=0.0)
        generator = seeded_generator("FourierEncoding.random_seed", random_seed)
        normal = torch.randn(self.n_features, self.n_inputs, generator=generator, dtype=torch.float64, device="cpu")
        matrix = normal * torch.tensor(scales.tolist(), dtype=torch.float64, device="cpu")
        place = (resolve_device(device, "FourierEncoding"), resolve_dtype(dtype, "FourierEncoding"))
        self.register_buffer("matrix", matrix.to(*place))

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self._check_points(points)
        phase = 2.0 * np.pi * points @ self.matrix.T
        return (torch.cat([phase.sin(), phase.cos()], dim=-1),)
