"""Pure functions of arrays and tensors: no simpeg, no meshes, no options."""

from ._cells import cell_gradient, cell_laplacian
from ._gram import pair_coefficients, volume_coefficients
from ._sparse import SparseMatrix, matvec

__all__ = [
    "SparseMatrix",
    "cell_gradient",
    "cell_laplacian",
    "matvec",
    "pair_coefficients",
    "volume_coefficients",
]
