"""Minimizers beside SimPEG's own, with the same interface.

==========================  =====================================================================
`BoundedGaussNewton`        Gauss-Newton between bounds, scaled by the room that is left
==========================  =====================================================================
"""

from ._bounded import BoundedGaussNewton

__all__ = ["BoundedGaussNewton"]
