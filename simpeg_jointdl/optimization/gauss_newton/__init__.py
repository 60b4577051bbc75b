"""Gauss-Newton minimizers for models of cells."""

from ._bounded import BoundedGaussNewton
from ._projected import ProjectedGNCG

__all__ = ["BoundedGaussNewton", "ProjectedGNCG"]
