"""Network from gravity and magnetic data to density and susceptibility.

==========================  =====================================================================
`GravMagUNet`               density and susceptibility from grids of gravity and magnetic data
`GravMagPrediction`         models that `GravMagUNet` predicts, on a mesh under the data
`GravMagGrids`              gravity and magnetic grids as `GravMagUNet.forward` takes them
`GravMagModels`             models as `GravMagUNet.forward` returns them
`Placement`                 where the data lie: cell size, height, ground elevation, inducing field
`GravMagTask`               training task
`TERMS`                     terms of the training loss
`boundaries`                cells at whose faces a property changes
==========================  =====================================================================
"""

from ._inputs import GravMagGrids
from ._network import GravMagUNet
from ._placement import Placement
from ._results import GravMagModels, GravMagPrediction
from ._task import TERMS, GravMagTask, boundaries

__all__ = [
    "GravMagPrediction",
    "GravMagUNet",
    "GravMagGrids",
    "GravMagModels",
    "GravMagTask",
    "Placement",
    "TERMS",
    "boundaries",
]
