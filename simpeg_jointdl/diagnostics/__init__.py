"""Diagnostics of models.

==========================  =====================================================================
`shared_structure`          test whether two models share structure before a coupling is used
`SharedStructure`           result of this test
`structural_similarity`     similarity of the structure of two models, a number from 0 to 1
==========================  =====================================================================
"""

from ._shared_structure import SharedStructure, shared_structure
from ._similarity import structural_similarity

__all__ = ["SharedStructure", "shared_structure", "structural_similarity"]
