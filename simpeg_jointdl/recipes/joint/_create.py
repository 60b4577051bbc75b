"""A joint inversion from data misfits, bounds, reference models and couplings."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from simpeg import inverse_problem, inversion
from simpeg.regularization import Sparse, WeightedLeastSquares

from ... import directives, optimization
from ..._core.files import check_writable
from ..._problem.misfits import misfit_support
from ..._problem.simulations import checked_misfits
from ..._problem.terms import map_support
from .._checks import (
    WHO,
    check_names,
    check_positive,
    checked_active,
    checked_bounds,
    checked_norms,
    checked_wires,
    per_cell,
)
from .._recipe import Recipe
from ._couplings import make_couplings

STRATEGIES = ("separate", "simultaneous", "sequential", "cooperative")
PRECONDITIONERS = {
    "jacobi": directives.UpdateJointPreconditioner,
    "data-space": directives.UpdateDataSpacePreconditioner,
}
ROUNDS = {"sequential": 1, "cooperative": 10}


def create_joint_inversion(
    mesh,
    misfits,
    wire_map,
    *,
    active_cells=None,
    couplings=None,
    strategy: str = "simultaneous",
    bounds=None,
    reference_models=None,
    starting_models=None,
    fixed_models=None,
    norms=None,
    alpha_s: float = 1e-3,
    sensitivity_weights: bool = True,
    ratios=1.0,
    couple_when: str | None = None,
    chifact=1.0,
    max_iterations: int = 60,
    cg_iterations: int = 150,
    preconditioner: str = "jacobi",
    progress: bool = True,
    checkpoint=None,
    log=None,
) -> Recipe:
    r"""Joint inversion of any number of data sets for any number of properties.

    Minimises

    .. math::
        \sum_d \phi_d(\mathbf m) + \sum_k \beta_k \phi_k(\mathbf m_k) + \sum_c \lambda_c \phi_c(\mathbf m)

    with every :math:`\beta_k` cooled until the data that constrain property :math:`k` reach their target, and every
    :math:`\lambda_c` from spectral norms (:class:`~simpeg_jointdl.directives.EstimateCouplingWeights`). What comes out
    is a plain SimPEG inversion, to change before it runs.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    misfits : sequence of simpeg.data_misfit.BaseDataMisfit
        Or their sum, whose multipliers stay. Each simulation's map takes the whole model: ``rhoMap=wires.density``.
    wire_map : simpeg.maps.Wires
        One part per property, one parameter per active cell.
    active_cells : (n_cells,) array_like of bool, optional
        All if not given.
    couplings : coupling, class, callable, or a sequence of them, optional
        Ready-made, or called as ``make(mesh, wire_map=maps, active_cells=cells)`` with the maps of all properties
        (and fixed models, in this order): ``regularization.CrossGradient`` or
        ``functools.partial(regularization.Gramian, window=(4, 4, 4))``. Of more than two, each pair gets a coupling
        of its own, as their units differ; clusters are of all together.
    strategy : {"simultaneous", "separate", "sequential", "cooperative"}
        All properties at once; each for itself, couplings left out; one after the other, each
        guided by those before it; or in turns, each coupled to the latest of the others, until all rest.
    bounds : dict of str to (lower, upper), optional
        By property; numbers or (n_active,) arrays, infinite where there is none. In the units of the model, which are
        those of what the simulations' maps take: of SimPEG's gravity and magnetics g/cc (contrast) and SI, of an
        ``ExpMap`` of conductivity its natural logarithm.
    reference_models : dict of str to float or (n_active,) array_like, optional
        By property, in the same units; 0 if not given.
    starting_models : dict of str to float or (n_active,) array_like, optional
        By property, in the same units; the reference model if not given, moved into the bounds.
    fixed_models : dict of str to (n_active,) array_like, optional
        Properties somebody else made (a velocity, a geology as numbers; in any unit), which stay as they are and to
        which the couplings, handed over as classes, tie the others. NaN marks cells where it is not known; nothing is
        coupled to it there.
    norms : sequence of 4 float, or dict of str to such, optional
        Norms of smallness and of the gradients along x, y and z, (0, 1, 1, 1) say, for sparse models by IRLS; smooth
        (2 throughout) if not given. Three in 2-D.
    alpha_s : float
        Smallness against smoothness, as in SimPEG.
    sensitivity_weights : bool
        Whether the regularization of a cell is weighted by the sensitivity of the data to it, which keeps structure
        from the surface. Without, of all models that fit, the one nearest to the reference model cell by cell.
    ratios : float or sequence of float
        Strength of each coupling relative to the regularization. Clusters begin at a hundredth of it and grow while
        the data stay fitted.
    couple_when : {"structure", "fitted", "settled"}, optional
        When couplings begin, see :class:`~simpeg_jointdl.directives.EstimateCouplingWeights`. Clusters wait for
        "settled" if not given: pulled to centres too early they settle in the wrong ones. Others begin at once.
    chifact : float or sequence of float
        Target misfit per datum, one for all or one each.
    max_iterations, cg_iterations : int
        Largest number of Gauss-Newton iterations (of each turn, where properties take turns), and of CG steps in each.
    preconditioner : {"jacobi", "data-space"}
        "data-space" when anomalies are hundreds of times their noise, data sets hold thousands of data and simulations
        store their sensitivities, see :class:`~simpeg_jointdl.directives.UpdateDataSpacePreconditioner`.
    progress : bool
        Show a live table.
    checkpoint : path, optional
        File to save the state in after every iteration, for `Recipe.resume`.
    log : path, optional
        CSV file for one line per iteration, see :func:`~simpeg_jointdl.directives.read_log`.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError, TypeError
        For misfits and properties that do not pair up, models of the wrong length, crossed bounds, data without
        noise; the message says which and what to do.
    OSError
        If the folder of `checkpoint` or `log` cannot be written to.
    """
    active = checked_active(mesh, active_cells)
    n_active = int(active.sum())
    parts = checked_wires(wire_map, n_active)
    names = list(parts)
    misfits = checked_misfits(misfits, wire_map.nP, WHO)
    if strategy not in STRATEGIES:
        msg = f"{WHO}.strategy: got {strategy!r}, wanted one of {', '.join(STRATEGIES)}."
        raise ValueError(msg)
    lower, upper = checked_bounds(bounds, names, n_active)
    reference = _whole_model("reference_models", reference_models, names, n_active)
    start = _whole_model("starting_models", starting_models, names, n_active, default=reference)
    made = make_couplings(couplings, mesh, active, parts, fixed_models)
    norms = checked_norms(norms, names, mesh.dim)
    check_positive("chifact", chifact, len(misfits), "data misfit")
    check_positive("ratios", ratios, len(made), "coupling")
    ratios = np.repeat(np.broadcast_to(ratios, len(made)), [len(some) for some in made])
    made = [] if strategy == "separate" else [coupling for some in made for coupling in some]
    if preconditioner not in PRECONDITIONERS:
        msg = f"{WHO}.preconditioner: got {preconditioner!r}, wanted one of {', '.join(PRECONDITIONERS)}."
        raise ValueError(msg)
    when = couple_when or ("settled" if any(map(_has_centers, made)) else "structure")
    terms = [_smallness_and_smoothness(mesh, active, parts[name], reference, norms[name], alpha_s) for name in names]
    steps, record = _directives(
        strategy, terms, made, chifact, sensitivity_weights, ratios, when, max_iterations, preconditioner, progress,
        checkpoint, log,
    )  # fmt: skip
    _check_pairing(misfits, parts, np.clip(start, lower, upper))

    optimizer = optimization.BoundedGaussNewton(
        maxIter=max_iterations * ROUNDS.get(strategy, 1) * (len(names) if strategy in ROUNDS else 1),
        lower=lower,
        upper=upper,
        cg_maxiter=cg_iterations,
    )
    problem = inverse_problem.BaseInvProblem(misfits, reduce(add, [*terms, *made]), optimizer, print_version=False)
    return Recipe(
        inversion.BaseInversion(problem, directiveList=steps), _off_bounds(start, lower, upper), parts, record
    )


def _directives(
    strategy, terms, couplings, chifact, sensitivity_weights, ratios, when, max_iterations, preconditioner, progress,
    checkpoint, log,
):  # fmt: skip
    record = directives.SaveLog(log)
    # what watches stands first: it tells what an iteration was computed with, before others change it for the next
    steps = [record, directives.ShowProgress()] if progress else [record]
    if sensitivity_weights:
        steps.append(directives.UpdateJointSensitivityWeights(threshold_value=1e-2))
    steps.append(directives.JointBetaSchedule(chifact))
    if any(isinstance(term, Sparse) for term in terms):
        steps.append(directives.UpdateJointIRLS())
    if strategy in ROUNDS:
        steps.append(directives.TakeTurns(None, ROUNDS[strategy], max_iterations))
    if couplings:
        growth = 1.5 if any(map(_has_centers, couplings)) else None
        steps.append(directives.EstimateCouplingWeights(ratios, start=when, growth=growth))
    if any(map(_has_centers, couplings)):
        steps.append(directives.UpdateFuzzyClusters())
    steps.append(PRECONDITIONERS[preconditioner]())
    for name, path in (("log", log), ("checkpoint", checkpoint)):
        if path is not None:
            check_writable(Path(path), f"{WHO}.{name}")
    if checkpoint is not None:
        steps.append(directives.SaveCheckpoint(checkpoint))
    return steps, record


def _has_centers(coupling) -> bool:
    return hasattr(coupling, "memberships")


def _smallness_and_smoothness(mesh, active, wire, reference, norms, alpha_s):
    shared = {"active_cells": active, "mapping": wire, "reference_model": reference, "alpha_s": alpha_s}
    if norms is None:
        return WeightedLeastSquares(mesh, **shared)
    return Sparse(mesh, norms=norms, gradient_type="components", **shared)


def _whole_model(argument, given, names, n_active, default=None) -> np.ndarray:
    given = {} if given is None else given
    check_names(argument, given, names)
    default = np.zeros(len(names) * n_active) if default is None else default
    blocks = np.split(default, len(names))
    return np.concatenate(
        [
            per_cell(f"{argument}[{name!r}]", given[name], n_active) if name in given else block
            for name, block in zip(names, blocks, strict=True)
        ]
    )


def _off_bounds(model, lower, upper) -> np.ndarray:
    """Inside the bounds, a hair off them: a cell without room is held."""
    width = np.where(np.isfinite(upper - lower), upper - lower, 1e-2)
    return np.clip(model, np.where(np.isfinite(lower), lower + 1e-3 * width, -np.inf), upper - 1e-3 * width)


def _check_pairing(misfits, parts, model):
    """Every data set sees a property, and every property is seen."""
    rng = np.random.default_rng(0)
    supports = [map_support(part, model) for part in parts.values()]
    reach = [misfit_support(misfit, model, rng) for multiplier, misfit in misfits if multiplier]
    seen = np.array([[bool(np.any(data & part)) for part in supports] for data in reach])
    counting = [i for i, (multiplier, _) in enumerate(misfits) if multiplier]
    blind = [str(i) for i, properties in zip(counting, seen, strict=True) if not properties.any()]
    unseen = [name for name, any_data in zip(parts, seen.any(axis=0), strict=True) if not any_data]
    problems = [f"misfits[{', '.join(blind)}] depend on no property"] if blind else []
    problems += [f"no data depend on {', '.join(unseen)}"] if unseen else []
    if problems:
        msg = (
            f"{WHO}: misfits and properties do not pair up; {'; '.join(problems)}. "
            "Give each simulation the wire of its property, rhoMap=wires.density, and each property its data."
        )
        raise ValueError(msg)
