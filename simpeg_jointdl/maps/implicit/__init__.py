"""Implicit neural representations as SimPEG maps."""

from ._ensemble import EnsembleMap
from ._inr import INRMap

__all__ = ["EnsembleMap", "INRMap"]
