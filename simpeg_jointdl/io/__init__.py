"""Files in and out."""

from ._edi import read_edi, read_files
from ._models import export_models
from ._vtk import on_all_cells, vtk_grid

__all__ = ["export_models", "on_all_cells", "read_edi", "read_files", "vtk_grid"]
