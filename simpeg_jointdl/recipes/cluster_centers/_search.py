"""Search for cluster centres that the data themselves support, and for what they leave open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from discretize.base import BaseMesh
from numpy.typing import ArrayLike
from simpeg.data_misfit import BaseDataMisfit
from simpeg.maps import Wires
from simpeg.objective_function import ComboObjectiveFunction

from ..._core import validation as check
from ..._problem.simulations import checked_misfits
from ...kernels import density_peaks
from .._checks import checked_wires
from ._linear_data import LinearData, linear_data
from ._result import Candidate, CenterSearch
from ._shapes import SHARPNESS, Shapes, first_levels, fit_shapes, smoothing

FREEDOM = 0.3  # largest change of a property in one step, relative to the largest value of each
RISE, RISES = 1.5, 3  # factor on all properties, and how often it is tried, where bodies do not explain the data
NEARLY = 2.0  # misfit over its limit below which shapes are at fault, not the size of the properties
SOFTER = (3.0, 5.0)  # heights of the level sets of a second attempt
DEVIATIONS = 3.0  # standard deviations of the noise's misfit that are allowed on top of the target
HOPELESS = 3.0  # misfit over its limit beyond which factors farther out are not tried


def find_centers(
    mesh: BaseMesh,
    misfits: Sequence[BaseDataMisfit] | ComboObjectiveFunction | BaseDataMisfit,
    wire_map: Wires,
    model: ArrayLike,
    *,
    active_cells: ArrayLike | None = None,
    n_units: int | Sequence[int] = (1, 2, 3),
    factors: Sequence[float] = (0.67, 0.82, 1.22, 1.5),
    chifact: float = 1.0,
    tolerance: float = 0.2,
    max_data: int | None = 250,
    max_iterations: int = 20,
    refine: bool = True,
) -> CenterSearch:
    r"""Find centres for a cluster coupling from the data, without a petrophysical table.

    They are for :class:`~simpeg_jointdl.regularization.GuidedFuzzyCMeans`. A set of centres is *supported* if bodies
    with exactly these properties, in a background of zero, explain the data, whatever their shapes are. Shapes are
    level sets, which Gauss-Newton steps change from the given model. The centres start at the density peaks of that
    model's cross-plot, where a cell counts by its volume, and move together with the shapes. The number of units is the
    smallest that explains the data. Then the properties of every unit are multiplied by `factors`, all at once and one
    by one, and the shapes of all bodies are fitted again. Factors that the data do not support bound the interval of
    each property.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh of all properties.
    misfits : sequence of simpeg.data_misfit.BaseDataMisfit
        Misfits of data that depend linearly on the properties, such as gravity and magnetics, or their sum. Multipliers
        say how much each data set counts in the fits, not when it counts as explained; a multiplier of zero leaves a
        data set out.
    wire_map : simpeg.maps.Wires
        Parts of the model, one per property, with one parameter per active cell.
    model : (nP,) array_like
        Model that fits the data, such as that of separate inversions. Shapes and centres start from it.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; all cells if not given.
    n_units : int or sequence of int
        Numbers of units beside the background to try, the smallest first. What is found is the smallest number: a unit
        whose ratios lie between those of two others may be explained by a mixture of these.
    factors : sequence of float
        Factors on the properties of a unit, some below and some above 1.
    chifact : float
        Misfit per datum at which data count as explained. Three standard deviations of what noise alone makes of the
        misfit are allowed on top.
    tolerance : float
        Largest distance, relative to a property, between it and the ends of its interval at which it counts as
        determined.
    max_data : int or None
        Number of data of each misfit that are used, evenly spread, with their sensitivities stored. With None all data
        are used, by the products of their simulations, which takes minutes where these are fast
        (``engine="toeplitz"``).
    max_iterations : int
        Largest number of iterations of each fit, for each sharpness of the shapes.
    refine : bool
        Whether the factors are tried. Without them only the centres and their number are found, in a fraction of the
        time, and nothing counts as determined.

    Returns
    -------
    CenterSearch
        ``.centers`` for the coupling, ``.determined``, ``.intervals``, ``.summary()``, ``.curve``.

    Raises
    ------
    TypeError
        If the mesh, the data misfits or the wires are none.
    ValueError
        For cells, wires, simulations and a model that do not fit together, data that are not finite or without noise,
        all of multiplier zero, or no linear function of the properties; for factors and numbers of units out of range;
        and for a model whose cross-plot shows no unit.

    Notes
    -----
    In potential fields amplitude trades off against volume: bodies of half the volume and twice the contrast give the
    same data within realistic noise. Data bound amplitudes from below, seldom from above. Joint data determine the
    number of units and, since both data sets depend on the same shape, the *ratio* of a unit's properties: expect
    ``ratios_determined``, seldom ``determined``. Amplitudes are then little more than those of the given model. Where
    one property is known from elsewhere, `CenterSearch.with_known` gives the others.
    """
    check.discretize_mesh("find_centers.mesh", mesh)
    active = check.active_cells("find_centers.active_cells", mesh, active_cells)
    parts = checked_wires("find_centers", wire_map, int(active.sum()))
    checked = checked_misfits(misfits, wire_map.nP, "find_centers")
    taking_part = [(multiplier, one) for multiplier, one in checked if multiplier]
    if not taking_part:
        msg = "find_centers.misfits: all multipliers are zero; wanted some data to take part."
        raise ValueError(msg)
    model = np.array(check.finite_array("find_centers.model", model, (wire_map.nP,)))
    counts = _checked_counts(n_units)
    check.positive("find_centers.chifact", chifact)
    check.positive("find_centers.tolerance", tolerance)
    check.whole("find_centers.max_iterations", max_iterations)
    if max_data is not None:
        check.whole("find_centers.max_data", max_data)
    factors = _checked_factors(factors)
    maps = list(parts.values())
    multipliers, misfits = zip(*taking_part, strict=True)
    data = linear_data(misfits, maps, model, max_data, multipliers)
    properties = np.stack([np.asarray(one * model) for one in maps])
    smooth = smoothing(mesh.cell_centers[active], np.array([widths.min() for widths in mesh.h]))
    limits = chifact * (1.0 + DEVIATIONS * np.sqrt(2.0 / np.array([len(d) for d in data.observed])))
    run = _Fits(data, smooth, properties, float(chifact), limits, max_iterations)
    best, tried = _best_number(run, properties, mesh.cell_volumes[active], counts)
    curve = _profile(run, best, factors) if refine else []
    return CenterSearch(
        names=tuple(parts),
        units=best.centers,
        tried=tried,
        curve=curve,
        chi=best.chi,
        limits=limits,
        tolerance=float(tolerance),
        explained=bool((best.chi <= limits).all()),
        memberships=best.memberships.T,
    )


class _Fits:
    """Fits of shapes to the same data, from the same model."""

    def __init__(self, data: LinearData, smooth, properties, target, limits, max_iterations):
        self.data, self.smooth, self.properties = data, smooth, properties
        self.target, self.limits, self.max_iterations = target, limits, max_iterations

    def supported(self, fit: Shapes) -> bool:
        """Whether all data are explained."""
        return bool((fit.chi <= self.limits).all())

    def excess(self, fit: Shapes) -> float:
        """Largest misfit relative to its limit."""
        return float(np.max(fit.chi / self.limits))

    def fit(self, centers, starts, freedom=0.0, sharpness=SHARPNESS) -> Shapes:
        """Return the best fit from some starting shapes, tried in turn until one explains the data."""
        best = None
        for levels in [*starts, first_levels(self.properties, centers)]:
            found = fit_shapes(
                self.data,
                self.smooth,
                centers,
                levels,
                target=self.target,
                freedom=freedom,
                max_iterations=self.max_iterations,
                sharpness=sharpness,
            )
            if best is None or self.excess(found) < self.excess(best):
                best = found
            if self.supported(best):
                break
        return best


def _best_number(run: _Fits, properties: np.ndarray, weights: np.ndarray, counts: list[int]) -> tuple[Shapes, dict]:
    """Return the fit of the smallest number of units that explains the data, and all misfits."""
    tried, fits = {}, []
    for count in counts:
        centers = density_peaks(properties, weights, count)
        if len(centers) < count:
            break
        fits.append(_rising(run, centers))
        tried[count] = fits[-1].chi
        if run.supported(fits[-1]):
            return fits[-1], tried
    if not fits:
        msg = (
            "find_centers.model: its cross-plot shows no unit beside the background, wanted a model that fits the data."
        )
        raise ValueError(msg)
    return min(fits, key=run.excess), tried


def _rising(run: _Fits, centers: np.ndarray) -> Shapes:
    """Fit shapes and properties, also from softer shapes and larger properties if needed."""
    first = first_levels(run.properties, centers)
    best = run.fit(centers, [], freedom=FREEDOM)
    if not run.supported(best):
        best = min(best, run.fit(centers, [], freedom=FREEDOM, sharpness=SOFTER), key=run.excess)
    for rise in range(1, RISES + 1):
        if run.excess(best) <= NEARLY:
            break  # if anything is missing it is shape, which larger properties would not give
        found = run.fit(RISE**rise * centers, [first, best.levels], freedom=FREEDOM)
        if run.excess(found) >= run.excess(best):
            break
        best = found
    return best


def _profile(run: _Fits, best: Shapes, factors: list[float]) -> list[Candidate]:
    """Fit shapes with the properties of each unit times each factor, from 1 outwards."""
    n_units, n_properties = best.centers.shape
    groups = [(None, slice(None)), *((p, p) for p in range(n_properties))]
    curve = []
    for unit in range(n_units):
        for which, columns in groups:
            curve.append(Candidate(unit, which, 1.0, best.centers, best.chi, run.supported(best)))
            for side in (sorted(f for f in factors if f > 1.0), sorted((f for f in factors if f < 1.0), reverse=True)):
                levels = best.levels
                for factor in side:
                    centers = best.centers.copy()
                    centers[unit, columns] *= factor
                    found = run.fit(centers, [levels])
                    curve.append(Candidate(unit, which, factor, centers, found.chi, run.supported(found)))
                    levels = found.levels
                    if run.excess(found) > HOPELESS:
                        break  # factors farther out fit worse
    return curve


def _checked_counts(n_units) -> list[int]:
    """Numbers of units, each at least 1, in increasing order."""
    counts = [n_units] if np.ndim(n_units) == 0 else list(n_units)
    mend = "The background is not counted."
    checked = sorted({check.whole("find_centers.n_units", one, mend=mend) for one in counts})
    if not checked:
        msg = f"find_centers.n_units: got {n_units!r}, wanted one or more whole numbers of at least 1. {mend}"
        raise ValueError(msg)
    return checked


def _checked_factors(factors) -> list[float]:
    """Factors above 0 and other than 1, on both sides of 1."""
    values = check.finite_array("find_centers.factors", factors, (None,), above=0.0)
    if (values == 1.0).any() or not ((values < 1).any() and (values > 1).any()):
        msg = f"find_centers.factors: got {factors!r}, wanted some below and some above 1: an interval has two ends."
        raise ValueError(msg)
    return values.tolist()
