"""Inversion over cells that starts at a network's prediction."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from simpeg.data import Data
from simpeg.simulation import BaseSimulation

from ..._core import validation as check
from ...networks import GravMagUNet, Placement
from .._assemble import checked_records
from .._recipe import Recipe
from ..joint import CellOptions
from ._cells import predictions, warm_started
from ._data import network_data
from ._options import Training
from ._tuning import TUNING


def create_warm_started_inversion(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    network: GravMagUNet | None = None,
    placement: Placement | None = None,
    cells: CellOptions | None = None,
    sparse_share: float = TUNING.sparse_share,
    couplings: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    coupling_ratios: float | Sequence[float] = 1.0,
    chifact: float = 1.0,
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> Recipe:
    """Set up an inversion of gravity and magnetics from a trained network's prediction.

    It is over cells, of gravity, magnetics or both. Of all models that fit the data it finds the one nearest to the
    prediction, or to the mixture of the prediction with sparse inversions where the prediction leaves much of the data
    unexplained. It is an inversion as of :func:`create_joint_inversion`, with the prediction as starting model.

    Parameters
    ----------
    data, simulation, network, placement
        As in :func:`create_finetuned_inversion`.
    cells : CellOptions, optional
        Options of the inversion over cells, such as bounds, norms and the largest number of iterations.
    sparse_share : float
        Largest share, from 0 to 1, of sparse inversions in the reference model, see :class:`Anchor`.
    couplings : class, callable or sequence of these
        Couplings between density and susceptibility, as in :func:`create_joint_inversion`.
    coupling_ratios : float or sequence of float
        Strength of each coupling relative to the regularization.
    chifact : float
        Target misfit per datum.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        Device and type of the numbers in which the network predicts; float64 if no type is given.

    Returns
    -------
    Recipe
        The inversion, ready to run. ``recipe.properties(recipe.initial_model)`` is the prediction, moved into the
        bounds where there are any.

    Raises
    ------
    ValueError, TypeError
        For simulations of other properties, or two of one; for data that the network refuses, and options out of
        range.
    FileNotFoundError
        If no network is given and no weights come with the package.
    OSError
        If `checkpoint` or `log` cannot be written.

    Notes
    -----
    The models that fit the data of a linear problem, with susceptibility not negative, are a convex set. If the truth
    is among them, the model of the set that is nearest to a prediction is nearer to the truth than the prediction is,
    in the norm in which it is nearest (Pythagoras): here that of the cells and, less, of their differences. With
    sensitivity weights it is another norm, and says nothing of the error of cells.

    The shares of sparse inversions come from how predictions and sparse inversions compared on 36 models of their own,
    see ``benchmarks/learned/gravmag_mixture.py``.
    """
    cells = check.instance(
        "create_warm_started_inversion.cells", CellOptions() if cells is None else cells, CellOptions
    )
    check.share("create_warm_started_inversion.sparse_share", sparse_share)
    check.positive("create_warm_started_inversion.chifact", chifact)
    records = checked_records("create_warm_started_inversion", progress, checkpoint, log)
    placed = network_data("create_warm_started_inversion", data, simulation, placement, cells.misfit)
    network = GravMagUNet.from_pretrained() if network is None else network
    predicted = predictions(placed.map_of(network, Training(device=device, dtype=dtype)))
    return warm_started(
        "create_warm_started_inversion", placed, predicted, cells, sparse_share=sparse_share, couplings=couplings,
        coupling_ratios=coupling_ratios, chifact=chifact, records=records,
    )  # fmt: skip
