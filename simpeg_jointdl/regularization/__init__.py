"""Couplings between physical properties."""

from ._base import BaseCoupling
from ._cross_gradient import CrossGradient
from ._fuzzy_cmeans import GuidedFuzzyCMeans
from ._gramian import Gramian
from ._linearization import Linearization
from ._local_pearson import LocalPearson
from ._shared_structure import SharedStructure, shared_structure
from ._similarity import structural_similarity

__all__ = [
    "BaseCoupling",
    "CrossGradient",
    "Gramian",
    "GuidedFuzzyCMeans",
    "Linearization",
    "LocalPearson",
    "SharedStructure",
    "shared_structure",
    "structural_similarity",
]
