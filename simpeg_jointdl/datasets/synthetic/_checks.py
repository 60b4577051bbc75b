"""Checks of the arguments of synthetic geology."""

from __future__ import annotations

import numpy as np
import torch

from ..._core import validation as check
from ..._core.tensors import as_tensor
from ._scenes import BODIES, DEFAULT_KINDS, KINDS, PROPERTIES, SHARING


def checked_kinds(kinds) -> dict[str, float]:
    """Return the probability of each kind; the default for None."""
    if kinds is None:
        return DEFAULT_KINDS
    if not isinstance(kinds, dict):
        msg = f"sample_geology.kinds: got {kinds!r}, wanted a dict of probabilities such as {{'layers': 0.5}}."
        raise TypeError(msg)
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        msg = f"sample_geology.kinds: got {unknown}, wanted some of {list(KINDS)}. Use those names."
        raise ValueError(msg)
    checked = {kind: check.number(f"sample_geology.kinds[{kind!r}]", p, least=0.0) for kind, p in kinds.items()}
    if any(p > 1.0 for p in checked.values()):
        msg = f"sample_geology.kinds: got {kinds!r}, wanted probabilities from 0 to 1. Change those above 1."
        raise ValueError(msg)
    if not any(checked.get(kind, 0.0) for kind in ("layers", *BODIES)):
        msg = (
            f"sample_geology.kinds: got {kinds!r}, which gives empty models. Give layers or a kind of body "
            f"({', '.join(BODIES)}) a probability above 0."
        )
        raise ValueError(msg)
    return checked


def checked_properties(properties) -> tuple[str, ...]:
    """Return the names of properties, which must be known and different."""
    names = (properties,) if isinstance(properties, str) else tuple(properties)
    if not names or len(set(names)) != len(names) or not set(names) <= set(PROPERTIES):
        msg = f"sample_geology.properties: got {properties!r}, wanted some of {list(PROPERTIES)}, each once."
        raise ValueError(msg)
    return names


def checked_sharing(sharing) -> str:
    """Return how properties share structure; ValueError for an unknown way."""
    if sharing not in SHARING:
        msg = f"sample_geology.sharing: got {sharing!r}, wanted one of {list(SHARING)}."
        raise ValueError(msg)
    return sharing


def grid_points(points, device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, tuple[int, ...]]:
    """Return coordinates (n_points, 3) in the domain, and the shape of their values."""
    if not isinstance(points, torch.Tensor) and np.ndim(points) == 1:
        nz, ny, nx = (
            check.whole("sample_geology.points", n, least=1) for n in check.several("sample_geology.points", points, 3)
        )
        z, y, x = (_centers(n, device, dtype) for n in (nz, ny, nx))
        depth, north, east = torch.meshgrid(0.5 * (z + 1.0), y, x, indexing="ij")
        return torch.stack([east, north, depth], dim=-1).reshape(-1, 3), (nz, ny, nx)
    if not isinstance(points, torch.Tensor):
        points = as_tensor(np.asarray(points, dtype=np.float64), device)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        msg = (
            f"sample_geology.points: got shape {tuple(points.shape)}, wanted a grid's shape (nz, ny, nx) or "
            f"coordinates (n_points, 3). Put x, y and depth into columns."
        )
        raise ValueError(msg)
    return points.to(device, dtype), (len(points),)


def _centers(n: int, device, dtype) -> torch.Tensor:
    """Return the centres of n equal cells from -1 to 1."""
    return (torch.arange(n, device=device, dtype=dtype) + 0.5) * (2.0 / n) - 1.0


def mesh_points(mesh, active_cells) -> np.ndarray:
    """Return cell centres (n_active, 3): x and y from -1 to 1 over the mesh, depth from 0 at its top to 1."""
    if getattr(mesh, "dim", None) != 3:
        msg = f"make_geology.mesh: got {type(mesh).__name__} of dimension {getattr(mesh, 'dim', None)}, wanted 3."
        raise ValueError(msg)
    nodes = mesh.nodes
    low, high = nodes.min(axis=0), nodes.max(axis=0)
    fractions = (np.asarray(mesh.cell_centers) - low) / (high - low)
    points = np.column_stack([2.0 * fractions[:, :2] - 1.0, 1.0 - fractions[:, 2]])
    if active_cells is None:
        return points
    active = np.asarray(active_cells)
    if active.dtype != bool or active.shape != (mesh.n_cells,) or not active.any():
        msg = (
            f"make_geology.active_cells: got {active.dtype} of shape {active.shape}, {int(active.sum())} of them true, "
            f"wanted ({mesh.n_cells},), one boolean per mesh cell, some of them true."
        )
        raise ValueError(msg)
    return points[active]
