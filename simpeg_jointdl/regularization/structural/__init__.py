"""Structural couplings."""

from ._cross_gradient import CrossGradient
from ._gramian import Gramian
from ._local_pearson import LocalPearson

__all__ = ["CrossGradient", "Gramian", "LocalPearson"]
