"""An inversion whose model is the latent vector of a learned prior."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from simpeg.data import Data
from simpeg.data_misfit import BaseDataMisfit, L2DataMisfit
from simpeg.directives import BetaSchedule
from simpeg.simulation import BaseSimulation

from ... import directives, optimization
from ..._core import validation as check
from ..._problem.simulations import paired_data
from ...maps import DecoderMap
from ...networks import GeologyVAE
from .._assemble import assemble, checked_records
from .._recipe import Recipe
from ._starts import best_candidates, tried

# weight of the prior in the last inversion: the first one, the factor it falls by, and after how many iterations
FIRST_BETA, COOLING_FACTOR, COOLING_RATE = 30.0, 3.0, 4


def create_prior_inversion(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    decoder: torch.nn.Module | None = None,
    offsets: bool = True,
    n_candidates: int = 1000,
    n_starts: int = 16,
    rank: int = 0,
    misfit: type[BaseDataMisfit] = L2DataMisfit,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell: int | Sequence[int] = 1,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> Recipe:
    r"""Set up an inversion of gravity, magnetics or both for geology as a network has learned it.

    It minimises

    .. math::
        \sum_d \phi_d(\mathbf u(\mathbf z)) + \beta \lVert \mathbf z - \mathbf z_0 \rVert^2

    over the latent vector :math:`\mathbf z` by damped Gauss-Newton steps, with data misfits :math:`\phi_d`, models
    :math:`\mathbf u`, and a prior about the reference :math:`\mathbf z_0`. Data can be fitted from many places of the
    latent space, most of which do not look like geology, so the start matters. Of many models of random geology the
    `n_starts` that fit best, once their contrasts are scaled, are inverted with noise that is taken to be 30, 10 and 3
    times what it is. The recipe goes on from the one with the smallest sum of misfit and prior, with :math:`\beta`
    falling from 30 until the data are fitted. All but this last inversion runs while the recipe is made.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
        Gravity data, magnetic data or both.
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Simulation of each data set, of density in g/cc (``rhoMap``) or susceptibility in SI (``chiMap``), on one mesh,
        each map taking one value per active cell. They are not changed.
    decoder : torch.nn.Module, optional
        Decoder of the latent vector, see :class:`~simpeg_jointdl.maps.DecoderMap`; the one for geology that comes with
        the package if not given.
    offsets : bool
        Whether the decoder's bodies may move, in the last inversion, away from what the decoder has learned, with a
        prior of their own.
    n_candidates, n_starts : int
        Number of models of random geology that are compared with the data, and of those that are inverted from.
    rank : int
        0 to go on from the best start, 1 from the second best: another model that the data allow.
    misfit, chifact, max_iterations, points_per_cell
        As in :func:`create_inr_inversion`.
    random_seed : int
        Seed of the candidates.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        As in :func:`create_inr_inversion`.

    Returns
    -------
    Recipe
        The last inversion, ready to run. ``recipe.network_map`` is the :class:`~simpeg_jointdl.maps.DecoderMap`.

    Raises
    ------
    ValueError, TypeError
        For simulations of properties that the decoder does not know, or that do not pair up with the data.
    OSError
        If `checkpoint` or `log` cannot be written.
    """
    check.positive("create_prior_inversion.chifact", chifact)
    check.whole("create_prior_inversion.max_iterations", max_iterations)
    _check_counts(n_candidates, n_starts, rank)
    records = checked_records("create_prior_inversion", progress, checkpoint, log)
    paired = paired_data("create_prior_inversion", data, simulation)
    decoder = GeologyVAE.from_pretrained() if decoder is None else decoder
    options = {"points_per_cell": points_per_cell, "device": device, "dtype": dtype}
    latent = DecoderMap(decoder, paired.mesh, paired.active_cells, **options)
    places = [_place(name, i, latent) for i, name in enumerate(paired.property_names)]

    def misfits_of(mapping: DecoderMap) -> list[BaseDataMisfit]:
        return paired.misfits([mapping.properties[place] for place in places], misfit)

    candidates = best_candidates(latent, misfits_of(latent), places, n_candidates, n_starts, random_seed)
    start, reference = tried(latent, misfits_of(latent), candidates, device)[rank]
    if offsets:
        latent = DecoderMap(decoder, paired.mesh, paired.active_cells, offsets=True, **options)
        start, reference = (np.r_[one, np.zeros(latent.n_offsets)] for one in (start, reference))
    inversion, record = assemble(
        misfits_of(latent),
        latent.prior(reference),
        optimization.LevenbergMarquardt(maxIter=max_iterations, target_chi=chifact, device=device),
        records,
        [BetaSchedule(coolingFactor=COOLING_FACTOR, coolingRate=COOLING_RATE)],
        beta=FIRST_BETA,
        balance=directives.BalanceMisfits(chifact),
    )
    seen = {latent.property_names[place]: latent.properties[place] for place in sorted(set(places))}
    return Recipe(inversion, start, seen, record, network_map=latent)


def _place(name: str, i: int, latent: DecoderMap) -> int:
    """Place of a simulation's property among those of the decoder."""
    if name not in latent.property_names:
        known = ", ".join(latent.property_names)
        msg = f"create_prior_inversion.simulation: number {i} is of {name}; the decoder knows {known} alone."
        raise ValueError(msg)
    return latent.property_names.index(name)


def _check_counts(n_candidates, n_starts, rank):
    for name, value, least in (("n_candidates", n_candidates, 1), ("n_starts", n_starts, 1), ("rank", rank, 0)):
        check.whole(f"create_prior_inversion.{name}", value, least)
    if not rank < n_starts <= n_candidates:
        msg = (
            f"create_prior_inversion: got n_candidates={n_candidates!r}, n_starts={n_starts!r}, rank={rank!r}; "
            "wanted a rank below the number of starts, and no more starts than candidates."
        )
        raise ValueError(msg)
