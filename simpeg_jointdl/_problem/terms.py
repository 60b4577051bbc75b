"""What joint directives ask of SimPEG's inverse problem, in one place and in any order of its terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from simpeg.regularization import BaseSimilarityMeasure


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


def has_structure(values: np.ndarray) -> bool:
    """Whether a property varies at all, beyond round-off."""
    return bool(np.ptp(values) > 1e-8 * np.max(np.abs(values), initial=0.0))
