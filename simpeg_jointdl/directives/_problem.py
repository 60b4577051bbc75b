"""What joint directives ask of SimPEG's inverse problem, in one place and in any order of its terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from simpeg.regularization import BaseSimilarityMeasure, WeightedLeastSquares

from .. import _misfits

POWER_ITERATIONS = 8


class JointTerms:
    """Mixin of our directives: the misfits and terms of the inversion that a directive serves now.

    SimPEG's directives keep those of the first inversion they served, and wrap a lone regularization in a sum
    of their own, whose multipliers the objective function never sees.
    """

    @property
    def dmisfit(self):
        """Sum of the data misfits."""
        return self.invProb.dmisfit

    @dmisfit.setter
    def dmisfit(self, value):
        _refuse_own(self, "dmisfit", value)

    @property
    def reg(self):
        """Sum of the regularization terms, couplings among them."""
        problem = self.invProb
        if isinstance(problem.reg, WeightedLeastSquares):
            problem.reg = 1.0 * problem.reg
        nested = [type(term).__name__ for term in problem.reg.objfcts if not hasattr(term, "regularization_mesh")]
        if nested:
            msg = (
                f"{type(self).__name__}: the regularization holds {', '.join(nested)}, a sum within the sum; "
                "wanted its terms one by one, as term_1 + 2.0 * term_2 + coupling gives them."
            )
            raise TypeError(msg)
        return problem.reg

    @reg.setter
    def reg(self, value):
        _refuse_own(self, "reg", value)


def _refuse_own(directive, name, value):
    if value is not None:
        msg = f"{type(directive).__name__}: takes no {name}; it serves the inversion whose list it stands in."
        raise TypeError(msg)


def check_data(dmisfit):
    """Raise ValueError where data or uncertainties are not finite, naming the misfit."""
    for i, misfit in enumerate(dmisfit.objfcts):
        data = getattr(misfit, "data", None)
        if data is None:
            continue
        # one after the other: SimPEG makes the uncertainties from the data
        for what, get in (("data", lambda d: d.dobs), ("uncertainties", lambda d: d.standard_deviation)):
            if not np.isfinite(get(data)).all():
                msg = f"data misfit {i} ({type(misfit.simulation).__module__}): NaN or infinite {what}; take them out."
                raise ValueError(msg)


def couplings(reg) -> list[int]:
    """Places of the couplings among the terms of a regularization."""
    return [i for i, term in enumerate(reg.objfcts) if isinstance(term, BaseSimilarityMeasure)]


def smoothness_terms(reg) -> list[int]:
    """Places of all terms that are not couplings."""
    return [i for i, term in enumerate(reg.objfcts) if not isinstance(term, BaseSimilarityMeasure)]


def group_terms(reg, places, model: np.ndarray) -> tuple[list[list[int]], list[np.ndarray]]:
    """Terms (of these places) that share parameters, and the parameters each such group shares, (nP,) of bool."""
    groups: list[list[int]] = []
    supports: list[np.ndarray] = []
    for place in places:
        group, support = [place], map_support(reg.objfcts[place].mapping, model)
        for k in reversed(range(len(groups))):
            if np.any(supports[k] & support):
                group, support = groups.pop(k) + group, supports.pop(k) | support
        groups.append(group)
        supports.append(support)
    return groups, supports


def property_maps(coupling) -> tuple:
    """The maps to the properties of a coupling, ours or SimPEG's."""
    if hasattr(coupling, "properties"):
        return coupling.properties.maps
    return tuple(one for _, one in coupling.wire_map.maps)


def map_support(mapping, model: np.ndarray) -> np.ndarray:
    """Model parameters that a map depends on, (nP,) of bool; all of them where only products are known."""
    derivative = _sparse_derivative(mapping, model)
    if derivative is None:
        return np.ones(model.size, dtype=bool)
    mask = np.zeros(model.size, dtype=bool)
    entries = derivative.tocoo()
    mask[entries.col[entries.data != 0]] = True
    return mask


