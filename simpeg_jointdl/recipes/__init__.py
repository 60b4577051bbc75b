"""Ready-made inversions: a few arguments in, a plain SimPEG inversion out.

===============================  ==========================================================================
`create_joint_inversion`         any number of data sets and properties, in one of four strategies
`create_inr_inversion`           any number of data sets; the model is a network of the coordinates
`create_inr_ensemble`            many such networks in one batch: a mean and a spread
`create_prior_inversion`         the model is the latent vector of a learned prior on geology
`create_finetuned_inversion`     gravity and magnetics; the model is the weights of a trained network
`create_warm_started_inversion`  gravity and magnetics over cells, from the prediction of a trained network
`create_retraining`              rounds of such an inversion and of training the network on what it finds
`create_mt_inversion`            magnetotelluric soundings over layers, each fitted to its noise
`find_centers`                   cluster centres from the data, without a petrophysical table
`Recipe`                         an inversion that is ready to run, and the way to its properties
`BaseRecipe`                     what all recipes have in common
`EnsembleRecipe`                 recipe of an ensemble
`FinetunedRecipe`                recipe of a fine-tuned network, and of the cells that may follow
`RetrainingRecipe`               recipe of the rounds
`MTRecipe`                       recipe of the soundings: models, bands and misfits by station
`Ensemble`                       members, mean, spread and bands of an ensemble that has run
`CenterSearch`                   centres, and which of them the data determine
`Anchor`                         what a fine-tuned network's models are kept near, and how strongly
`FineTuning`                     what of a network is fine-tuned, and how
`Training`                       what of a network is trained between rounds, and how
`CellOptions`                    options of an inversion over cells that starts from a prediction
===============================  ==========================================================================
"""

from ._base import BaseRecipe
from ._recipe import Recipe
from .cluster_centers import CenterSearch, find_centers
from .finetuned import (
    Anchor,
    FinetunedRecipe,
    FineTuning,
    RetrainingRecipe,
    Training,
    create_finetuned_inversion,
    create_retraining,
    create_warm_started_inversion,
)
from .implicit import Ensemble, EnsembleRecipe, create_inr_ensemble, create_inr_inversion
from .joint import CellOptions, create_joint_inversion
from .learned_prior import create_prior_inversion
from .magnetotellurics import MTRecipe, create_mt_inversion

__all__ = [
    "create_joint_inversion",
    "create_inr_inversion",
    "create_inr_ensemble",
    "create_prior_inversion",
    "create_finetuned_inversion",
    "create_warm_started_inversion",
    "create_retraining",
    "create_mt_inversion",
    "find_centers",
    "BaseRecipe",
    "Recipe",
    "EnsembleRecipe",
    "FinetunedRecipe",
    "RetrainingRecipe",
    "MTRecipe",
    "Ensemble",
    "CenterSearch",
    "Anchor",
    "FineTuning",
    "Training",
    "CellOptions",
]
