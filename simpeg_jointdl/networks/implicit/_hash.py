"""Multiresolution hash encoding."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import nn

from ..._core import validation as check
from ..._core.tensors import resolve_device, resolve_dtype, seeded_generator
from ._base import BaseEncoding
from ._initial import uniform


class HashEncoding(BaseEncoding):
    r"""Multiresolution hash encoding: learned features at the corners of grids of increasing resolution.

    Level l divides every axis of the domain into :math:`N_l = \lfloor N_0 b^l \rfloor` cells, where b is such that the
    last level has `finest` cells. On every level a point receives the features of the corners of its cell,
    interpolated linearly along each axis. A level whose corners fit into a table of `table_size` entries has one entry
    per corner. On the other levels corners share entries: corner :math:`c` has entry
    :math:`\oplus_i c_i \pi_i \bmod` `table_size`. `prepare` computes entries and weights, and the call is a weighted
    sum. A point outside the domain takes the value of the nearest point on its border.

    Parameters
    ----------
    n_inputs : int
        Number of coordinates of a point, 1 to 3.
    n_levels : int
        Number of levels.
    n_features : int
        Number of features per entry; the network has `n_levels` times as many inputs.
    table_size : int
        Largest number of entries of a level.
    coarsest : int
        Number of cells per axis of the first level.
    finest : int
        Number of cells per axis of the last level.
    amplitude : float
        Limit of the initial features, which are uniform between its negative and itself.
    random_seed : int
        Seed of the initial features.
    device : str or torch.device, optional
        Device of the features; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Type of the features, float64 (default) or float32.

    Raises
    ------
    TypeError, ValueError
        If a number is not a whole number of at least 1, there are more than 3 coordinates, `finest` is below
        `coarsest`, the amplitude is not above 0, or the device or type is unknown.

    References
    ----------
    Müller, T., Evans, A., Schied, C. and Keller, A. (2022). Instant neural graphics primitives with a
    multiresolution hash encoding. ACM Transactions on Graphics, 41(4), 102. https://doi.org/10.1145/3528223.3530127

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import HashEncoding
    >>> encoding = HashEncoding(n_levels=4, n_features=2)
    >>> encoding(*encoding.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape
    torch.Size([5, 8])
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
        device: torch.device | str | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        mend = "Use FourierEncoding for more."
        self.n_inputs = check.whole("HashEncoding.n_inputs", n_inputs, most=len(self._PRIMES), mend=mend)
        self.n_levels: int = check.whole("HashEncoding.n_levels", n_levels)
        self.n_features: int = check.whole("HashEncoding.n_features", n_features)
        self.table_size: int = check.whole("HashEncoding.table_size", table_size)
        self.resolutions: list[int] = _resolutions(self.n_levels, coarsest, finest)
        self.n_outputs = self.n_levels * self.n_features
        corners = [(resolution + 1) ** self.n_inputs for resolution in self.resolutions]
        self._is_hashed = [n > self.table_size for n in corners]
        self._starts = np.cumsum([0, *(min(n, self.table_size) for n in corners)]).tolist()
        self.amplitude: float = check.positive("HashEncoding.amplitude", amplitude)
        place = {"device": resolve_device(device, "HashEncoding"), "dtype": resolve_dtype(dtype, "HashEncoding")}
        self.table: nn.Parameter = nn.Parameter(torch.empty((self._starts[-1], self.n_features), **place))
        self.reset_parameters(seeded_generator("HashEncoding.random_seed", random_seed))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new features.

        Parameters
        ----------
        generator : torch.Generator, optional
            Source of the random numbers; by default torch's global generator.
        """
        with torch.no_grad():
            self.table.copy_(uniform(self.table.shape, self.amplitude, generator))

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the table entries of the corners around each point, and their weights.

        Parameters
        ----------
        points : (n_points, n_inputs) torch.Tensor
            Coordinates scaled to [-1, 1] over the domain.

        Returns
        -------
        entries : (n_points, n_levels, n_corners) torch.Tensor
            Indices of rows of the table, int64.
        weights : (n_points, n_levels, n_corners) torch.Tensor
            Interpolation weights, which sum to one over the corners.

        Raises
        ------
        TypeError, ValueError
            If the points are not a tensor of finite floating-point numbers of this shape.
        """
        self._check_points(points)
        unit = ((points + 1.0) / 2.0).clamp(0.0, 1.0)
        resolution = torch.tensor(self.resolutions, dtype=points.dtype, device=points.device)
        place = unit[:, None, :] * resolution[:, None]  # (n_points, n_levels, n_inputs)
        lowest = torch.minimum(place.floor(), resolution[:, None] - 1.0)
        share = place - lowest
        # corner j is the upper neighbour along axis i where bit i of j is set
        bits = torch.arange(2**self.n_inputs, device=points.device)[:, None]
        upper = (bits >> torch.arange(self.n_inputs, device=points.device)) & 1  # (n_corners, n_inputs)
        weights = torch.where(upper == 1, share[..., None, :], 1.0 - share[..., None, :]).prod(-1)
        corners = lowest.long()[..., None, :] + upper
        return self._entries(corners), weights

    def _entries(self, corners: torch.Tensor) -> torch.Tensor:
        """Return the rows of the table for corners (n_points, n_levels, n_corners, n_inputs)."""
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
        """Return the interpolated features.

        Parameters
        ----------
        entries, weights : (n_points, n_levels, n_corners) torch.Tensor
            Tensors returned by `prepare`.

        Returns
        -------
        (n_points, n_levels * n_features) torch.Tensor
            Features of all levels.
        """
        features = self.table.index_select(0, entries.flatten())
        features = features.reshape(*entries.shape, self.n_features)  # (n_points, n_levels, n_corners, n_features)
        return (features * weights[..., None]).sum(-2).flatten(1)


def _resolutions(n_levels: int, coarsest: int, finest: int) -> list[int]:
    """Return the number of cells per axis of every level, in geometric progression."""
    coarsest = check.whole("HashEncoding.coarsest", coarsest)
    mend = "It must not be less than coarsest."
    finest = check.whole("HashEncoding.finest", finest, least=coarsest, mend=mend)
    # the small number keeps the last level from being rounded down to one cell too few
    return [int(coarsest * (finest / coarsest) ** (k / max(n_levels - 1, 1)) + 1e-9) for k in range(n_levels)]
