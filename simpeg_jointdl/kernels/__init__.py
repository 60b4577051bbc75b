"""Pure functions of arrays and tensors, without SimPEG, meshes or classes of options."""

from ._bidiagonal import bidiagonalized
from ._cells import cell_gradient, cell_laplacian
from ._components import (
    GRAVITY_COMPONENTS,
    MAGNETIC_COMPONENTS,
    field_direction,
    gravity_terms,
    magnetic_terms,
    magnetizations,
)
from ._constants import MU_0
from ._density_peaks import density_peaks, find_clusters, have_moved, match_clusters
from ._gram import pair_coefficients, volume_coefficients
from ._impedance import apparent_resistivity, impedance_component, is_spike, is_wrong_quadrant, rotate_impedance
from ._layered_earth import layered_impedance, layered_impedance_derivatives, layered_sounding
from ._prism import NODE_FUNCTIONS, cell_values, gather_cells, node_function
from ._sparse import SparseMatrix, matvec

__all__ = [
    # derivatives at cell centres
    "cell_gradient",
    "cell_laplacian",
    # Gram determinants
    "pair_coefficients",
    "volume_coefficients",
    # layered earth under a plane wave
    "layered_impedance",
    "layered_impedance_derivatives",
    "layered_sounding",
    "MU_0",
    # sparse matrices
    "SparseMatrix",
    "matvec",
    # prisms: node functions, their sums over cells, and SimPEG's data components
    "NODE_FUNCTIONS",
    "node_function",
    "cell_values",
    "gather_cells",
    "GRAVITY_COMPONENTS",
    "gravity_terms",
    "MAGNETIC_COMPONENTS",
    "magnetic_terms",
    "field_direction",
    "magnetizations",
    # impedance tensors
    "apparent_resistivity",
    "rotate_impedance",
    "impedance_component",
    "is_wrong_quadrant",
    "is_spike",
    # clusters of a cross-plot
    "density_peaks",
    "find_clusters",
    "match_clusters",
    "have_moved",
    # Krylov spaces
    "bidiagonalized",
]
