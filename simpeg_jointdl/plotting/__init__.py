"""Figures of data, models and inversions.

==========================  =====================================================================
`plot_models`               depth slice and two sections of each model
`plot_depth_slices`         maps of each model at several depths
`plot_cell_values`          one value per cell, such as the contribution to a coupling
`plot_crossplot`            cross-plot of two properties, with clusters
`plot_data_fit`             maps of observed and predicted data and residuals
`plot_convergence`          misfits and other values against the iteration
`plot_center_search`        misfits compared in a search for cluster centres
`plot_layered_model`        layered resistivity model with uncertainty bands
`plot_section`              layered models along a profile
`plot_sounding`             apparent resistivity and phase of a station, with fits
`plot_misfit_map`           map of the misfit of each station
`show_3d`                   bodies in 3-D, with pyvista
`DataFit`                   observed and predicted data, for `plot_data_fit`
==========================  =====================================================================

Every `plot_...` function returns a matplotlib Figure that the caller saves. Figures are 1200 pixels wide and do not
use pyplot: none stays open, and no display is needed. Signed quantities are blue and red around a white zero; others
run from dark to bright. The most extreme 0.5 % of the values are cut off from the colour scale if they would double its
range; the colourbar then ends in an arrow. Magnetotelluric sections show conductors in red.

`show_3d` needs pyvista: ``pip install "simpeg_jointdl[plot3d]"``.
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
