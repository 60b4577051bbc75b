"""Variational autoencoder of geology.

==========================  =====================================================================
`GeologyVAE`                learned prior on geology: from latent vectors to physical properties
`GeologyTask`               training task
`KINDS`                     probabilities of the kinds of geology in the training set
`N_SHAPE`                   number of parameters of the shape of a body
`occupancy`                 how far points lie inside of bodies
==========================  =====================================================================
"""

from ._bodies import KINDS, N_SHAPE, occupancy
from ._network import GeologyVAE
from ._task import GeologyTask

__all__ = [
    "GeologyVAE",
    "GeologyTask",
    "KINDS",
    "N_SHAPE",
    "occupancy",
]
