"""An inversion whose model is the latent vector of a learned prior."""

from __future__ import annotations

import copy
from functools import reduce
from operator import add

import numpy as np
from simpeg import data_misfit, inverse_problem, inversion
from simpeg.directives import BetaSchedule

from .. import directives, optimization
from ..maps import DecoderMap
from ..networks import GeologyVAE
from ._checks import check_positive
from ._inr import NAMES, common_ground
from ._recipe import Recipe

WHO = "create_prior_inversion"
_INFLATED, _COOLING, _RATE = 30.0, 3.0, 3  # noise at the start, and how fast the prior gives way


def create_prior_inversion(
    data,
    simulation,
    *,
    decoder=None,
    offsets: bool = True,
    n_candidates: int = 500,
    rank: int = 0,
    misfit=data_misfit.L2DataMisfit,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell=1,
    random_seed: int = 0,
    progress: bool = True,
    log=None,
    device=None,
    dtype=None,
) -> Recipe:
    r"""Inversion for geology that a network has learned: gravity, magnetics or both, on one mesh.

    Minimises

    .. math::
        \sum_d \phi_d(\mathbf u(\mathbf z)) + \beta \lVert \mathbf z - \mathbf z_0 \rVert^2

    over the latent vector :math:`\mathbf z` by damped Gauss-Newton. It starts from, and is held to, that one of many
    models of random geology, :math:`\mathbf z_0`, which fits the data best once its contrasts are scaled.
    :math:`\beta` falls from 900, as if the noise were thirty times as large, until the data are fitted.

    Data are fitted from many places of latent space: run several, ``rank=0, 1, 2, ...``, and look at what they have in
    common.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Of density (``rhoMap``) or susceptibility (``chiMap``), each map taking one value per active cell. Not changed.
    decoder : torch.nn.Module, optional
        See :class:`~simpeg_jointdl.maps.DecoderMap`; the geology that comes with the package if not given.
    offsets : bool
        Let the decoder's bodies move from what it has learned, with a prior of their own.
    n_candidates : int
        Models of random geology to choose the start from.
    rank : int
        0 for the best of these, 1 for the second best.
    misfit, chifact, max_iterations, points_per_cell, device, dtype
        As for :func:`create_inr_inversion`.
    random_seed : int
        Of the candidates.
    progress, log
        As in :func:`create_joint_inversion`.

    Returns
    -------
    Recipe
        ``recipe.network_map`` is the :class:`~simpeg_jointdl.maps.DecoderMap`.

    Raises
    ------
    ValueError, TypeError
        For simulations of other properties than the decoder's, or that do not pair up with the data.
    """
    check_positive("chifact", chifact, 1, "number")
    simulations, observed, mesh, active, keys = common_ground(data, simulation, WHO)
    decoder = GeologyVAE.from_pretrained() if decoder is None else decoder
    options = dict(offsets=offsets, points_per_cell=points_per_cell, device=device, dtype=dtype)
    latent = DecoderMap(decoder, mesh, active, **options)
    places = [_place(key, i, latent) for i, key in enumerate(keys)]
    misfits = []
    for one, key, place, some in zip(simulations, keys, places, observed, strict=True):
        one = copy.copy(one)
        setattr(one, key, getattr(one, key) * latent.properties[place])
        misfits.append(misfit(data=some, simulation=one))
    start = _best_start(latent, misfits, places, n_candidates, rank, random_seed)
    minimizer = optimization.LevenbergMarquardt(maxIter=max_iterations, target_chi=chifact, device=device)
    problem = inverse_problem.BaseInvProblem(
        reduce(add, misfits), latent.prior(start), minimizer, beta=_INFLATED**2, init_bfgs=False, print_version=False
    )
    record = directives.SaveLog(log)
    steps = [record, directives.ShowProgress()] if progress else [record]
    if len(misfits) > 1:
        steps.append(directives.BalanceMisfits(chifact))
    steps.append(BetaSchedule(coolingFactor=_COOLING, coolingRate=_RATE))
    seen = {latent.property_names[place]: latent.properties[place] for place in sorted(set(places))}
    return Recipe(inversion.BaseInversion(problem, directiveList=steps), start, seen, record, network_map=latent)


def _place(key, i, latent) -> int:
    name = NAMES.get(key)
    if name not in latent.property_names:
        msg = f"{WHO}.simulation: number {i} is of {name or key}, and the decoder knows {list(latent.property_names)}."
        raise ValueError(msg)
    return latent.property_names.index(name)


def _best_start(latent, misfits, places, n_candidates, rank, random_seed) -> np.ndarray:
    """The candidate whose data, each data set scaled, come closest."""
    if not (n_candidates >= 1 and 0 <= rank < n_candidates):
        msg = f"{WHO}: got n_candidates={n_candidates!r}, rank={rank!r}; wanted one or more, and a rank below that."
        raise ValueError(msg)
    models = latent.candidates(int(n_candidates), random_seed)
    fitted = []
    for model in models:
        size, scaled = 0.0, model.copy()
        for one, place in zip(misfits, places, strict=True):
            wanted = one.W @ one.data.dobs
            predicted = one.W @ one.simulation.dpred(model)
            factor = max(float(predicted @ wanted) / max(float(predicted @ predicted), 1e-300), 1e-3)
            scaled, factor = latent.rescaled(scaled, place, factor)
            size += float(np.mean((factor * predicted - wanted) ** 2)) / float(np.mean(wanted**2))
        fitted.append((size, scaled))
    return sorted(fitted, key=lambda pair: pair[0])[rank][1]
