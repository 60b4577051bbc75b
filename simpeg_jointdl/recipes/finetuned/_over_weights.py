"""Inversion over the weights of a trained network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from simpeg.data import Data
from simpeg.optimization import Minimize
from simpeg.simulation import BaseSimulation

from ... import directives, optimization
from ..._core import validation as check
from ..._tensor_path import Passage, SumThrough
from ...maps import GravMagMap
from ...networks import GravMagUNet, Placement
from .._assemble import Records, assemble, checked_records
from .._old_names import accept_old_names
from .._recipe import Recipe
from ..joint import CellOptions
from ._cells import predictions, warm_started
from ._data import NetworkData, network_data
from ._options import Anchor, FineTuning, Training, checked_anchor, checked_training
from ._recipe import FinetunedRecipe
from ._retraining import create_retraining
from ._terms import anchor_and_couplings, data_of_terms, wires_of
from ._training import chosen_learning_rate
from ._tuning import TUNING
from ._warm_start import create_warm_started_inversion


@accept_old_names(
    groups={"anchor": Anchor, "cells": CellOptions, "placement": Placement, "training": Training, "tuning": FineTuning},
    modes={"mesh": create_warm_started_inversion, "retrain": create_retraining},
)
def create_finetuned_inversion(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    network: GravMagUNet | None = None,
    placement: Placement | None = None,
    tuning: FineTuning | None = None,
    anchor: Anchor | float | None = None,
    couplings: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    coupling_ratios: float | Sequence[float] = 1.0,
    chifact: float = 1.0,
    max_iterations: int | None = None,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
) -> FinetunedRecipe:
    r"""Set up an inversion of gravity and magnetics over the weights of a trained network.

    The weights start at those that the network was trained to, so the models start at its prediction from the data. It
    minimises

    .. math::
        \sum_d c_d\, \phi_d(\mathbf u(\mathbf m)) + \beta \left( \phi_a(\mathbf u(\mathbf m))
        + \sum_c \lambda_c \phi_c(\mathbf u(\mathbf m)) \right)

    over the weights :math:`\mathbf m`, with :math:`\mathbf u` the models, :math:`\phi_d` the data misfits,
    :math:`\phi_a` the distance of the models from those that the anchor keeps them near, and couplings :math:`\phi_c`.
    Damped Gauss-Newton steps are taken until every data set is fitted to its noise; the trade-off parameter
    :math:`\beta`, one per property, falls while its data are not. If a few steps leave data above their noise, an
    inversion over cells follows: the smallest change of the models that fits the data.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
        Gravity data, magnetic data or both. They must be finite and have standard deviations above 0: leave stations
        without a value out, of the survey too.
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Simulation of each data set, of density in g/cc (``rhoMap``) or susceptibility in SI (``chiMap``), each map
        taking one value per active cell, on one mesh. They are not changed. On a mesh that is not the network's
        (`GravMagUNet.mesh_for`) models are averages over shared volumes, and cells outside the network's mesh stay
        zero, except in the inversion over cells that may follow.
    network : networks.GravMagUNet, optional
        Trained network; ``GravMagUNet.from_pretrained()`` if not given. It is copied.
    placement : networks.Placement, optional
        Where the data lie. With neither a height nor a ground, the ground is the top of the active cells.
    tuning : FineTuning, optional
        What of the network changes, by which steps, in which numbers, and whether cells follow.
    anchor : Anchor or float, optional
        Anchor of the models; a number is its strength.
    couplings : class, callable or sequence of these
        Couplings between density and susceptibility, as in :func:`create_joint_inversion`. They act on the inversion
        over the weights, not on those over cells before (the target of the anchor) and after.
    coupling_ratios : float or sequence of float
        Strength of each coupling relative to the regularization, which is the anchor here: the trace of its Hessian
        over that of the anchor's. Without an anchor, relative to the misfits.
    chifact : float
        Target misfit per datum.
    max_iterations : int, optional
        Largest number of Gauss-Newton iterations, or of iterations of five steps of Adam.
    random_seed : int
        Seed of the adapters' first weights.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.

    Returns
    -------
    FinetunedRecipe
        The inversion, ready to run. ``recipe.properties(recipe.initial_model)`` is the prediction.

    Raises
    ------
    ValueError, TypeError
        For simulations of other properties, or two of one; for data that the network refuses, and options out of
        range.
    FileNotFoundError
        If no network is given and no weights come with the package.
    OSError
        If `checkpoint` or `log` cannot be written.

    See Also
    --------
    create_warm_started_inversion : Inversion over cells that starts at the prediction.
    create_retraining : Rounds of such an inversion and of training the network on what it finds.

    Notes
    -----
    Data determine a small part of a model. Without an anchor the weights fit the data and the models become worse where
    data say little, and the last steps to the noise cost more than they gain. Hence the anchor, and the inversion over
    cells at the end. ``benchmarks/learned/finetuned.py`` compares this recipe with inversions without a network.
    """
    tuning = checked_training("create_finetuned_inversion.tuning", tuning, FineTuning)
    anchor = checked_anchor("create_finetuned_inversion.anchor", anchor)
    check.positive("create_finetuned_inversion.chifact", chifact)
    if max_iterations is not None:
        check.whole("create_finetuned_inversion.max_iterations", max_iterations)
    records = checked_records("create_finetuned_inversion", progress, checkpoint, log)
    placed = network_data("create_finetuned_inversion", data, simulation, placement, tuning.misfit)
    latent = placed.map_of(GravMagUNet.from_pretrained() if network is None else network, tuning, random_seed)
    predicted = reference = predictions(latent)
    if anchor.target == "mesh_inversion":
        made = warm_started(
            "create_finetuned_inversion",
            placed,
            predicted,
            CellOptions(),
            sparse_share=anchor.sparse_share,
            chifact=chifact,
        )
        reference = predicted | made.run()
    passage = Passage(latent)
    reg, strength = anchor_and_couplings(
        "create_finetuned_inversion", placed, passage, np.stack(list(predicted.values())),
        np.stack([reference[name] for name in predicted]),
        couplings, coupling_ratios, anchor.strength,
    )  # fmt: skip
    return _assembled(placed, passage, reg, strength, tuning, max_iterations, chifact, records)


def _assembled(
    data: NetworkData, passage: Passage, reg, strength, tuning: FineTuning, max_iterations, chifact, records: Records
) -> FinetunedRecipe:
    latent = passage.map
    parts = dict(zip(latent.property_names, latent.properties, strict=True))
    misfits = SumThrough(data.misfits(parts), data.misfits(wires_of(latent)), passage)
    minimizer = _minimizer(tuning, max_iterations, latent, chifact)
    steps = []
    if strength:
        rate = TUNING.adam_cooling_rate if isinstance(minimizer, optimization.TorchMinimize) else 1
        own = data_of_terms(data, latent, reg)
        steps.append(directives.CoolCouplings(strength, rate=rate, chifact=TUNING.limit * chifact, data=own))
    inversion, log = assemble(
        misfits, reg, minimizer, records, steps, beta=0.0,
        balance=directives.BalanceMisfits(TUNING.aim * chifact, power=TUNING.balance_power),
    )  # fmt: skip
    finishing = partial(_finishing, data, chifact=TUNING.aim * chifact, progress=records.progress)
    return FinetunedRecipe(
        inversion, latent.initial_model(), parts, log, network_map=latent,
        make_finishing=finishing if tuning.finish else None, limit=TUNING.limit * chifact,
    )  # fmt: skip


def _finishing(data: NetworkData, found: dict, *, chifact: float, progress: bool) -> Recipe:
    """Set up the inversion for the smallest change of the models found that fits the data."""
    records = Records(progress)
    return warm_started(
        "create_finetuned_inversion", data, found, CellOptions(), sparse_share=0.0, chifact=chifact, records=records
    )


def _minimizer(tuning: FineTuning, max_iterations: int | None, latent: GravMagMap, chifact: float) -> Minimize:
    if isinstance(tuning.optimizer, Minimize):
        return tuning.optimizer
    if tuning.optimizer == "adam":
        return optimization.TorchMinimize(
            "adam",
            lr=chosen_learning_rate(tuning.learning_rate, latent),
            maxIter=max_iterations or TUNING.adam_iterations,
            steps_per_iteration=TUNING.adam_steps,
            patience=1,
            keep="first",
            target_chi=TUNING.limit * chifact,
            device=latent.device,
        )
    return optimization.LevenbergMarquardt(
        space="model",
        damping=TUNING.damping,
        target_chi=TUNING.aim * chifact,
        tolerance=TUNING.tolerance,
        maxIter=max_iterations or (TUNING.iterations_before_cells if tuning.finish else TUNING.iterations),
        cg_maxiter=TUNING.cg_iterations,
        device=latent.device,
        dtype=latent.dtype,
    )
