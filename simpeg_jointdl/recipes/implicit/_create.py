"""An inversion whose model is a network of the coordinates."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
    bounds: Sequence[Any] | None = None,
    units: int | None = None,
    contrasts: ArrayLike | None = None,
    network: torch.nn.Module | None = None,
    couplings: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    coupling_ratios: float = 1.0,
    misfit: type[BaseDataMisfit] = L2DataMisfit,
    optimizer: str | Minimize | None = None,
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
    r"""Set up an inversion of any number of data sets for a network of the coordinates.

    The properties on the mesh are the outputs of an :class:`~simpeg_jointdl.maps.INRMap`, whose weights are the model.
    With ``units=1`` (or a few) the outputs are the shares of rock units of unknown contrast in a background of zero; in
    our measurements only then is the network better than sparse norms. Without units every property varies freely
    within its bounds. There is no smoothing and no depth weighting: the network, its starting weights and short or
    damped steps regularize, and the run ends as soon as the data are fitted to their noise.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
        Data sets.
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Simulation of each data set; mesh, active cells and units are theirs, and they are not changed. The map of a
        simulation takes either one property on the active cells (then each simulation has its own) or all of them, one
        after the other (``rhoMap=wires.density``).
    names : sequence of str, optional
        Names of the properties; "density", "susceptibility" or "conductivity", by the simulations, if not given.
    bounds : sequence of (lower, upper), optional
        Bounds of each property, or one pair for a single one; of the contrasts where there are units. They are in the
        units that the simulations' maps take: g/cc (density contrast) and SI (susceptibility) for SimPEG's gravity and
        magnetics.
    units : int, optional
        Number of rock units, see :class:`~simpeg_jointdl.maps.INRMap`.
    contrasts : (units, n_properties) array_like, optional
        First contrasts of the units, in the units of the bounds. If not given they lie half way between zero and the
        bounds, with the sign that the data ask for where both signs are allowed.
    network : torch.nn.Module, optional
        Network from points to values, see :class:`~simpeg_jointdl.maps.INRMap`.
    couplings : class, callable or sequence of these
        Couplings between the properties, called as ``make(mesh, wire_map=maps, active_cells=cells)``, as in
        :func:`create_joint_inversion`.
    coupling_ratios : float
        Strength of all couplings together relative to the data misfits, which stand for the regularization that there
        is not: the trace of their Hessian over that of the misfits', at the start. It is halved every second iteration
        (every twentieth of Adam) until the data are fitted.
    misfit : type
        Class of the data misfits, called as ``misfit(data=..., simulation=...)``, such as
        :class:`simpeg_jointdl.data_misfit.HuberDataMisfit`.
    optimizer : {"levenberg-marquardt", "adam"} or simpeg.optimization.Minimize, optional
        Minimizer over the weights. If not given it is Levenberg-Marquardt with units, and Adam without: for free
        properties Gauss-Newton finds models of large masses that cancel, which the many small steps of Adam do not
        reach.
    chifact : float
        Target misfit per datum.
    max_iterations : int
        Largest number of Gauss-Newton iterations; Adam takes ten times as many, of ten steps each.
    points_per_cell : int or sequence of int
        Points of a cell at which the network is evaluated and averaged, see :class:`~simpeg_jointdl.maps.INRMap`.
    random_seed : int
        Seed of the network's weights. Another seed gives another model that fits the data: see
        :func:`create_inr_ensemble`.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        Device and type of the network's numbers; torch's default device and float64 if not given.

    Returns
    -------
    Recipe
        The inversion, ready to run. ``recipe.network_map`` is the map of the network, which evaluates the result at
        other points or on another mesh.

    Raises
    ------
    ValueError, TypeError
        For data and simulations that do not pair up or are on different meshes, and for arguments that the map
        refuses.
    OSError
        If `checkpoint` or `log` cannot be written.

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
    paired = paired_data("create_inr_inversion", data, simulation)
    check.positive("create_inr_inversion.chifact", chifact)
    check.positive("create_inr_inversion.coupling_ratios", coupling_ratios)
    check.whole("create_inr_inversion.max_iterations", max_iterations)
    optimizer = optimizer or ("adam" if units is None else "levenberg-marquardt")
    if not isinstance(optimizer, Minimize):
        check.one_of("create_inr_inversion.optimizer", optimizer, OPTIMIZERS, mend="Or give a minimizer of SimPEG.")
    records = checked_records("create_inr_inversion", progress, checkpoint, log)
    inr, parts, misfits_of = implicit_model(
        "create_inr_inversion", paired, names, units=units, contrasts=contrasts, bounds=bounds, network=network,
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
        msg = "create_inr_inversion.couplings: there is one property only, and nothing to couple it to."
        raise ValueError(msg)
    options = {"wire_map": list(parts.values()), "active_cells": inr.active_cells}
    return [made_coupling("create_inr_inversion", make, inr.mesh_of, **options) for make in makers]
