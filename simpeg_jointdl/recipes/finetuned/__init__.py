"""Inversions that start from a trained network's prediction."""

from ._create import create_finetuned_inversion
from ._recipe import FinetunedRecipe
from ._retraining import RetrainingRecipe

__all__ = ["FinetunedRecipe", "RetrainingRecipe", "create_finetuned_inversion"]
