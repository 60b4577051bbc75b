"""Drop-in replacements of SimPEG's integral simulations of gravity and magnetics."""

from . import gravity, magnetics

__all__ = ["gravity", "magnetics"]
