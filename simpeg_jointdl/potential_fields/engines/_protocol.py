"""The interface of engines, which multiply by one sensitivity matrix in different ways."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch


class Engine(Protocol):
    """Sensitivity matrix of a :class:`Geometry`, (n_rows, n_columns).

    Attributes
    ----------
    name : str
        Name of the engine.
    shape : tuple of int
        Numbers of rows and columns.
    device : torch.device
        Device of the products.
    dtype : torch.dtype
        Type of the vectors that products take and return.
    n_bytes : int
        Memory that the engine holds, in bytes.
    """

    name: str
    shape: tuple[int, int]
    device: torch.device
    dtype: torch.dtype
    n_bytes: int

    def forward(self, model: torch.Tensor) -> torch.Tensor:
        """Return the matrix times a model, (n_columns,) -> (n_rows,)."""

    def adjoint(self, data: torch.Tensor) -> torch.Tensor:
        """Return the transposed matrix times data, (n_rows,) -> (n_columns,)."""

    def squared_columns(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Return the exact sum of squares of every column, after groups of rows have been added.

        Parameters
        ----------
        coefficients : (n_groups, k) torch.Tensor of float64
            Row g of the reduced matrix is the sum of rows g k to g k + k - 1 times these coefficients. With k = 1 they
            are the weights of the data; with k = 3 the direction of the field, for amplitude data.

        Returns
        -------
        (n_columns,) torch.Tensor of float64
        """

    def dense(self) -> np.ndarray:
        """Return the whole matrix, (n_rows, n_columns)."""
