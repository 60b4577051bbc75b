"""Damped Gauss-Newton over the weights of networks."""

from ._ensemble import EnsembleLevenbergMarquardt
from ._levenberg import LevenbergMarquardt

__all__ = ["EnsembleLevenbergMarquardt", "LevenbergMarquardt"]
