"""Torch modules, their weights, and the command that trains them, independent of inversion.

==========================  =====================================================================
`GeologyVAE`                learned prior on geology: from latent vectors to physical properties
`GravMagUNet`               density and susceptibility from grids of gravity and magnetic data
`GravMagPrediction`         models that `GravMagUNet` predicts, on a mesh under the data
`Placement`                 where the data lie: cell size, height, ground elevation, inducing field
`MT1DUNet`                  layered resistivities from magnetotelluric soundings at any frequencies
`LayerPosterior`            distribution of the resistivity of each layer, from `MT1DUNet`
`train`                     command ``python -m simpeg_jointdl.networks.train geology``
`ImplicitNetwork`           physical properties as a function of the coordinates
`NetworkEnsemble`           several networks of one architecture, evaluated in one batch
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
`with_adapters`             add low-rank adapters to the convolutions of a trained network
`without_adapters`          merge the adapters into the weights
`save_weights`              write the weights of a module as safetensors, with a card that describes them
`load_weights`              read weights, or refuse a file that is damaged or of another architecture
`read_card`                 read the card of a weights file
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
