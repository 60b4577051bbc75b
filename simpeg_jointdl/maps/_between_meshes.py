"""Volume averages from one mesh to another."""

from __future__ import annotations

import logging

import numpy as np
import scipy.sparse as sp
from discretize import TensorMesh, TreeMesh

_LOGGER = logging.getLogger("simpeg_jointdl")


def between_meshes(
    source: TensorMesh, mesh: TensorMesh | TreeMesh, active_cells: np.ndarray, *, who: str = "between_meshes"
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Return volume averages from one mesh to the active cells of another mesh.

    Parameters
    ----------
    source : discretize.TensorMesh
        Mesh of the given values.
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh of the wanted values.
    active_cells : (mesh.n_cells,) numpy.ndarray of bool
        Active cells of `mesh`.
    who : str
        Name of the caller, which begins the error messages.

    Returns
    -------
    averages : (n_active, source.n_cells) scipy.sparse.csr_matrix
        Weights of the volumes that cells share. The matrix is a selection of rows of the identity if both meshes have
        the same cells. Rows of cells outside of `source` are zero.
    outside : (n_active,) numpy.ndarray of bool
        Active cells whose centres lie outside of `source`.

    Raises
    ------
    ValueError
        If no active cell lies inside `source`.

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg_jointdl import maps
    >>> fine, coarse = discretize.TensorMesh([4, 4]), discretize.TensorMesh([2, 2])
    >>> averages, outside = maps.between_meshes(fine, coarse, np.ones(4, dtype=bool))
    >>> (averages @ fine.cell_centers[:, 0]).tolist(), bool(outside.any())
    ([0.25, 0.75, 0.25, 0.75], False)
    """
    active = active_cells
    n = int(active.sum())
    if _are_same(source, mesh):
        return sp.identity(mesh.n_cells, format="csr")[active], np.zeros(n, dtype=bool)
    from discretize.utils import volume_average

    low, high = source.origin, source.origin + [h.sum() for h in source.h]
    centres = mesh.cell_centers[active]
    outside = ~((centres > low) & (centres < high)).all(axis=1)
    if outside.all():
        msg = (
            f"{who}.mesh: none of its {n} active cells is inside the other mesh, which extends from "
            f"{np.array2string(low, precision=6)} to {np.array2string(high, precision=6)} m. Give meshes that overlap."
        )
        raise ValueError(msg)
    if outside.any():
        _LOGGER.info("%s: %d of %d active cells are outside of the other mesh and take zero.", who, outside.sum(), n)
    weights = sp.csr_matrix(volume_average(source, mesh))[active]
    return sp.csr_matrix(sp.diags((~outside).astype(float)) @ weights), outside


def _are_same(one, other) -> bool:
    # a TreeMesh may have the same cells in another order
    if not isinstance(other, TensorMesh) or one.shape_cells != other.shape_cells:
        return False
    size = one.h[0][0]
    return np.allclose(one.origin, other.origin, rtol=0, atol=1e-6 * size) and all(
        np.allclose(a, b, rtol=0, atol=1e-6 * size) for a, b in zip(one.h, other.h, strict=True)
    )
