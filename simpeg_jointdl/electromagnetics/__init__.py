"""Electromagnetic simulations in batches: natural sources (magnetotellurics) over layered columns."""

from . import natural_source

__all__ = ["natural_source"]
