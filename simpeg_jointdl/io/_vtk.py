"""Models on a mesh as a VTK grid."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from discretize import TensorMesh, TreeMesh


def on_all_cells(active_cells: np.ndarray, values: np.ndarray, blank: float = np.nan) -> np.ndarray:
    """Return values on all cells of a mesh from values on the active cells.

    Parameters
    ----------
    active_cells : (n_cells,) numpy.ndarray of bool
        Active cells of the mesh.
    values : (n_active,) numpy.ndarray
        Values on the active cells.
    blank : float
        Value of inactive cells and of cells whose value is nan.

    Returns
    -------
    (n_cells,) numpy.ndarray
        Values on all cells.
    """
    full = np.full(len(active_cells), float(blank))
    full[active_cells] = np.where(np.isnan(values), blank, values)
    return full


def to_vtk(mesh: TensorMesh | TreeMesh, columns: dict[str, np.ndarray]) -> Any:
    """Return a mesh as a VTK grid with cell data.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    columns : dict of str to (n_cells,) numpy.ndarray
        Cell data by name, on all cells; see :func:`on_all_cells`.

    Returns
    -------
    vtk.vtkDataSet
        Rectilinear or unstructured grid.
    """
    with warnings.catch_warnings():  # discretize calls a method that VTK 9.6 has deprecated
        warnings.filterwarnings("ignore", "Call to deprecated method", DeprecationWarning)
        return mesh.to_vtk(columns)
