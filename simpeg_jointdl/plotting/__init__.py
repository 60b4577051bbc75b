"""Figures of data, models and inversions, and models as files for other programs.

Every `plot_...` returns a matplotlib Figure that the caller saves. Figures are 1200 pixels wide and know no
pyplot: nothing stays open, no display is needed. Signed quantities are blue and red around a white zero, others
run from dark to bright. The 0.5 % most extreme of the values shown are left off the colours where they would
double their range; the colourbar then ends in an arrow. Magnetotelluric sections show conductive ground in red.

`show_3d`, and VTK files, need pyvista: ``pip install "simpeg_jointdl[plot3d]"``.
"""

from ..data import PropertyModel
from ..io import export_models
from ._center_search import plot_center_search
from ._convergence import plot_convergence
from ._crossplot import plot_crossplot
from ._data_fit import DataFit, plot_data_fit
from ._depth_slices import plot_depth_slices
from ._layered_model import plot_layered_model
from ._misfit_map import plot_misfit_map
from ._models import plot_cell_values, plot_models
from ._section import plot_section
from ._show_3d import show_3d
from ._sounding import plot_sounding

__all__ = [
    "DataFit",
    "PropertyModel",
    "plot_cell_values",
    "plot_center_search",
    "plot_convergence",
    "plot_crossplot",
    "plot_data_fit",
    "plot_depth_slices",
    "plot_layered_model",
    "plot_misfit_map",
    "plot_models",
    "plot_section",
    "plot_sounding",
    "show_3d",
    "export_models",
]
