"""Figures of data, models and inversions; every function returns a matplotlib Figure that the caller saves.

Figures are 1200 pixels wide and know no pyplot: nothing stays open, no display is needed. Signed quantities
are blue and red around a white zero, others run from dark to bright. The 0.5 % most extreme of the values
shown are left off the colours where they would double their range; the colourbar then ends in an arrow.
"""

from ._curves import plot_convergence, plot_crossplot
from ._data_fit import DataFit, plot_data_fit
from ._models import PropertyModel, plot_cell_values, plot_models

__all__ = [
    "DataFit",
    "PropertyModel",
    "plot_cell_values",
    "plot_convergence",
    "plot_crossplot",
    "plot_data_fit",
    "plot_models",
]
