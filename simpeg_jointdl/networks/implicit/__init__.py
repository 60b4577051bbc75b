"""Implicit neural representations: encodings, activations and the network.

==========================  =====================================================================
`ImplicitNetwork`           physical properties as a function of the coordinates
`IdentityEncoding`          coordinates themselves
`PositionalEncoding`        sines and cosines of the coordinates at doubling frequencies
`FourierEncoding`           sines and cosines of the coordinates along random directions
`HashEncoding`              learned features on grids of increasing resolution
`Sine`                      sine activation of SIREN
`Finer`                     sine activation whose frequency grows with its argument
`Gauss`                     Gaussian activation
`Gabor`                     Gabor wavelet activation of WIRE
`LeakyReLU`                 leaky rectified linear activation
`Tanh`                      hyperbolic tangent activation
`GELU`                      Gaussian error linear unit
==========================  =====================================================================
"""

from ._activations import GELU, Finer, Gabor, Gauss, LeakyReLU, Sine, Tanh
from ._encodings import FourierEncoding, IdentityEncoding, PositionalEncoding
from ._hash import HashEncoding
from ._network import ImplicitNetwork

__all__ = [
    "Finer",
    "FourierEncoding",
    "GELU",
    "Gabor",
    "Gauss",
    "HashEncoding",
    "IdentityEncoding",
    "ImplicitNetwork",
    "LeakyReLU",
    "PositionalEncoding",
    "Sine",
    "Tanh",
]
