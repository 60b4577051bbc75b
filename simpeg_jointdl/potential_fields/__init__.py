"""Simulations of potential fields that take the place of SimPEG's: gravity and magnetics."""

from . import gravity, magnetics

__all__ = ["gravity", "magnetics"]
