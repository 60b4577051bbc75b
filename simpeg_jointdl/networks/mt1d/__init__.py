"""The network from magnetotelluric soundings to layered resistivities."""

from ._network import MT1DUNet
from ._posterior import LayerPosterior
from ._task import MT1DTask

__all__ = [
    "LayerPosterior",
    "MT1DUNet",
    "MT1DTask",
]
