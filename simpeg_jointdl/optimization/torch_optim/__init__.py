"""Optimizers of torch as a SimPEG minimizer."""

from ._minimize import TorchMinimize

__all__ = ["TorchMinimize"]
