"""Synthetic models and surveys: random geology, layered earths and two blocks.

==========================  =====================================================================
`make_geology`              random geology on a mesh, as numpy arrays
`sample_geology`            many random geologies on a device, for the training of networks
`sample_layered_earth`      many random layered earths on a device
`layer_thicknesses`         thicknesses of their layers
`make_soundings`            magnetotelluric soundings over layers, with noise
`make_two_blocks`           gravity and magnetics over two blocks, with noise
`DEFAULT_KINDS`             default probabilities of layers, folds, faults and bodies
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
