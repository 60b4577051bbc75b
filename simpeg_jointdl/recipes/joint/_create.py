"""Joint inversion of any number of data sets for any number of properties."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from discretize.base import BaseMesh
from numpy.typing import ArrayLike
from simpeg.data_misfit import BaseDataMisfit
from simpeg.maps import Wires
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure

from ..._core import validation as check
from ..._problem.simulations import checked_misfits
from .._assemble import checked_records
from .._checks import checked_wires
from .._old_names import accept_old_names
from .._recipe import Recipe
from ._build import CellProblem, build, cell_settings, check_pairing
from ._options import CellOptions, Strategy

Coupling = BaseSimilarityMeasure | Callable[..., Any]


@accept_old_names()
def create_joint_inversion(
    mesh: BaseMesh,
    misfits: Sequence[BaseDataMisfit] | ComboObjectiveFunction | BaseDataMisfit,
    wire_map: Wires,
    *,
    active_cells: ArrayLike | None = None,
    couplings: BaseSimilarityMeasure
    | Callable[..., Any]
    | Sequence[BaseSimilarityMeasure | Callable[..., Any]]
    | None = None,
    strategy: Strategy = "simultaneous",
    bounds: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    reference_models: Mapping[str, ArrayLike] | None = None,
    starting_models: Mapping[str, ArrayLike] | None = None,
    fixed_models: Mapping[str, ArrayLike] | None = None,
    norms: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    alpha_s: float = 1e-3,
    sensitivity_weights: bool = True,
    coupling_ratios: float | Sequence[float] = 1.0,
    couple_when: Literal["structure", "fitted", "settled"] | None = None,
    chifact: float | Sequence[float] = 1.0,
    max_iterations: int = 60,
    cg_iterations: int = 150,
    preconditioner: Literal["jacobi", "data-space"] = "jacobi",
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
) -> Recipe:
    r"""Set up a joint inversion of any number of data sets for any number of properties.

    It minimises

    .. math::
        \sum_d \phi_d(\mathbf m) + \sum_k \beta_k \phi_k(\mathbf m_k) + \sum_c \lambda_c \phi_c(\mathbf m)

    with data misfits :math:`\phi_d`, a regularization :math:`\phi_k` of each property and couplings :math:`\phi_c`.
    Every trade-off parameter :math:`\beta_k` is cooled until the data that constrain property :math:`k` reach their
    target. Every coupling weight :math:`\lambda_c` comes from spectral norms, see
    :class:`~simpeg_jointdl.directives.EstimateCouplingWeights`. The result is a plain SimPEG inversion, which may be
    changed before it runs.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh of all properties.
    misfits : sequence of simpeg.data_misfit.BaseDataMisfit
        Data misfits, or their sum, whose multipliers are kept. The map of each simulation takes the whole model:
        ``rhoMap=wires.density``.
    wire_map : simpeg.maps.Wires
        Parts of the model, one per property, with one parameter per active cell.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; all cells if not given.
    couplings : coupling, class, callable, or a sequence of them, optional
        Couplings between the properties: ready-made, or called as ``make(mesh, wire_map=maps, active_cells=cells)``
        with the maps of all properties and then of the fixed models, such as ``regularization.CrossGradient`` or
        ``functools.partial(regularization.Gramian, window=(4, 4, 4))``. With more than two properties each pair gets a
        coupling of its own, since units differ; a cluster coupling takes all properties together.
    strategy : {"simultaneous", "separate", "sequential", "cooperative"}
        "simultaneous" inverts for all properties at once, "separate" for each by itself without couplings,
        "sequential" for one after the other, each coupled to those before it, and "cooperative" for one at a time in
        several rounds, each coupled to the latest models of the others, until nothing changes any more.
    bounds : dict of str to (lower, upper), optional
        Bounds by property: numbers or (n_active,) arrays, infinite where there is none. They are in the units of the
        model, which are those of what the simulations' maps take: g/cc (density contrast) and SI (susceptibility) for
        SimPEG's gravity and magnetics, the natural logarithm of conductivity in S/m for an ``ExpMap``.
    reference_models : dict of str to float or (n_active,) array_like, optional
        Reference models by property, in the same units; 0 if not given.
    starting_models : dict of str to float or (n_active,) array_like, optional
        Starting models by property, in the same units; the reference model if not given. They are moved into the
        bounds.
    fixed_models : dict of str to (n_active,) array_like, optional
        Known models of further properties in any unit, such as a velocity model. They stay as they are, and the
        couplings, which must be classes or callables then, tie the other properties to them. NaN marks cells where a
        model is not known; nothing is coupled to it there.
    norms : sequence of 4 float, or dict of str to such, optional
        Norms of smallness and of the gradients along x, y and z, from 0 to 2, such as (0, 1, 1, 1) for sparse models,
        which are found by iteratively reweighted least squares; all 2 (smooth) if not given. Three norms in 2-D.
    alpha_s : float
        Weight of smallness against smoothness, as in SimPEG.
    sensitivity_weights : bool
        Whether the regularization of a cell is weighted by the sensitivity of the data to it, which keeps structure
        away from the surface. Without these weights the result is, of all models that fit the data, the one nearest
        to the reference model cell by cell.
    coupling_ratios : float or sequence of float
        Strength of each coupling relative to the regularization. Cluster couplings begin at a hundredth of it and
        grow while the data stay fitted.
    couple_when : {"structure", "fitted", "settled"}, optional
        When couplings begin, see :class:`~simpeg_jointdl.directives.EstimateCouplingWeights`. If not given, cluster
        couplings wait for "settled", since models that are pulled to centres too early settle at the wrong ones;
        others begin at once ("structure").
    chifact : float or sequence of float
        Target misfit per datum, one for all data sets or one each.
    max_iterations, cg_iterations : int
        Largest number of Gauss-Newton iterations (of each turn, where properties take turns), and of
        conjugate-gradient steps in each.
    preconditioner : {"jacobi", "data-space"}
        Preconditioner of the conjugate gradients. "data-space" is for anomalies of hundreds of times their noise and
        thousands of data, with simulations that store their sensitivities; see
        :class:`~simpeg_jointdl.directives.UpdateDataSpacePreconditioner`.
    progress : bool
        Whether a live table is shown while the inversion runs. If False, nothing is printed.
    checkpoint : path, optional
        File to save the state in after every iteration, for `Recipe.resume`.
    log : path, optional
        CSV file with one line per iteration, see :func:`~simpeg_jointdl.directives.read_log`.

    Returns
    -------
    Recipe
        The inversion, ready to run.

    Raises
    ------
    ValueError, TypeError
        For misfits and properties that do not pair up, models of the wrong length, crossed bounds, data without
        noise; the message says which, and what to do.
    OSError
        If `checkpoint` or `log` cannot be written.

    Examples
    --------
    >>> from simpeg import data_misfit, maps
    >>> from simpeg_jointdl import datasets, recipes, regularization
    >>> from simpeg_jointdl.potential_fields import gravity, magnetics
    >>> blocks = datasets.load("two_blocks", shape=(6, 6, 4), n_stations=(6, 6))
    >>> wires = maps.Wires(("density", 144), ("susceptibility", 144))
    >>> simulations = [
    ...     gravity.Simulation3DIntegral(blocks.mesh, survey=blocks.gravity.survey(), rhoMap=wires.density),
    ...     magnetics.Simulation3DIntegral(blocks.mesh, survey=blocks.magnetics.survey(), chiMap=wires.susceptibility),
    ... ]
    >>> misfits = [
    ...     data_misfit.L2DataMisfit(data=data, simulation=simulation)
    ...     for data, simulation in zip([blocks.gravity.data(), blocks.magnetics.data()], simulations)
    ... ]
    >>> recipe = recipes.create_joint_inversion(
    ...     blocks.mesh,
    ...     misfits,
    ...     wires,
    ...     couplings=regularization.CrossGradient,
    ...     bounds={"susceptibility": (0.0, 0.2)},
    ...     progress=False,
    ... )
    >>> recipe.initial_model.shape, list(recipe.maps)
    ((288,), ['density', 'susceptibility'])
    """
    check.discretize_mesh("create_joint_inversion.mesh", mesh)
    active = check.active_cells("create_joint_inversion.active_cells", mesh, active_cells)
    parts = checked_wires("create_joint_inversion", wire_map, int(active.sum()))
    problem = CellProblem(mesh, active, parts, checked_misfits(misfits, wire_map.nP, "create_joint_inversion"))
    options = CellOptions(
        bounds=bounds,
        reference_models=reference_models,
        starting_models=starting_models,
        fixed_models=fixed_models,
        norms=norms,
        alpha_s=alpha_s,
        sensitivity_weights=sensitivity_weights,
        strategy=strategy,
        couple_when=couple_when,
        max_iterations=max_iterations,
        cg_iterations=cg_iterations,
        preconditioner=preconditioner,
    )
    settings = cell_settings(
        "create_joint_inversion",
        problem,
        options,
        couplings=couplings,
        coupling_ratios=coupling_ratios,
        chifact=chifact,
    )
    records = checked_records("create_joint_inversion", progress, checkpoint, log)
    check_pairing("create_joint_inversion", problem, settings)
    return build(problem, settings, records)
