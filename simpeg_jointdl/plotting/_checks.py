"""Checks of meshes and arrays to plot."""

from __future__ import annotations

import numpy as np
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike

from .._core import validation as check


def checked_active(who: str, mesh: TensorMesh | TreeMesh, active_cells: ArrayLike | None) -> np.ndarray:
    """Return which cells are active; TypeError or ValueError for another kind of mesh."""
    check.instance(f"{who}.mesh", mesh, (TensorMesh, TreeMesh))
    check.discretize_mesh(f"{who}.mesh", mesh, (2, 3))
    return check.active_cells(f"{who}.active_cells", mesh, active_cells)


def checked_array(who: str, values: ArrayLike, shape: tuple[int, ...], *, blanks: bool = False) -> np.ndarray:
    """Return a read-only float64 copy of a given shape, finite, or with some nan where `blanks` are allowed."""
    if not blanks:
        return check.finite_array(who, values, shape)
    array = check.gappy_array(who, values, shape)
    if np.isnan(array).all():
        msg = f"{who}: got only nan, wanted at least one value."
        raise ValueError(msg)
    return array
