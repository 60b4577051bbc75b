"""Weights of cells and properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .._core import validation as check


def checked_weights(who: str, values: ArrayLike, n_cells: int, n_properties: int) -> np.ndarray:
    """Return finite weights that are not negative, (n_cells,) or (n_cells, n_properties)."""
    shape = (n_cells, n_properties) if np.ndim(values) == 2 else (n_cells,)
    mend = f"Give one weight per active cell, or ({n_cells}, {n_properties}) of them, one per cell and property."
    return check.finite_array(who, values, shape, least=0.0, mend=mend)


def mean_weights(weights: Iterable[np.ndarray], n_cells: int, properties: Sequence[int] | None = None) -> np.ndarray:
    """Return the product of all weights, (n_cells,), with the geometric mean over some properties or over all."""
    total = np.ones(n_cells)
    for values in weights:
        if values.ndim == 2:
            some = values if properties is None else values[:, list(properties)]
            values = some.prod(axis=1) ** (1.0 / some.shape[1])
        total = total * values
    return total
