"""Validation that names the object, what came, what was wanted and the mend."""

from __future__ import annotations

import numpy as np
from discretize import TensorMesh, TreeMesh


def label_of(name, unit) -> str:
    return f"{name} ({unit})" if unit else name


def listed(who, items, kind) -> list:
    items = [items] if isinstance(items, kind) else list(items)
    if not items or not all(isinstance(item, kind) for item in items):
        msg = f"{who}: got {[type(item).__name__ for item in items]}, wanted at least one {kind.__name__}."
        raise ValueError(msg)
    return items


def checked_active(mesh, active_cells) -> np.ndarray:
    if not isinstance(mesh, TensorMesh | TreeMesh) or mesh.dim == 1:
        msg = f"plotting: got a {type(mesh).__name__}, wanted a 2-D or 3-D TensorMesh or TreeMesh."
        raise ValueError(msg)
    active = np.ones(mesh.n_cells, dtype=bool) if active_cells is None else np.asarray(active_cells)
    if active.dtype != bool or active.shape != (mesh.n_cells,) or not active.any():
        msg = f"plotting, active_cells: got {active.dtype} {active.shape}, wanted bool ({mesh.n_cells},), some True."
        raise ValueError(msg)
    return active


def checked_array(who, values, shape, *, blanks=False) -> np.ndarray:
    """Read-only float64 copy of the given shape; finite, or with some nan where `blanks` are allowed."""
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        msg = f"{who}: got shape {array.shape}, wanted {shape}. Give one entry per datum, active cell or axis."
        raise ValueError(msg)
    if np.isinf(array).any() or (np.isnan(array).all() if blanks else np.isnan(array).any()):
        msg = f"{who}: got nan or infinite entries, or none. Drop them first."
        raise ValueError(msg)
    array.flags.writeable = False
    return array
