"""Damped Gauss-Newton for models that are the weights of networks."""

from ._ensemble import EnsembleLevenbergMarquardt
from ._levenberg import LevenbergMarquardt

__all__ = ["EnsembleLevenbergMarquardt", "LevenbergMarquardt"]
