"""Ready-made inversions: a few arguments in, a plain SimPEG inversion out.

==========================  =====================================================================
`create_joint_inversion`    any number of data sets and properties, under one of four strategies
`create_inr_inversion`      any number of data sets; the model is a network of the coordinates
`create_inr_ensemble`       many such networks in one batch: a mean and a spread
`create_prior_inversion`    the latent vector of a learned prior as the model
`create_finetuned_inversion` a trained network's prediction of gravity and magnetics, fitted to the data
`FinetunedRecipe`           what it returns: the fine-tuned network, and what cells took up after it
`RetrainingRecipe`          rounds of such an inversion and of training the network on what it finds
`create_mt_inversion`       magnetotelluric soundings, from a network's layers to the noise
`MTRecipe`                  what it returns: models, bands and misfits by station
`Ensemble`                  what `create_inr_ensemble`'s `run` returns: members, mean, spread, bands
`EnsembleRecipe`            the ensemble before it runs
`Recipe`                    what it returns: the inversion, its start, and its properties by name
`find_centers`              cluster centres from the data themselves, without a petrophysical table
`CenterSearch`              what it returns: centres, and which of them the data determine
==========================  =====================================================================
"""

from ._recipe import Recipe
from .cluster_centers import CenterSearch, find_centers
from .finetuned import FinetunedRecipe, RetrainingRecipe, create_finetuned_inversion
from .implicit import Ensemble, EnsembleRecipe, create_inr_ensemble, create_inr_inversion
from .joint import create_joint_inversion
from .learned_prior import create_prior_inversion
from .magnetotellurics import MTRecipe, create_mt_inversion

__all__ = [
    "create_joint_inversion",
    "create_inr_inversion",
    "create_inr_ensemble",
    "create_prior_inversion",
    "create_finetuned_inversion",
    "create_mt_inversion",
    "find_centers",
    "CenterSearch",
    "Ensemble",
    "EnsembleRecipe",
    "FinetunedRecipe",
    "MTRecipe",
    "Recipe",
    "RetrainingRecipe",
]
