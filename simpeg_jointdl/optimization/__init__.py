"""Minimizers beside SimPEG's own, with the same interface.

==========================  =====================================================================
`ProjectedGNCG`             SimPEG's, with its conjugate gradients on a device
`BoundedGaussNewton`        Gauss-Newton between bounds, scaled by the room that is left
==========================  =====================================================================
"""

from ._bounded import BoundedGaussNewton
from ._projected import ProjectedGNCG

__all__ = ["ProjectedGNCG", "BoundedGaussNewton"]
