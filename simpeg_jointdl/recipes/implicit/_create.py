"""An inversion whose model is a network of the coordinates."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import torch
from discretize import TensorMesh
from numpy.typing import ArrayLike
from simpeg.data import Data
from simpeg.data_misfit import BaseDataMisfit, L2DataMisfit
from simpeg.optimization import Minimize
from simpeg.regularization import BaseSimilarityMeasure, Smallness
from simpeg.simulation import BaseSimulation

from ... import directives, optimization
from ..._core import validation as check
from ..._problem.simulations import paired_data
from ...maps import INRMap
from .._assemble import assemble, checked_records
from .._couplings import listed_couplings, made_coupling
from .._old_names import accept_old_names
from .._recipe import Recipe
from ._model import implicit_model

WHO = "create_inr_inversion"
COOLING_RATE, ADAM_COOLING_RATE = 2, 20  # iterations between two coolings of the couplings; Adam's are ten short steps
OPTIMIZERS = {
    "levenberg-marquardt": optimization.LevenbergMarquardt,
    "adam": partial(optimization.TorchMinimize, "adam", lr=3e-3, steps_per_iteration=10, patience=1, keep="first"),
}
ADAM_FACTOR = 10  # iterations of Adam for one of Gauss-Newton


@accept_old_names()
def create_inr_inversion(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    names: Sequence[str] | None = None,
    bounds: Sequence | None = None,
    units: int | None = None,
    contrasts: ArrayLike | None = None,
    network: torch.nn.Module | None = None,
    couplings: Callable | Sequence[Callable] = (),
    coupling_ratios: float = 1.0,
    misfit: type[BaseDataMisfit] = L2DataMisfit,
    optimizer: str | Minimize | None = None,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell: int | Sequence[int] = 1,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint: os.PathLike | str | None = None,
    log: os.PathLike | str | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> Recipe:
    r"""Inversion of any number of data sets for a network of the coordinates.

    The properties on the mesh are the outputs of an :class:`~simpeg_jointdl.maps.INRMap`, whose weights are the model.
    With ``units=1`` (or a few) they are rock units of unknown contrast in a background of zero, which in our
    measurements is what makes the network beat sparse norms; without, every property is free within its bounds.
    There is no smoothing or depth weighting: the network, its start and short or damped steps regularize, and the
    run ends as soon as the data are fitted to their noise.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        One for each data set; they keep mesh, active cells and units, and are not changed. A simulation's map takes
        either one property on the active cells (then each simulation sees its own) or all of them, one after the other
        (``rhoMap=wires.density``).
    names : sequence of str, optional
        Of the properties; "density", "susceptibility", "conductivity", after the simulations, if not given.
    bounds : sequence of (lower, upper), optional
        One pair per property, or one pair alone for a single one; of the contrasts where there are units. In the units
        that the simulations' maps take: of SimPEG's gravity and magnetics g/cc (contrast) and SI.
    units : int, optional
        Rock units; see :class:`~simpeg_jointdl.maps.INRMap`.
    contrasts : (units, n_properties) array_like, optional
        Where contrasts start, in the units of the bounds. If not given, half way to these, with the sign the data ask
        for where both are allowed.
    network : torch.nn.Module, optional
        As for :class:`~simpeg_jointdl.maps.INRMap`.
    couplings : class, callable or sequence of these
        Called as ``make(mesh, wire_map=maps, active_cells=cells)``, as in :func:`create_joint_inversion`.
    coupling_ratios : float
        Strength of the couplings at the start, as the trace of their Hessian over that of the misfits'; it is halved
        every second iteration (every twentieth of Adam's) until the data are fitted.
    misfit : class
        ``misfit(data=..., simulation=...)``, such as :class:`simpeg_jointdl.data_misfit.HuberDataMisfit`.
    optimizer : {"levenberg-marquardt", "adam"} or simpeg.optimization.Minimize, optional
        Levenberg-Marquardt where there are units, Adam where properties are free, if not given: on free properties
        Gauss-Newton finds models of large masses that cancel, which the many small steps of Adam do not reach.
    chifact : float
        Target misfit per datum.
    max_iterations : int
        Of Gauss-Newton; Adam takes ten times as many of ten steps each.
    points_per_cell, device, dtype
        As for :class:`~simpeg_jointdl.maps.INRMap`.
    random_seed : int
        Of the network's weights. Another seed is another model that fits the data: see :func:`create_inr_ensemble`.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.

    Returns
    -------
    Recipe
        ``recipe.network_map`` is the map, to evaluate the result at other points or on another mesh.

    Raises
    ------
    ValueError, TypeError
        For data and simulations that do not pair up, on different meshes, or arguments the map refuses.

    Examples
    --------
    >>> from simpeg.maps import IdentityMap
    >>> from simpeg_jointdl import datasets, recipes
    >>> from simpeg_jointdl.potential_fields import gravity
    >>> blocks = datasets.load("two_blocks", shape=(8, 8, 4), n_stations=(6, 6))
    >>> survey = blocks.gravity.survey()
    >>> simulation = gravity.Simulation3DIntegral(blocks.mesh, survey=survey, rhoMap=IdentityMap(nP=256))
    >>> recipe = recipes.create_inr_inversion(blocks.gravity.data(), simulation, bounds=(-1, 1), progress=False)
    >>> recipe.initial_model.shape, list(recipe.maps)
    ((2273,), ['density'])
    """
    paired = paired_data(WHO, data, simulation)
    check.positive(f"{WHO}.chifact", chifact)
    check.positive(f"{WHO}.coupling_ratios", coupling_ratios)
    check.whole(f"{WHO}.max_iterations", max_iterations)
    optimizer = optimizer or ("adam" if units is None else "levenberg-marquardt")
    if not isinstance(optimizer, Minimize):
        check.one_of(f"{WHO}.optimizer", optimizer, OPTIMIZERS, mend="Or give a minimizer of SimPEG.")
    records = checked_records(WHO, progress, checkpoint, log)
    inr, parts, misfits_of = implicit_model(
        WHO, paired, names, units=units, contrasts=contrasts, bounds=bounds, network=network,
        points_per_cell=points_per_cell, random_seed=random_seed, device=device, dtype=dtype,
    )  # fmt: skip
    terms = _made_couplings(couplings, inr, parts)
    if isinstance(optimizer, str):
        length = max_iterations * (ADAM_FACTOR if optimizer == "adam" else 1)
        optimizer = OPTIMIZERS[optimizer](maxIter=length, target_chi=chifact, device=device, dtype=dtype)
    steps = []
    if terms:
        rate = ADAM_COOLING_RATE if isinstance(optimizer, optimization.TorchMinimize) else COOLING_RATE
        steps.append(directives.CoolCouplings(coupling_ratios, rate=rate, chifact=chifact))
    inversion, record = assemble(
        misfits_of(misfit), terms or Smallness(TensorMesh([inr.nP])), optimizer, records, steps,
        beta=0.0, balance=directives.BalanceMisfits(chifact),
    )  # fmt: skip
    return Recipe(inversion, inr.initial_model(), parts, record, network_map=inr)


def _made_couplings(couplings, inr: INRMap, parts: dict) -> list[BaseSimilarityMeasure]:
    makers = listed_couplings(couplings)
    if makers and len(parts) < 2:
        msg = f"{WHO}.couplings: there is one property only, and nothing to couple it to."
        raise ValueError(msg)
    options = {"wire_map": list(parts.values()), "active_cells": inr.active_cells}
    return [made_coupling(WHO, make, inr.mesh_of, **options) for make in makers]
