"""Encodings of the coordinates: what does not depend on the weights is computed once per set of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import nn

from ..._core.checks import check_count, check_positive
from ..._core.tensors import resolve_device, resolve_dtype
from .._checks import check_points, uniform


class BaseEncoding(nn.Module):
    """Encoding of points in two steps: `prepare` once per set of points, the call itself in every step.

    Points come scaled by the domain to [-1, 1] along every axis, so that a network means the same on every mesh.

    Attributes
    ----------
    n_inputs, n_outputs : int
        Columns of the points, and of what the network gets.
    """

    n_inputs: int
    n_outputs: int

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """All that the call needs of the points.

        Parameters
        ----------
        points : (n_points, n_inputs) torch.Tensor

        Returns
        -------
        tuple of torch.Tensor
            Arguments of the call. The first axis of each is the points', so they can be cut into batches.

        Raises
        ------
        TypeError, ValueError
            If the points are no tensor of floating-point numbers, have another shape or are not finite.
        """
        raise NotImplementedError

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Encoded points, (n_points, n_outputs)."""
        return prepared[0]


class IdentityEncoding(BaseEncoding):
    """The coordinates themselves.

    Parameters
    ----------
    n_inputs : int
        Coordinates of a point.

    Raises
    ------
    ValueError
        If that is no int of at least 1.
    """

    def __init__(self, n_inputs: int = 3):
        super().__init__()
        self.n_inputs = self.n_outputs = check_count("IdentityEncoding.n_inputs", n_inputs)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        check_points(self, points)
        return (points,)


class PositionalEncoding(BaseEncoding):
    r"""Coordinates and their sines and cosines at doubling frequencies.

    .. math:: \gamma(x) = [x, \; \sin 2^k c x, \; \cos 2^k c x], \qquad k = 0, \dots, K - 1

    Parameters
    ----------
    n_inputs, n_frequencies : int
        Coordinates of a point, and K.
    pi : bool
        c is π, so that the slowest sine has one period over [-1, 1]; otherwise 1.

    Raises
    ------
    ValueError
        If one of the two is no int of at least 1.

    References
    ----------
    Mildenhall, B. et al. (2020). NeRF. ECCV 2020, 405-421. https://doi.org/10.1007/978-3-030-58452-8_24
    """

    def __init__(self, n_inputs: int = 3, *, n_frequencies: int = 2, pi: bool = False):
        super().__init__()
        self.n_inputs = check_count("PositionalEncoding.n_inputs", n_inputs)
        self.n_frequencies: int = check_count("PositionalEncoding.n_frequencies", n_frequencies)
        self.n_outputs = self.n_inputs * (1 + 2 * self.n_frequencies)
        self.pi: bool = bool(pi)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        check_points(self, points)
        parts = [points]
        for k in range(self.n_frequencies):
            phase = 2.0**k * (np.pi if self.pi else 1.0) * points
            parts += [phase.sin(), phase.cos()]
        return (torch.cat(parts, dim=-1),)


