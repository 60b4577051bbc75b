"""An inversion whose model is the latent vector of a learned prior."""

from __future__ import annotations

import contextlib
import io
from functools import reduce
from operator import add

import numpy as np
from simpeg import data_misfit, inverse_problem, inversion
from simpeg.directives import BetaSchedule

from ... import directives, optimization
from ..._problem.simulations import NAMES, common_ground, looking_through
from ...maps import DecoderMap
from ...networks import GeologyVAE
from .._checks import check_positive
from .._recipe import Recipe

WHO = "create_prior_inversion"
_INFLATED = (30.0, 10.0, 3.0)  # factors on the noise, by which starts are tried
_TRIES = 6  # steps at each
_FIRST, _COOLING, _RATE = 30.0, 3.0, 4  # weight of the prior at the last, and how fast it gives way


def create_prior_inversion(
    data,
    simulation,
    *,
    decoder=None,
    offsets: bool = True,
    n_candidates: int = 1000,
    n_starts: int = 16,
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

    over the latent vector :math:`\mathbf z` by damped Gauss-Newton. Data are fitted from many places of latent space,
    most of which look like no geology, so a start matters. Of many models of random geology the `n_starts` that fit
    best, once their contrasts are scaled, are inverted with noise that is taken for 30, 10 and 3 times what it is; the
    one with the lowest sum of misfit and prior is what the recipe goes on from, with :math:`\beta` falling from 30
    until the data are fitted. All but the last of this happens when the recipe is made.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Of density (``rhoMap``) or susceptibility (``chiMap``), each map taking one value per active cell. Not changed.
    decoder : torch.nn.Module, optional
        See :class:`~simpeg_jointdl.maps.DecoderMap`; the geology that comes with the package if not given.
    offsets : bool
        At last, let the decoder's bodies move from what it has learned, with a prior of their own.
    n_candidates, n_starts : int
        Models of random geology that are looked at, and that are tried.
    rank : int
        0 to go on from the best of those tried, 1 from the second best: another model that the data allow.
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
    _check_counts(n_candidates, n_starts, rank)
    options = dict(points_per_cell=points_per_cell, device=device, dtype=dtype)
    latent = DecoderMap(decoder, mesh, active, **options)
    places = [_place(key, i, latent) for i, key in enumerate(keys)]

    def misfits_of(mapping):
        """Data misfits that look through a map."""
        made = []
        for one, key, place, some in zip(simulations, keys, places, observed, strict=True):
            view = looking_through(one, key, getattr(one, key) * mapping.properties[place])
            made.append(misfit(data=some, simulation=view))
        return made

    candidates = _best_candidates(latent, misfits_of(latent), places, n_candidates, n_starts, random_seed)
    start, reference = _tried(latent, misfits_of(latent), candidates, device)[rank]
    if offsets:
        latent = DecoderMap(decoder, mesh, active, offsets=True, **options)
        start, reference = (np.r_[one, np.zeros(latent.n_offsets)] for one in (start, reference))
    misfits = misfits_of(latent)
    minimizer = optimization.LevenbergMarquardt(maxIter=max_iterations, target_chi=chifact, device=device)
    problem = inverse_problem.BaseInvProblem(
        reduce(add, misfits), latent.prior(reference), minimizer, beta=_FIRST, init_bfgs=False, print_version=False
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


def _check_counts(n_candidates, n_starts, rank):
    if not 0 <= rank < n_starts <= n_candidates:
        msg = (
            f"{WHO}: got n_candidates={n_candidates!r}, n_starts={n_starts!r}, rank={rank!r}; wanted a rank below the "
            "number of starts, and no more of these than candidates."
        )
        raise ValueError(msg)


def _best_candidates(latent, misfits, places, n_candidates, n_starts, random_seed) -> list[np.ndarray]:
    """Those whose data, each data set scaled, come closest."""
    sized = []
    for model in latent.candidates(int(n_candidates), random_seed):
        size, scaled = 0.0, model.copy()
        for one, place in zip(misfits, places, strict=True):
            wanted = one.W @ one.data.dobs
            predicted = one.W @ one.simulation.dpred(model)
            factor = max(float(predicted @ wanted) / max(float(predicted @ predicted), 1e-300), 1e-3)
            scaled, factor = latent.rescaled(scaled, place, factor)
            size += float(np.mean((factor * predicted - wanted) ** 2)) / float(np.mean(wanted**2))
        sized.append((size, scaled))
    return [model for _, model in sorted(sized, key=lambda pair: pair[0])[:n_starts]]


def _tried(latent, misfits, candidates, device) -> list[tuple[np.ndarray, np.ndarray]]:
    """Short inversions from every candidate, the lowest objective first: where they end, and what they are held to."""
    ends = []
    for model in candidates:
        reference = latent.unsized(model)
        prior = latent.prior(reference)
        for factor in _INFLATED:
            minimizer = optimization.LevenbergMarquardt(maxIter=_TRIES, target_chi=None, device=device)
            problem = inverse_problem.BaseInvProblem(
                reduce(add, misfits), prior, minimizer, beta=factor**2, init_bfgs=False, print_version=False
            )
            with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
                model = inversion.BaseInversion(problem, directiveList=[]).run(model)
        value = sum(one(model) for one in misfits) / _INFLATED[-1] ** 2 + prior(model)
        ends.append((float(value), model, reference))
    return [(model, reference) for _, model, reference in sorted(ends, key=lambda end: end[0])]
