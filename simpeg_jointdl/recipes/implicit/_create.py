"""An inversion whose model is a network of the coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from discretize import TensorMesh
from simpeg import data_misfit, inverse_problem, inversion, maps
from simpeg.regularization import Smallness

from ... import directives, optimization
from ..._problem.simulations import NAMES, common_ground, looking_through
from ...maps import INRMap
from .._checks import check_positive
from .._recipe import Recipe

WHO = "create_inr_inversion"
_RATE, _ADAM_RATE = 2, 20  # iterations between two coolings of the couplings; Adam's are ten short steps each
OPTIMIZERS = {
    "levenberg-marquardt": lambda **options: optimization.LevenbergMarquardt(**options),
    "adam": lambda maxIter, **options: optimization.TorchMinimize(
        "adam", lr=3e-3, maxIter=10 * maxIter, steps_per_iteration=10, patience=1, keep="first", **options
    ),
}


def create_inr_inversion(
    data,
    simulation,
    *,
    names: Sequence[str] | None = None,
    bounds=None,
    units: int | None = None,
    contrasts=None,
    network=None,
    couplings=(),
    ratio: float = 1.0,
    misfit=data_misfit.L2DataMisfit,
    optimizer=None,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell=1,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint=None,
    log=None,
    device=None,
    dtype=None,
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
    ratio : float
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
    inr, misfits, parts = prepare(
        data, simulation, names, misfit,
        bounds=bounds, units=units, contrasts=contrasts, network=network, points_per_cell=points_per_cell,
        random_seed=random_seed, device=device, dtype=dtype,
    )  # fmt: skip
    check_positive("chifact", chifact, 1, "number")
    check_positive("ratio", ratio, 1, "number")
    model = inr.initial_model()
    terms = _made_couplings(couplings, inr, parts)
    optimizer = optimizer or ("adam" if units is None else "levenberg-marquardt")
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            msg = f"{WHO}.optimizer: got {optimizer!r}, wanted one of {', '.join(OPTIMIZERS)}, or a minimizer."
            raise ValueError(msg)
        optimizer = OPTIMIZERS[optimizer](maxIter=max_iterations, target_chi=chifact, device=device, dtype=dtype)
    reg = reduce(add, terms) if terms else Smallness(TensorMesh([inr.nP]))
    problem = inverse_problem.BaseInvProblem(
        reduce(add, misfits), reg, optimizer, beta=0.0, init_bfgs=False, print_version=False
    )
    record = directives.SaveLog(log)
    steps = [record, directives.ShowProgress()] if progress else [record]
    if len(misfits) > 1:
        steps.append(directives.BalanceMisfits(chifact))
    if terms:
        rate = _ADAM_RATE if isinstance(optimizer, optimization.TorchMinimize) else _RATE
        steps.append(directives.CoolCouplings(ratio, rate=rate, chifact=chifact))
    if checkpoint is not None:
        steps.append(directives.SaveCheckpoint(checkpoint))
    return Recipe(inversion.BaseInversion(problem, directiveList=steps), model, parts, record, network_map=inr)


def prepare(data, simulation, names, misfit, *, contrasts, units, bounds, **options):
    """The map, the misfits of simulations that look through it, and the maps to each property by name."""
    simulations, data, mesh, active, keys = common_ground(data, simulation, WHO)
    n_active = int(active.sum())
    own = [getattr(one, key) for one, key in zip(simulations, keys, strict=True)]
    takes = {one.nP for one in own if not isinstance(one.nP, str)}
    n_properties = _count(takes, len(simulations), n_active)
    names = _checked_names(names, keys, n_properties)
    options |= dict(n_properties=n_properties, bounds=bounds, units=units)
    inr = INRMap(mesh, active, contrasts=contrasts, **options)
    seen = [_view(one, i, inr, n_active) for i, one in enumerate(own)]
    if units is not None and contrasts is None:
        signs = _signs(inr, data, simulations, keys, own, n_active)
        contrasts = signed(inr.contrasts(inr.initial_model()), signs, inr.limits)
        inr = INRMap(mesh, active, contrasts=contrasts, **options)
        seen = [_view(one, i, inr, n_active) for i, one in enumerate(own)]
    views = [looking_through(one, key, view) for one, key, view in zip(simulations, keys, seen, strict=True)]
    misfits = [misfit(data=observed, simulation=view) for observed, view in zip(data, views, strict=True)]
    return inr, misfits, dict(zip(names, inr.properties, strict=True))


def _count(takes: set, n_simulations: int, n_active: int) -> int:
    if takes <= {n_active}:
        return n_simulations
    if len(takes) == 1 and next(iter(takes)) % n_active == 0:
        return next(iter(takes)) // n_active
    msg = (
        f"{WHO}.simulation: their maps take {sorted(takes)} values for {n_active} active cells; wanted one property "
        "for each simulation, or all properties for every simulation."
    )
    raise ValueError(msg)


def _checked_names(names, keys, n: int) -> list[str]:
    if names is None:
        names = [NAMES.get(key, key.removesuffix("Map")) for key in keys]
        names = names if len(names) == n and len(set(names)) == n else [f"property_{i}" for i in range(n)]
    if len(names) != n or len(set(names)) != n:
        msg = f"{WHO}.names: got {list(names)}, wanted {n} different ones, one per property."
        raise ValueError(msg)
    return list(names)


def _view(own, i, inr, n_active):
    """What a simulation's own map makes of its property, or of all of them."""
    return own * (inr.properties[i] if own.nP in (n_active, "*") and inr.n_properties > 1 else inr)


def _signs(inr, data, simulations, keys, own, n_active) -> np.ndarray:
    """Sign of each property that data ask for: along the gradient of the misfits at nothing, in the cells' sum."""
    signs = np.ones(inr.n_properties)
    for i, (one, key, mapping, observed) in enumerate(zip(simulations, keys, own, data, strict=True)):
        n = n_active if mapping.nP in (n_active, "*") else mapping.nP
        one = looking_through(one, key, mapping * maps.IdentityMap(nP=n))
        zero = np.zeros(n)
        residual = (observed.dobs - one.dpred(zero)) / observed.standard_deviation**2
        slopes = np.asarray(one.Jtvec(zero, residual)).reshape(-1, n_active).sum(axis=1)
        if len(slopes) == inr.n_properties and inr.n_properties > 1:
            signs = np.where(slopes != 0.0, np.sign(slopes), signs)
        else:
            signs[i if inr.n_properties > 1 else 0] = np.sign(slopes[0]) or 1.0
    return signs


def signed(contrasts, signs, limits) -> np.ndarray:
    """Contrasts mirrored to the wanted sign of the first unit, where the bounds allow it."""
    result = contrasts.copy()
    for p, (low, high) in enumerate(limits):
        mirrored = result[:, p] * (signs[p] if result[0, p] > 0 else -signs[p])
        if (mirrored > low).all() and (mirrored < high).all():
            result[:, p] = mirrored
    return result


def _made_couplings(couplings, inr, parts) -> list:
    couplings = [couplings] if callable(couplings) else list(couplings)
    if couplings and len(parts) < 2:
        msg = f"{WHO}.couplings: there is one property only, and nothing to couple it to."
        raise ValueError(msg)
    wire_map = list(parts.values())
    return [make(inr.mesh_of, wire_map=wire_map, active_cells=inr.active_cells) for make in couplings]
