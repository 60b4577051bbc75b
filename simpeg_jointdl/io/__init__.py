"""Files in and out.

==========================  =====================================================================
`read_edi`                  magnetotelluric impedances from EDI files
`export_models`             models as UBC-GIF, VTK and numpy files
`to_vtk`                    models on a mesh as a VTK grid
==========================  =====================================================================

EDI files need mt_metadata (``pip install "simpeg_jointdl[mt]"``); VTK files need pyvista
(``pip install "simpeg_jointdl[plot3d]"``).
"""

from ._edi import read_edi
from ._models import export_models
from ._vtk import on_all_cells, to_vtk

__all__ = ["export_models", "on_all_cells", "read_edi", "to_vtk"]
