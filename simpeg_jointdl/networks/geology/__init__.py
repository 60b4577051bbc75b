"""The variational autoencoder of geology."""

from ._network import GeologyVAE
from ._task import GeologyTask

__all__ = [
    "GeologyVAE",
    "GeologyTask",
]
