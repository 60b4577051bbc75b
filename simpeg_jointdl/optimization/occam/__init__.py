"""Occam's inversion of many columns at once."""

from ._occam import Occam

__all__ = ["Occam"]
