"""Implicit neural representations: encodings, activations and the network."""

from ._activations import GELU, Finer, Gabor, Gauss, LeakyReLU, Sine, Tanh
from ._encodings import FourierEncoding, HashEncoding, IdentityEncoding, PositionalEncoding
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
