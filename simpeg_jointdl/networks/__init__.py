"""Torch modules, their weights, and the command that trains them; nothing here knows SimPEG.

==========================  =====================================================================
`GeologyVAE`                a learned prior on geology: latent vectors to density and susceptibility
`GravMagUNet`               density and susceptibility under grids of gravity and magnetics
`GravMagPrediction`         what it says, on a mesh under the data
`Placement`                 where the data lie: cell size, height, elevation of the ground, inducing field
`MT1DUNet`                  layered resistivities from magnetotelluric soundings at any frequencies
`LayerPosterior`            what it says of every layer: a distribution
`train`                     ``python -m simpeg_jointdl.networks.train geology``
`ImplicitNetwork`           from points to properties: encoding, trunk, a head per property
`NetworkEnsemble`           several networks of one architecture in one batch
`IdentityEncoding`          the coordinates themselves
`PositionalEncoding`        sines and cosines of the coordinates at doubling frequencies
`FourierEncoding`           sines and cosines along random directions
`HashEncoding`              learned features on grids of growing fineness
`Sine`                      SIREN
`Finer`                     sine with a frequency that grows with its argument
`Gauss`                     Gaussian bell
`Gabor`                     WIRE's wavelet
`LeakyReLU`                 leaky rectifier
`Tanh`                      hyperbolic tangent
`GELU`                      Gaussian error linear unit
`with_adapters`             low-rank changes of a trained network's convolutions
`without_adapters`          the same, made part of its weights
`save_weights`              a module's weights as safetensors, with a card that says what they are
`load_weights`              the same back, whole and of the right architecture, or refused
`read_card`                 the card alone
==========================  =====================================================================
"""

from ._adapters import with_adapters, without_adapters
from ._ensemble import NetworkEnsemble
from ._weights import load_weights, read_card, save_weights
from .geology import GeologyVAE
from .gravmag import GravMagPrediction, GravMagUNet, Placement
from .implicit import (
    GELU,
    Finer,
    FourierEncoding,
    Gabor,
    Gauss,
    HashEncoding,
    IdentityEncoding,
    ImplicitNetwork,
    LeakyReLU,
    PositionalEncoding,
    Sine,
    Tanh,
)
from .mt1d import LayerPosterior, MT1DUNet

__all__ = [
    "GeologyVAE",
    "GravMagUNet",
    "GravMagPrediction",
    "Placement",
    "MT1DUNet",
    "LayerPosterior",
    "ImplicitNetwork",
    "NetworkEnsemble",
    "IdentityEncoding",
    "PositionalEncoding",
    "FourierEncoding",
    "HashEncoding",
    "Sine",
    "Finer",
    "Gauss",
    "Gabor",
    "LeakyReLU",
    "Tanh",
    "GELU",
    "with_adapters",
    "without_adapters",
    "save_weights",
    "load_weights",
    "read_card",
]
