"""Diagnostics of models and of what data sets have in common."""

from ._shared_structure import SharedStructure, shared_structure
from ._similarity import structural_similarity

__all__ = ["SharedStructure", "shared_structure", "structural_similarity"]
