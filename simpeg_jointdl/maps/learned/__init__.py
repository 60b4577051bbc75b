"""Pre-trained networks as SimPEG maps."""

from ._decoder import DecoderMap
from ._gravmag import GravMagMap

__all__ = ["DecoderMap", "GravMagMap"]
