"""Minimizers beside SimPEG's own, with the same interface.

==========================  =====================================================================
`BoundedGaussNewton`        projected Gauss-Newton whose steps free cells that want off their bound
==========================  =====================================================================
"""

from ._bounded import BoundedGaussNewton

__all__ = ["BoundedGaussNewton"]
