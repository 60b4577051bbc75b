"""Synthetic models and surveys: random geology on any mesh, layered earths, and a survey over two blocks.

==========================  =====================================================================
`make_geology`              models of several properties on a mesh, as numpy arrays
`sample_geology`            the same on a device, many at once: what networks are trained on
`sample_layered_earth`      resistivities of horizontal layers, many at once
`layer_thicknesses`         of those layers
`make_soundings`            magnetotelluric soundings over layers, with noise
`make_two_blocks`           gravity and magnetics over two blocks, with noise
`DEFAULT_KINDS`             probability of layers, folds, faults and bodies, to change a copy of
==========================  =====================================================================
"""

from ._geology import make_geology, sample_geology
from ._layered_earth import layer_thicknesses, sample_layered_earth
from ._scenes import DEFAULT_KINDS
from ._soundings import make_soundings
from ._two_blocks import make_two_blocks

__all__ = [
    "make_geology",
    "sample_geology",
    "sample_layered_earth",
    "layer_thicknesses",
    "make_soundings",
    "make_two_blocks",
    "DEFAULT_KINDS",
]
