"""The network from gravity and magnetic data to density and susceptibility."""

from ._network import GravMagUNet
from ._placement import Placement
from ._prediction import GravMagPrediction
from ._task import GravMagTask

__all__ = [
    "GravMagPrediction",
    "GravMagUNet",
    "GravMagTask",
    "Placement",
]
