"""Search for cluster centres that the data themselves support, and for what they leave open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._core import validation as check
from ..._problem.simulations import checked_misfits
from ...kernels import density_peaks
from .._checks import checked_wires
from ._linear_data import LinearData, linear_data
from ._result import Candidate, CenterSearch
from ._shapes import SHARPNESS, Shapes, first_levels, fit_shapes, smoothing

_FREEDOM = 0.3
_RISE, _RISES, _NEARLY = 1.5, 3, 2.0
_SOFTER = (3.0, 5.0)
WHO = "find_centers"


def find_centers(
    mesh,
    misfits,
    wire_map,
    model,
    *,
    active_cells=None,
    n_units: Sequence[int] = (1, 2, 3),
    factors: Sequence[float] = (0.67, 0.82, 1.22, 1.5),
    chifact: float = 1.0,
    tolerance: float = 0.2,
    max_data: int | None = 250,
    max_iterations: int = 20,
    refine: bool = True,
) -> CenterSearch:
    r"""Find centres for :class:`~simpeg_jointdl.regularization.GuidedFuzzyCMeans` without a petrophysical table.

    A set of centres is *supported* if bodies with exactly these properties in a background of zero, whatever their
    shapes, explain the data. Shapes are level sets, changed by Gauss-Newton steps from the given model. Centres
    start at the density peaks of that model's cross-plot, where a cell counts by its volume, then move together with
    the shapes; the number of units is the least that explains the data. Then every unit's properties are multiplied by
    `factors`, all at once and one by one, and the shapes of all bodies fitted again. What is refused by the data bounds
    the interval of each property.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
    misfits : sequence of simpeg.data_misfit.BaseDataMisfit
        Of data that depend linearly on the properties: gravity, magnetics. With multipliers, if they have any: how
        much each counts in the fits, not in what counts as explained. A multiplier of zero leaves data out.
    wire_map : simpeg.maps.Wires
        One part per property, one parameter per active cell.
    model : (nP,) array_like
        A model that fits the data, from the separate inversions, say: shapes and centres start from it.
    active_cells : (n_cells,) array_like of bool, optional
        All if not given.
    n_units : sequence of int
        Numbers of units beside the background to try, the least first. It is a least number: a unit whose ratios lie
        between those of two others may be explained by a mixture of these.
    factors : sequence of float
        Factors, other than 1, on the properties of a unit.
    chifact : float
        Misfit per datum at which data count as explained. What noise may add to it by chance, three standard
        deviations of :math:`\chi`, is allowed on top.
    tolerance : float
        A property is determined if its interval reaches no farther than this part of it, either way.
    max_data : int or None
        Data of each misfit used, evenly spread; the search works with dense sensitivities of these. None: all data, by
        the products of their simulations, minutes where these are cheap (``engine="toeplitz"``).
    max_iterations : int
        Of each fit, per sharpness.
    refine : bool
        Profile the factors. Without it only centres and number are found, in a fraction of the time, and nothing
        counts as determined.

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
        all of multiplier zero, or no linear function of the properties; for factors and numbers of units that are not
        as wanted; and for a model whose cross-plot shows no unit.

    Notes
    -----
    Amplitude trades off against volume in potential fields: bodies of half the volume and twice the contrast give the
    same data within realistic noise. Data bound amplitudes from below, seldom from above. What joint data determine
    is the number of units and, since both data sets see one shape, the *ratio* of a unit's properties: expect
    ``ratios_determined``, seldom ``determined``. Amplitudes are then little more than those of the given model; where
    one property is known from elsewhere, `CenterSearch.with_known` gives the others.
    """
    check.discretize_mesh(f"{WHO}.mesh", mesh)
    active = check.active_cells(f"{WHO}.active_cells", mesh, active_cells)
    parts = checked_wires(WHO, wire_map, int(active.sum()))
    checked = checked_misfits(misfits, wire_map.nP, WHO)
    taking_part = [(multiplier, one) for multiplier, one in checked if multiplier]
    if not taking_part:
        msg = f"{WHO}.misfits: all multipliers are zero; wanted some data to take part."
        raise ValueError(msg)
    model = _checked_model(model, wire_map.nP)
    counts = _checked_counts(n_units)
    factors = _checked_factors(factors)
    maps = list(parts.values())
    multipliers, misfits = zip(*taking_part, strict=True)
    data = linear_data(misfits, maps, model, max_data, multipliers)
    properties = np.stack([np.asarray(one * model) for one in maps])
    smooth = smoothing(mesh.cell_centers[active], np.array([widths.min() for widths in mesh.h]))
    limits = chifact * (1.0 + 3.0 * np.sqrt(2.0 / np.array([len(d) for d in data.observed])))
    run = _Run(data, smooth, properties, float(chifact), limits, int(max_iterations))
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


class _Run:
    """One fit of shapes after the other on the same data."""

    def __init__(self, data: LinearData, smooth, properties, target, limits, max_iterations):
        self.data, self.smooth, self.properties = data, smooth, properties
        self.target, self.limits, self.max_iterations = target, limits, max_iterations

    def supported(self, fit: Shapes) -> bool:
        return bool((fit.chi <= self.limits).all())

    def excess(self, fit: Shapes) -> float:
        return float(np.max(fit.chi / self.limits))

    def fit(self, centers, starts, freedom=0.0, sharpness=SHARPNESS) -> Shapes:
        """Best fit from these starts; later ones are only tried where those before fail."""
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


def _best_number(run, properties, weights, counts):
    """Fit for each number of units; the least number that explains the data, else the one that does best."""
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
        msg = f"{WHO}.model: its cross-plot shows no unit beside the background. Give a model that fits the data."
        raise ValueError(msg)
    return min(fits, key=run.excess), tried


def _rising(run, centers) -> Shapes:
    """Fit with free properties; where that fails, from softer shapes, and with larger properties."""
    first = first_levels(run.properties, centers)
    best = run.fit(centers, [], freedom=_FREEDOM)
    if not run.supported(best):
        best = min(best, run.fit(centers, [], freedom=_FREEDOM, sharpness=_SOFTER), key=run.excess)
    for rise in range(1, _RISES + 1):
        if run.excess(best) <= _NEARLY:
            break  # what is missing, if anything, is shape
        found = run.fit(_RISE**rise * centers, [first, best.levels], freedom=_FREEDOM)
        if run.excess(found) >= run.excess(best):
            break
        best = found
    return best


def _profile(run, best: Shapes, factors) -> list[Candidate]:
    """Each unit's properties times each factor, together and one by one; from the middle outwards."""
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
                    if run.excess(found) > 3.0:
                        break  # farther out is worse
    return curve


def _checked_model(model, n_parameters) -> np.ndarray:
    model = np.array(model, dtype=float)
    if model.shape != (n_parameters,) or not np.isfinite(model).all():
        msg = f"{WHO}.model: got shape {model.shape}, wanted ({n_parameters},) finite numbers that fit the data."
        raise ValueError(msg)
    return model


def _checked_counts(n_units) -> list[int]:
    counts = sorted({int(one) for one in np.atleast_1d(n_units)})
    if not counts or counts[0] < 1:
        msg = f"{WHO}.n_units: got {n_units!r}, wanted whole numbers of at least 1; the background is not counted."
        raise ValueError(msg)
    return counts


def _checked_factors(factors) -> list[float]:
    values = np.array(factors, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all() or not ((values > 0) & (values != 1)).all():
        msg = f"{WHO}.factors: got {factors!r}, wanted positive numbers other than 1."
        raise ValueError(msg)
    if not ((values < 1).any() and (values > 1).any()):
        msg = f"{WHO}.factors: got {factors!r}, wanted some below and some above 1: an interval has two ends."
        raise ValueError(msg)
    return values.tolist()
