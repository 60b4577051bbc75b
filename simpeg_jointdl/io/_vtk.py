"""What needs VTK: is it there, and models as a VTK grid."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike
    from pyvista import DataSet


def on_all_cells(active: np.ndarray, values: ArrayLike, blank: float = np.nan) -> np.ndarray:
    """(n_cells,) `values` of the active cells, and `blank` on the others and for nan."""
    full = np.full(len(active), float(blank))
    full[active] = np.where(np.isnan(values), blank, values)
    return full


def vtk_grid(mesh: TensorMesh | TreeMesh, columns: Mapping[str, np.ndarray]) -> DataSet:
    """VTK's own kind of grid with `columns`, each (n_cells,), as its cell data."""
    with warnings.catch_warnings():  # discretize calls what VTK 9.6 has set aside
        warnings.filterwarnings("ignore", "Call to deprecated method", DeprecationWarning)
        return mesh.to_vtk(columns)
