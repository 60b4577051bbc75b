"""Volume averages from one mesh to another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from discretize import TensorMesh

if TYPE_CHECKING:
    from discretize import TreeMesh

_LOGGER = logging.getLogger("simpeg_jointdl")


def between_meshes(
    source: TensorMesh | TreeMesh, mesh: TensorMesh | TreeMesh, active: np.ndarray
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Averages over shared volumes from a mesh to the active cells of another, and which of these lie outside."""
    n = int(active.sum())
    if _are_same(source, mesh):
        return sp.identity(mesh.n_cells, format="csr")[active], np.zeros(n, dtype=bool)
    from discretize.utils import volume_average

    low, high = source.origin, source.origin + [h.sum() for h in source.h]
    centres = mesh.cell_centers[active]
    outside = ~((centres > low) & (centres < high)).all(axis=1)
    if outside.all():
        msg = (
            f"GravMagMap.mesh: none of its {n} active cells is inside the network's mesh, x {low[0]:g} to {high[0]:g}, "
            f"y {low[1]:g} to {high[1]:g}, z {low[2]:g} to {high[2]:g} m. Wanted a mesh under the data."
        )
        raise ValueError(msg)
    if outside.any():
        _LOGGER.info("GravMagMap: %d of %d active cells are outside the network's mesh, and zero.", outside.sum(), n)
    weights = sp.csr_matrix(volume_average(source, mesh))[active]
    return sp.csr_matrix(sp.diags((~outside).astype(float)) @ weights), outside


def _are_same(one, other) -> bool:
    # a TreeMesh may have these very cells, in another order
    if not isinstance(other, TensorMesh) or one.shape_cells != other.shape_cells:
        return False
    size = one.h[0][0]
    return np.allclose(one.origin, other.origin, rtol=0, atol=1e-6 * size) and all(
        np.allclose(a, b, rtol=0, atol=1e-6 * size) for a, b in zip(one.h, other.h, strict=True)
    )
