"""SimPEG maps of neural networks, whose model vector is a network's parameters or latent vector.

==========================  =====================================================================
`TorchMap`                  any torch module; its parameters are the model
`INRMap`                    implicit neural representation: properties as a network of the coordinates
`DecoderMap`                learned prior: properties decoded from a latent vector
`GravMagMap`                fine-tuning: prediction of a pre-trained network from given data
`EnsembleMap`               many implicit representations in one batch
`between_meshes`            volume averages from one mesh to another
==========================  =====================================================================
"""

from ._base import TorchMap
from ._between_meshes import between_meshes
from .implicit import EnsembleMap, INRMap
from .learned import DecoderMap, GravMagMap

__all__ = [
    "TorchMap",
    "INRMap",
    "DecoderMap",
    "GravMagMap",
    "EnsembleMap",
    "between_meshes",
]
