"""What an engine is: one matrix, however it is multiplied by."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch


class Engine(Protocol):
    """The sensitivity matrix of a :class:`Geometry`, (n_rows, n_columns), as far as it is asked of one.

    Attributes
    ----------
    name : str
    shape : tuple of int
    device : torch.device
    dtype : torch.dtype
        Of the vectors that products take and give.
    n_bytes : int
        What it holds.
    """

    name: str
    shape: tuple[int, int]
    device: torch.device
    dtype: torch.dtype
    n_bytes: int

    def forward(self, model: torch.Tensor) -> torch.Tensor:
        """Matrix times a model, (n_columns,) -> (n_rows,)."""

    def adjoint(self, data: torch.Tensor) -> torch.Tensor:
        """Transposed matrix times data, (n_rows,) -> (n_columns,)."""

    def squared_columns(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Sums of squares down every column, exact, after rows have been joined.

        Parameters
        ----------
        coefficients : (n_groups, k) torch.Tensor of float64
            Row g of the joined matrix is the sum of rows g k to g k + k - 1 times these: with k = 1 they are the
            weights of the data, with k = 3 the direction of the field, for amplitudes.

        Returns
        -------
        (n_columns,) torch.Tensor of float64
        """

    def dense(self) -> np.ndarray:
        """The whole matrix, (n_rows, n_columns)."""
