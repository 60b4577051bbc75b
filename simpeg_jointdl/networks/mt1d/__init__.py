"""Network from magnetotelluric soundings to layered resistivities.

==========================  =====================================================================
`MT1DUNet`                  layered resistivities from magnetotelluric soundings at any frequencies
`LayerPosterior`            distribution of the resistivity of each layer, from `MT1DUNet`
`Soundings`                 soundings as `MT1DUNet.forward` takes them
`MT1DTask`                  training task
`sample_soundings`          random layered earths and soundings over them
==========================  =====================================================================
"""

from ._network import MT1DUNet
from ._posterior import LayerPosterior
from ._samples import sample_soundings
from ._soundings import Soundings
from ._task import MT1DTask

__all__ = [
    "LayerPosterior",
    "MT1DUNet",
    "MT1DTask",
    "Soundings",
    "sample_soundings",
]