def _sparse_derivative(mapping, model: np.ndarray):
    """Derivative of a map as a sparse matrix, None where only its products are known."""
    derivative = mapping.deriv(model)
    if isinstance(derivative, np.ndarray):
        derivative = sp.csr_matrix(derivative)
    return derivative if sp.issparse(derivative) else None


def structured_cells(maps: Sequence, model: np.ndarray) -> np.ndarray:
    """Cells where any property stands out from its median by a tenth of its largest excursion, of bool."""
    stands_out = []
    for one in maps:
        values = one * model
        excursion = np.abs(values - np.median(values))
        stands_out.append(excursion > 0.1 * excursion.max())
    return np.any(stands_out, axis=0)


def parameters_of_cells(mapping, model: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Model parameters that move a property in these cells, (nP,) of bool."""
    derivative = _sparse_derivative(mapping, model)
    if derivative is None:
        return map_support(mapping, model)
    return abs(derivative).T @ cells.astype(float) > 0


def at_cells_of(mapping, other, values: np.ndarray, model: np.ndarray) -> np.ndarray | None:
    """Values on the cells of another map, (n_other,), on those of `mapping`: where both depend on the same parameters.

    A cell without such a partner takes 1; None where the parameters of cells are not known.
    """
    n_cells = mapping.shape[0]
    if values.shape == (n_cells,):
        return values
    here, there = _sparse_derivative(mapping, model), _sparse_derivative(other, model)
    if here is None or there is None or values.shape != (there.shape[0],):
        return None
    shared = abs(here) @ abs(there).T
    total = np.asarray(shared.sum(axis=1)).ravel()
    return np.where(total > 0.0, (shared @ values) / np.where(total > 0.0, total, 1.0), 1.0)


def misfit_support(misfit, model: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Model parameters that a data misfit depends on, (nP,) of bool."""
    simulation = misfit.simulation
    return simulation.Jtvec(model, rng.standard_normal(simulation.survey.nD)) != 0


def spectral_norm(product: Callable[[np.ndarray], np.ndarray], support: np.ndarray, rng: np.random.Generator) -> float:
    """Estimate of the largest eigenvalue of a symmetric block, by seeded power iteration.

    Parameters
    ----------
    product : callable
        Product of the whole matrix with a vector.
    support : (nP,) numpy.ndarray of bool
        Rows and columns of the block.
    rng : numpy.random.Generator

    Returns
    -------
    float
        A Rayleigh quotient, so at most the largest eigenvalue; 0 for a block of zeros.
    """
    x = rng.standard_normal(support.size) * support
    value = 0.0
    for _ in range(POWER_ITERATIONS):
        norm = np.linalg.norm(x)
        if norm == 0.0:
            return 0.0
        x /= norm
        image = product(x) * support
        value = float(x @ image)
        x = image
    return value


def has_structure(values: np.ndarray) -> bool:
    """Whether a property varies at all, beyond round-off."""
    return bool(np.ptp(values) > 1e-8 * np.max(np.abs(values), initial=0.0))


def chi_factors(directive) -> np.ndarray:
    """χ of every data misfit at the current model, (n_misfits,), without a new forward run."""
    return _misfits.chi_factors(directive.dmisfit, directive.invProb.dpred)


def per_item(value, n: int, name: str, what: str) -> np.ndarray:
    """One positive number for each of `n` items, from one number or a sequence of them."""
    values = np.array(value, dtype=float)
    if values.shape not in ((), (n,)) or not np.isfinite(values).all() or (values <= 0).any():
        msg = f"{name}: got {value!r}, wanted a positive number, or {n} of them, one per {what}."
        raise ValueError(msg)
    return np.broadcast_to(values, (n,)).copy()


def check_order(directive, directives: Sequence, *, after: tuple[type, ...] = (), before: tuple[type, ...] = ()):
    """Raise ValueError if a directive stands on the wrong side of another."""
    own = directives.index(directive)
    for place, other in enumerate(directives):
        if other is directive:
            continue
        late = isinstance(other, before) and place < own
        early = isinstance(other, after) and place > own
        if late or early:
            msg = (
                f"{type(directive).__name__} must stand {'before' if late else 'after'} {type(other).__name__} "
                "in the list of directives."
            )
            raise ValueError(msg)
