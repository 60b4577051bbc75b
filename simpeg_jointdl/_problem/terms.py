"""Terms of a regularization, in any order: which are couplings, and which parameters each depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from simpeg.maps import IdentityMap
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure

from .._core.protocols import HasProperties


def couplings(reg: ComboObjectiveFunction) -> list[int]:
    """Return the positions of the couplings among the terms of a regularization."""
    return [i for i, term in enumerate(reg.objfcts) if isinstance(term, BaseSimilarityMeasure)]


def smoothness_terms(reg: ComboObjectiveFunction) -> list[int]:
    """Return the positions of all terms that are not couplings."""
    return [i for i, term in enumerate(reg.objfcts) if not isinstance(term, BaseSimilarityMeasure)]


def group_terms(
    reg: ComboObjectiveFunction, places: Sequence[int], model: np.ndarray
) -> tuple[list[list[int]], list[np.ndarray]]:
    """Group terms that share parameters; return the positions in each group and its parameters, (nP,) of bool."""
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


def property_maps(coupling: BaseSimilarityMeasure) -> tuple[IdentityMap, ...]:
    """Return the maps from the model to the properties of a coupling, one of this package or of SimPEG."""
    if isinstance(coupling, HasProperties):
        return coupling.properties.maps
    return tuple(one for _, one in coupling.wire_map.maps)


def map_support(mapping: IdentityMap, model: np.ndarray) -> np.ndarray:
    """Find the model parameters that a map depends on, (nP,) of bool; all of them if only products are known."""
    derivative = _sparse_derivative(mapping, model)
    if derivative is None:
        return np.ones(model.size, dtype=bool)
    mask = np.zeros(model.size, dtype=bool)
    entries = derivative.tocoo()
    mask[entries.col[entries.data != 0]] = True
    return mask


def _sparse_derivative(mapping: IdentityMap, model: np.ndarray) -> sp.spmatrix | None:
    """Return the derivative of a map as a sparse matrix, None if only its products are known."""
    derivative = mapping.deriv(model)
    if isinstance(derivative, np.ndarray):
        derivative = sp.csr_matrix(derivative)
    return derivative if sp.issparse(derivative) else None


def structured_cells(maps: Sequence[IdentityMap], model: np.ndarray) -> np.ndarray:
    """Find cells where a property differs from its median by over a tenth of the largest difference, (n_cells,)."""
    structured = []
    for one in maps:
        values = one * model
        difference = np.abs(values - np.median(values))
        structured.append(difference > 0.1 * difference.max())
    return np.any(structured, axis=0)


def parameters_of_cells(mapping: IdentityMap, model: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Find the model parameters that a property in these cells depends on, (nP,) of bool."""
    derivative = _sparse_derivative(mapping, model)
    if derivative is None:
        return map_support(mapping, model)
    return abs(derivative).T @ cells.astype(float) > 0


def at_cells_of(mapping: IdentityMap, other: IdentityMap, values: np.ndarray, model: np.ndarray) -> np.ndarray | None:
    """Move values (n_other,) from the cells of another map to the cells of `mapping` with the same parameters.

    A cell without such a counterpart gets 1. The result is None where the parameters of cells are not known.
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
    """Whether a property varies by more than round-off."""
    return bool(np.ptp(values) > 1e-8 * np.max(np.abs(values), initial=0.0))
