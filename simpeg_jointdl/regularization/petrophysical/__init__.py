"""Petrophysical couplings."""

from ._fuzzy_cmeans import GuidedFuzzyCMeans

__all__ = ["GuidedFuzzyCMeans"]
