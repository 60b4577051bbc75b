"""Minimizers with the interface of SimPEG's.

============================  ===========================================================================
`ProjectedGNCG`               SimPEG's minimizer, with its conjugate gradients on a device
`BoundedGaussNewton`          Gauss-Newton between bounds, scaled by the distance to the bounds
`LevenbergMarquardt`          damped Gauss-Newton for the weights of networks, which stops at the noise
`EnsembleLevenbergMarquardt`  the same for all members of an ensemble at once
`Occam`                       many columns of layers at once, each with its own trade-off parameter
`TorchMinimize`               any optimizer and scheduler of torch
`without_tables`              any SimPEG minimizer, without the tables that it prints
============================  ===========================================================================

All of them take ``print_tables=False``, which keeps SimPEG's tables of iterations and stopping criteria off the screen.
"""

from .._problem.minimizers import without_tables
from .gauss_newton import BoundedGaussNewton, ProjectedGNCG
from .network_weights import EnsembleLevenbergMarquardt, LevenbergMarquardt
from .occam import Occam
from .torch_optim import TorchMinimize

__all__ = [
    "BoundedGaussNewton",
    "EnsembleLevenbergMarquardt",
    "LevenbergMarquardt",
    "Occam",
    "ProjectedGNCG",
    "TorchMinimize",
    "without_tables",
]
