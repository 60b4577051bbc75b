"""Checks of a mesh and its active cells, to be used through :mod:`validation`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import refuse_masked
from ._messages import message
from .protocols import HasCells


def discretize_mesh(who: str, value: Any, dims: tuple[int, ...] = (1, 2, 3)) -> Any:
    """Return a mesh of discretize, or an object with the same attributes, of one of the given dimensions."""
    if not isinstance(value, HasCells):
        msg = message(who, type(value).__name__, "a discretize.TensorMesh or discretize.TreeMesh")
        raise TypeError(msg)
    if value.dim not in dims:
        wanted = " or ".join(f"{dim}-D" for dim in dims)
        msg = message(who, f"a {value.dim}-D {type(value).__name__}", f"a {wanted} mesh")
        raise ValueError(msg)
    return value


def active_cells(who: str, mesh: HasCells, value: Any, *, indices: bool = False) -> np.ndarray:
    """Return which cells are active, a bool for each mesh cell (n_cells,); all cells for None.

    Parameters
    ----------
    who : str
        Name of the caller and its argument, which begins the message: ``"create_joint_inversion.active_cells"``.
    mesh : HasCells
        Mesh that :func:`discretize_mesh` has accepted.
    value : (n_cells,) array_like of bool, or None
        Active cells, at least one.
    indices : bool
        Whether indices of cells, each at most once, are allowed too.
    """
    n_cells = int(mesh.n_cells)
    if value is None:
        return np.ones(n_cells, dtype=bool)
    wanted = f"({n_cells},) of bool, at least one True"
    if indices:
        wanted += f", or different indices from 0 to {n_cells - 1}"
    refuse_masked(who, value)
    array = np.array(value)
    if indices and np.issubdtype(array.dtype, np.integer) and array.ndim == 1:
        inside = bool(np.all((array >= 0) & (array < n_cells)))
        if inside and array.size and np.unique(array).size == array.size:
            mask = np.zeros(n_cells, dtype=bool)
            mask[array] = True
            return mask
    if array.dtype != bool or array.shape != (n_cells,) or not array.any():
        n_true = f" with {int(array.sum())} True" if array.dtype == bool else ""
        msg = message(who, f"{array.dtype} of shape {array.shape}{n_true}", wanted)
        raise ValueError(msg)
    return array