class FourierEncoding(BaseEncoding):
    r"""Sines and cosines along random directions, which stay as drawn.

    .. math:: \gamma(x) = [\sin 2 \pi B x, \; \cos 2 \pi B x], \qquad B_{ij} \sim N(0, s^2)

    Parameters
    ----------
    n_inputs, n_features : int
        Coordinates of a point, and rows of B; the network gets twice as many.
    scale : float or sequence of float
        s, in periods per half the domain. One number, or one per coordinate.
    random_seed, device, dtype
        Of B, and the last two of the points, too: torch's default device and float64 if not given.

    Raises
    ------
    ValueError
        For counts below 1, scales that are not above zero or not one per coordinate, an unknown device or type.

    References
    ----------
    Tancik, M. et al. (2020). Fourier features let networks learn high frequency functions in low dimensional
    domains. NeurIPS 33, 7537-7547. https://doi.org/10.48550/arXiv.2006.10739
    """

    def __init__(
        self,
        n_inputs: int = 3,
        *,
        n_features: int = 32,
        scale: float | Sequence[float] = 0.5,
        random_seed: int = 0,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        self.n_inputs = check_count("FourierEncoding.n_inputs", n_inputs)
        self.n_features: int = check_count("FourierEncoding.n_features", n_features)
        self.n_outputs = 2 * self.n_features
        scales = list(scale) if np.ndim(scale) else [scale] * self.n_inputs
        if len(scales) != self.n_inputs:
            msg = f"FourierEncoding.scale: got {len(scales)} numbers, wanted one, or one for each of {n_inputs} inputs."
            raise ValueError(msg)
        scales = [check_positive("FourierEncoding.scale", s) for s in scales]
        generator = torch.Generator("cpu").manual_seed(int(random_seed))
        normal = torch.randn(self.n_features, self.n_inputs, generator=generator, dtype=torch.float64, device="cpu")
        matrix = normal * torch.tensor(scales, dtype=torch.float64, device="cpu")
        self.register_buffer("matrix", matrix.to(resolve_device(device), resolve_dtype(dtype)))

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        check_points(self, points)
        phase = 2.0 * np.pi * points @ self.matrix.T
        return (torch.cat([phase.sin(), phase.cos()], dim=-1),)


class HashEncoding(BaseEncoding):
    r"""Multiresolution hash encoding: learned features on the corners of grids of growing fineness.

    Level l cuts every axis of the domain into :math:`N_l = \lfloor N_0 b^l \rfloor` cells, b such that the last level
    has `finest`. A point gets, from every level, the features of the corners of the cell that holds it, weighted
    (bi-, tri-)linearly. Levels whose corners fit into a table of `table_size` have an entry per corner; those of
    the others share entries, corner :math:`c` having entry :math:`\oplus_i c_i \pi_i \bmod` `table_size`. `prepare`
    computes entries and weights, the call a weighted sum. Points beyond the domain count as the nearest on its border.

    Parameters
    ----------
    n_inputs, n_levels, n_features : int
        Coordinates of a point, up to 3; levels, and features of an entry: the network gets the product of these two.
    table_size, coarsest, finest : int
        Most entries of a level; cells per axis of the first and last level.
    amplitude : float
        Features start uniform between its negative and itself.
    random_seed, device, dtype
        Of the features; torch's default device and float64 if not given.

    Raises
    ------
    ValueError
        For counts below 1, over 3 coordinates, `finest` below `coarsest`, no amplitude above 0, unknown device or type.

    References
    ----------
    Müller, T., Evans, A., Schied, C. and Keller, A. (2022). Instant neural graphics primitives with a
    multiresolution hash encoding. ACM Transactions on Graphics, 41(4), 102. https://doi.org/10.1145/3528223.3530127
    """

    _PRIMES = (1, 2_654_435_761, 805_459_861)

    def __init__(
        self,
        n_inputs: int = 3,
        *,
        n_levels: int = 4,
        n_features: int = 2,
        table_size: int = 2**14,
        coarsest: int = 4,
        finest: int = 32,
        amplitude: float = 1e-4,
        random_seed: int = 0,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        self.n_inputs = check_count("HashEncoding.n_inputs", n_inputs)
        if self.n_inputs > len(self._PRIMES):
            msg = f"HashEncoding.n_inputs: got {n_inputs}, wanted 1 to {len(self._PRIMES)}. Use FourierEncoding."
            raise ValueError(msg)
        self.n_levels: int = check_count("HashEncoding.n_levels", n_levels)
        self.n_features: int = check_count("HashEncoding.n_features", n_features)
        self.table_size: int = check_count("HashEncoding.table_size", table_size)
        self.resolutions: list[int] = _resolutions(self.n_levels, coarsest, finest)
        self.n_outputs = self.n_levels * self.n_features
        corners = [(resolution + 1) ** self.n_inputs for resolution in self.resolutions]
        self._is_hashed = [n > self.table_size for n in corners]
        self._starts = np.cumsum([0, *(min(n, self.table_size) for n in corners)]).tolist()
        self.amplitude: float = check_positive("HashEncoding.amplitude", amplitude)
        place = {"device": resolve_device(device), "dtype": resolve_dtype(dtype)}
        self.table: nn.Parameter = nn.Parameter(torch.empty((self._starts[-1], self.n_features), **place))
        self.reset_parameters(torch.Generator("cpu").manual_seed(int(random_seed)))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the features afresh, from torch's global generator unless another is given."""
        with torch.no_grad():
            self.table.copy_(uniform(self.table.shape, self.amplitude, generator))

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Entries (n_points, n_levels, n_corners) of int64, and their weights, of the same shape."""
        check_points(self, points)
        unit = ((points + 1.0) / 2.0).clamp(0.0, 1.0)
        resolution = torch.tensor(self.resolutions, dtype=points.dtype, device=points.device)
        place = unit[:, None, :] * resolution[:, None]  # (n_points, n_levels, n_inputs)
        lowest = torch.minimum(place.floor(), resolution[:, None] - 1.0)
        share = place - lowest
        # corner j takes the upper neighbour along axis i where bit i of j is set
        bits = torch.arange(2**self.n_inputs, device=points.device)[:, None]
        upper = (bits >> torch.arange(self.n_inputs, device=points.device)) & 1  # (n_corners, n_inputs)
        weights = torch.where(upper == 1, share[..., None, :], 1.0 - share[..., None, :]).prod(-1)
        corners = lowest.long()[..., None, :] + upper
        return self._entries(corners), weights

    def _entries(self, corners):
        """Places of corners (n_points, n_levels, n_corners, n_inputs) in the table of all levels."""
        entries = []
        for level, resolution in enumerate(self.resolutions):
            c = corners[:, level].unbind(-1)
            if self._is_hashed[level]:
                index = c[0] * self._PRIMES[0]
                for axis in range(1, self.n_inputs):
                    index = index ^ (c[axis] * self._PRIMES[axis])
                index %= self.table_size
            else:
                index = sum(c[axis] * (resolution + 1) ** axis for axis in range(self.n_inputs))
            entries.append(index + self._starts[level])
        return torch.stack(entries, dim=1)

    def forward(self, entries: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        features = self.table.index_select(0, entries.flatten())
        features = features.reshape(*entries.shape, self.n_features)  # (n_points, n_levels, n_corners, n_features)
        return (features * weights[..., None]).sum(-2).flatten(1)


def _resolutions(n_levels: int, coarsest: int, finest: int) -> list[int]:
    """Cells per axis of every level, in geometric progression."""
    coarsest = check_count("HashEncoding.coarsest", coarsest)
    finest = check_count("HashEncoding.finest", finest)
    if finest < coarsest:
        msg = f"HashEncoding.finest: got {finest}, wanted at least the {coarsest} cells of the coarsest level."
        raise ValueError(msg)
    # the small number keeps the last level from being rounded down to one cell less than asked for
    return [int(coarsest * (finest / coarsest) ** (k / max(n_levels - 1, 1)) + 1e-9) for k in range(n_levels)]
