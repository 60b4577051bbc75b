"""Points within cells at which a network is evaluated, and coordinates scaled by a domain."""

from __future__ import annotations

from itertools import product

import numpy as np


def domain_of(mesh) -> np.ndarray:
    """Return the lower and upper corner of a mesh, (2, dim), in m."""
    nodes = np.atleast_2d(mesh.nodes)
    nodes = nodes.T if nodes.shape[0] == 1 else nodes
    return np.stack([nodes.min(axis=0), nodes.max(axis=0)])


def points_in_cells(mesh, active_cells: np.ndarray, per_cell: tuple[int, ...]) -> np.ndarray:
    """Return points spread evenly over each active cell, (n_active, n_per_cell, dim), in m."""
    centers = np.asarray(mesh.cell_centers, dtype=float).reshape(mesh.n_cells, -1)[active_cells]
    widths = np.asarray(mesh.h_gridded, dtype=float).reshape(mesh.n_cells, -1)[active_cells]
    parts = [(np.arange(n) + 0.5) / n - 0.5 for n in per_cell]
    offsets = np.array(list(product(*parts)))
    return centers[:, None, :] + widths[:, None, :] * offsets


def scaled(points: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Return coordinates scaled to run from -1 to 1 across the domain."""
    low, high = domain
    return 2.0 * (np.asarray(points, dtype=float) - low) / (high - low) - 1.0


def checked_per_cell(who: str, per_cell, dim: int) -> tuple[int, ...]:
    """Return the number of points along each axis of a cell."""
    counts = (per_cell,) * dim if np.ndim(per_cell) == 0 else tuple(per_cell)
    if len(counts) != dim or any(int(n) != n or n < 1 for n in counts):
        msg = f"{who}.points_per_cell: got {per_cell!r}, wanted a whole number above 0, or {dim} of them."
        raise ValueError(msg)
    return tuple(int(n) for n in counts)


def checked_domain(who: str, domain, mesh) -> np.ndarray:
    """Return the lower and upper corner of the domain, (2, dim); by default those of the mesh."""
    if domain is None:
        return domain_of(mesh)
    domain = np.asarray(domain, dtype=float)
    if domain.shape != (2, mesh.dim) or not np.isfinite(domain).all() or not (domain[0] < domain[1]).all():
        msg = (
            f"{who}.domain: got {domain.tolist()}, wanted the lower and the upper corner, (2, {mesh.dim}) finite "
            "numbers in m."
        )
        raise ValueError(msg)
    return domain
