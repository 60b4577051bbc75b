"""Electromagnetic simulations of many soundings at once: natural sources (magnetotellurics) over layered earths."""

from . import natural_source

__all__ = ["natural_source"]
