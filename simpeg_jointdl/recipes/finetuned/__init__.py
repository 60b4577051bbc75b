"""Inversions that start from a trained network's prediction."""

from ._options import Anchor, FineTuning, Training
from ._over_weights import create_finetuned_inversion
from ._recipe import FinetunedRecipe
from ._retraining import RetrainingRecipe, create_retraining
from ._warm_start import create_warm_started_inversion

__all__ = [
    "Anchor",
    "FineTuning",
    "FinetunedRecipe",
    "RetrainingRecipe",
    "Training",
    "create_finetuned_inversion",
    "create_retraining",
    "create_warm_started_inversion",
]
