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
from ._decoder import DecoderMap
from ._ensemble import EnsembleMap
from ._gravmag import GravMagMap
from ._inr import INRMap

__all__ = ["TorchMap", "INRMap", "DecoderMap", "GravMagMap", "EnsembleMap"]
