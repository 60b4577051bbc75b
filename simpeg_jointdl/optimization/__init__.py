"""Minimizers beside SimPEG's own, with the same interface.

==========================  =====================================================================
`ProjectedGNCG`             SimPEG's, with its conjugate gradients on a device
`BoundedGaussNewton`        Gauss-Newton between bounds, scaled by the room that is left
`LevenbergMarquardt`        damped Gauss-Newton over the weights of networks, ends at the noise
`EnsembleLevenbergMarquardt` the same for all members of an ensemble at once
`Occam`                     many columns at once, each with its own trade-off, ends at the noise
`TorchMinimize`             any optimizer and scheduler of torch
`without_tables`            any SimPEG minimizer, without the tables that it prints
==========================  =====================================================================
"""

from .._problem.minimizers import without_tables
from .gauss_newton import BoundedGaussNewton, ProjectedGNCG
from .network_weights import EnsembleLevenbergMarquardt, LevenbergMarquardt
from .occam import Occam
from .torch_optim import TorchMinimize

__all__ = [
    "ProjectedGNCG",
    "BoundedGaussNewton",
    "LevenbergMarquardt",
    "EnsembleLevenbergMarquardt",
    "Occam",
    "TorchMinimize",
    "without_tables",
]
