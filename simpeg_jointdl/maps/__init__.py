"""Maps whose model vector is what a network is made of.

==========================  =====================================================================
`TorchMap`                  any torch module; its parameters are the model
`INRMap`                    an implicit representation: properties as a network of the coordinates
`DecoderMap`                a learned prior: properties as a decoder makes them of a latent vector
`GravMagMap`                a pre-trained network under fine-tuning: what it predicts from given data
`EnsembleMap`               members of such a representation in one batch, for their spread
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
