"""Inversions whose model is an implicit neural representation."""

from ._create import create_inr_inversion
from ._ensemble import EnsembleRecipe, create_inr_ensemble
from ._result import Ensemble

__all__ = ["Ensemble", "EnsembleRecipe", "create_inr_ensemble", "create_inr_inversion"]
