"""Occam's inversion of many columns of layers at once."""

from ._occam import Occam

__all__ = ["Occam"]
