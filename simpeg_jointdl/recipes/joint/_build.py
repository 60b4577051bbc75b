"""Assembly of an inversion over cells from data misfits and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from discretize.base import BaseMesh
from simpeg.directives import InversionDirective
from simpeg.maps import IdentityMap
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure, Sparse, WeightedLeastSquares

from ... import directives, optimization
from ..._core import validation as check
from ..._core.protocols import IsCluster
from ..._problem.misfits import misfit_support
from ..._problem.terms import map_support
from .._assemble import Records, assemble
from .._recipe import Recipe
from ._checks import checked_bounds, checked_norms, whole_model
from ._couplings import make_couplings
from ._options import CellOptions

STRATEGIES = ("separate", "simultaneous", "sequential", "cooperative")
STARTS = ("structure", "fitted", "settled")
PRECONDITIONERS = {
    "jacobi": directives.UpdateJointPreconditioner,
    "data-space": directives.UpdateDataSpacePreconditioner,
}
ROUNDS = {"sequential": 1, "cooperative": 10}
_WEIGHT_THRESHOLD = 1e-2  # of sensitivity weights, relative to the largest
_CLUSTER_GROWTH = 1.5  # of the weight of cluster couplings per iteration
_INSIDE = 1e-3  # distance of the starting model to its bounds, relative to the distance between them


@dataclass(frozen=True, eq=False)
class CellProblem:
    """Data misfits over properties on cells, all of them checked.

    Attributes
    ----------
    mesh : discretize.base.BaseMesh
        Mesh of the regularization.
    active_cells : (n_cells,) numpy.ndarray of bool
        Active cells.
    parts : dict of str to simpeg.maps.IdentityMap
        Map from the whole model to each property, one parameter per active cell.
    misfits : simpeg.objective_function.ComboObjectiveFunction
        Sum of the data misfits.
    """

    mesh: BaseMesh
    active_cells: np.ndarray
    parts: Mapping[str, IdentityMap]
    misfits: ComboObjectiveFunction

    @property
    def names(self) -> list[str]:
        """Names of the properties."""
        return list(self.parts)

    @property
    def n_active(self) -> int:
        """Number of active cells."""
        return int(self.active_cells.sum())


@dataclass(frozen=True, eq=False)
class CellSettings:
    """Options of an inversion over cells, checked and made for its problem."""

    options: CellOptions
    lower: np.ndarray
    upper: np.ndarray
    reference: np.ndarray
    start: np.ndarray
    couplings: list[BaseSimilarityMeasure]
    coupling_ratios: np.ndarray
    norms: dict[str, list[float] | None]
    chifact: float | Sequence[float]


def cell_settings(
    who: str,
    problem: CellProblem,
    options: CellOptions,
    *,
    couplings: Any = None,
    coupling_ratios: float | Sequence[float] = 1.0,
    chifact: float | Sequence[float] = 1.0,
    options_name: str | None = None,
) -> CellSettings:
    """Check the options of an inversion over cells, and make its couplings.

    Parameters
    ----------
    who : str
        Name of the function that the user has called.
    problem : CellProblem
        Problem that the options are for.
    options : CellOptions
        What the user has asked for.
    couplings, coupling_ratios, chifact
        As of :func:`create_joint_inversion`.
    options_name : str, optional
        Name of the options in messages; that of the function if not given.
    """
    names, n_active, owner = problem.names, problem.n_active, options_name or who
    check.one_of(f"{owner}.strategy", options.strategy, STRATEGIES)
    lower, upper = checked_bounds(owner, options.bounds, names, n_active)
    reference = whole_model(f"{owner}.reference_models", options.reference_models, names, n_active)
    start = whole_model(f"{owner}.starting_models", options.starting_models, names, n_active, reference)
    norms = checked_norms(owner, options.norms, names, problem.mesh.dim)
    check.non_negative(f"{owner}.alpha_s", options.alpha_s)
    check.whole(f"{owner}.max_iterations", options.max_iterations)
    check.whole(f"{owner}.cg_iterations", options.cg_iterations)
    check.one_of(f"{owner}.preconditioner", options.preconditioner, PRECONDITIONERS)
    check.one_of(f"{owner}.couple_when", options.couple_when, (None, *STARTS))
    made = make_couplings(who, couplings, problem.mesh, problem.active_cells, problem.parts, options.fixed_models)
    check.per_item(f"{who}.chifact", chifact, len(problem.misfits.objfcts), "data misfit", above=0.0)
    ratios = check.per_item(f"{who}.coupling_ratios", coupling_ratios, len(made), "coupling", above=0.0)
    ratios = np.repeat(ratios, [len(some) for some in made])
    flat = [] if options.strategy == "separate" else [coupling for some in made for coupling in some]
    return CellSettings(options, lower, upper, reference, start, flat, ratios, norms, chifact)


def build(
    problem: CellProblem, settings: CellSettings, records: Records, *, reference_in_smooth: bool = False
) -> Recipe:
    """Put an inversion over cells together from checked settings."""
    options = settings.options
    terms = [_smallness_and_smoothness(problem, name, settings) for name in problem.names]
    if reference_in_smooth:
        for term in terms:
            term.reference_model_in_smooth = True
    takes_turns = options.strategy in ROUNDS
    minimizer = optimization.BoundedGaussNewton(
        maxIter=options.max_iterations * (ROUNDS[options.strategy] * len(problem.names) if takes_turns else 1),
        lower=settings.lower,
        upper=settings.upper,
        cg_maxiter=options.cg_iterations,
    )
    steps = _steps(settings, is_sparse=any(isinstance(term, Sparse) for term in terms))
    inversion, log = assemble(problem.misfits, [*terms, *settings.couplings], minimizer, records, steps)
    return Recipe(inversion, _inside(settings.start, settings.lower, settings.upper), dict(problem.parts), log)


def check_pairing(who: str, problem: CellProblem, settings: CellSettings) -> None:
    """Raise ValueError unless every data set depends on a property, and every property has data."""
    rng, model = np.random.default_rng(0), np.clip(settings.start, settings.lower, settings.upper)
    supports = [map_support(part, model) for part in problem.parts.values()]
    pairs = list(problem.misfits)
    counting = [i for i, (multiplier, _) in enumerate(pairs) if multiplier]
    reach = [misfit_support(pairs[i][1], model, rng) for i in counting]
    seen = np.array([[bool(np.any(data & part)) for part in supports] for data in reach])
    blind = [str(i) for i, properties in zip(counting, seen, strict=True) if not properties.any()]
    unseen = [name for name, any_data in zip(problem.names, seen.any(axis=0), strict=True) if not any_data]
    problems = [f"misfits[{', '.join(blind)}] depend on no property"] if blind else []
    problems += [f"no data depend on {', '.join(unseen)}"] if unseen else []
    if problems:
        msg = (
            f"{who}: misfits and properties do not pair up; {'; '.join(problems)}. "
            "Give each simulation the wire of its property, rhoMap=wires.density, and each property its data."
        )
        raise ValueError(msg)


def _steps(settings: CellSettings, *, is_sparse: bool) -> list[InversionDirective]:
    """Directives that change something, in their order."""
    options, couplings = settings.options, settings.couplings
    has_clusters = any(isinstance(one, IsCluster) for one in couplings)
    steps = []
    if options.sensitivity_weights:
        steps.append(directives.UpdateJointSensitivityWeights(threshold_value=_WEIGHT_THRESHOLD))
    steps.append(directives.JointBetaSchedule(settings.chifact))
    if is_sparse:
        steps.append(directives.UpdateJointIRLS())
    if options.strategy in ROUNDS:
        steps.append(directives.TakeTurns(None, ROUNDS[options.strategy], options.max_iterations))
    if couplings:
        start = options.couple_when or ("settled" if has_clusters else "structure")
        growth = _CLUSTER_GROWTH if has_clusters else None
        steps.append(directives.EstimateCouplingWeights(settings.coupling_ratios, start=start, growth=growth))
    if has_clusters:
        steps.append(directives.UpdateFuzzyClusters())
    steps.append(PRECONDITIONERS[options.preconditioner]())
    return steps


def _smallness_and_smoothness(problem: CellProblem, name: str, settings: CellSettings):
    shared = {
        "active_cells": problem.active_cells,
        "mapping": problem.parts[name],
        "reference_model": settings.reference,
        "alpha_s": settings.options.alpha_s,
    }
    if settings.norms[name] is None:
        return WeightedLeastSquares(problem.mesh, **shared)
    return Sparse(problem.mesh, norms=settings.norms[name], gradient_type="components", **shared)


def _inside(model, lower, upper) -> np.ndarray:
    """Return the model just inside the bounds: the minimizer holds a cell that begins on one."""
    width = np.where(np.isfinite(upper - lower), upper - lower, 1e-2)
    return np.clip(model, np.where(np.isfinite(lower), lower + _INSIDE * width, -np.inf), upper - _INSIDE * width)
