"""Stiffness of couplings relative to the regularization, and the sensitivity weights of couplings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from simpeg.maps import IdentityMap
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure

from ..._core.protocols import HasProperties, HasStrengths
from ..._problem.spectra import spectral_norm
from ..._problem.terms import (
    at_cells_of,
    has_structure,
    map_support,
    parameters_of_cells,
    property_maps,
    smoothness_terms,
    structured_cells,
)
from ..._tensor_path import Crossing, hessian_product


def stiffness_ratio(
    coupling: BaseSimilarityMeasure, reg: ComboObjectiveFunction, model: np.ndarray, rng: np.random.Generator
) -> float:
    """Return the multiplier at which a coupling is as stiff as the regularization; 0 without structure to compare.

    A coupling with strengths gets those at which it is as stiff in each property.

    Parameters
    ----------
    coupling : simpeg.regularization.BaseSimilarityMeasure
        Coupling among the terms of `reg`.
    reg : simpeg.objective_function.ComboObjectiveFunction
        Sum of all terms.
    model : (nP,) numpy.ndarray
        Model at which both are compared.
    rng : numpy.random.Generator
        Generator of the power iteration.
    """
    maps = property_maps(coupling)
    if sum(has_structure(one * model) for one in maps) < 2:
        return 0.0
    cells = structured_cells(maps, model)
    regularization, ratios = _regularization_product(reg, model), []
    for one in maps:
        block = parameters_of_cells(one, model, cells)
        stiffness = spectral_norm(lambda v: coupling.deriv2(model, v), block, rng)
        if stiffness > 0.0:
            ratios.append(spectral_norm(regularization, block, rng) / stiffness)
    if not ratios or min(ratios) <= 0.0:
        return 0.0
    mean = float(np.exp(np.mean(np.log(ratios))))
    if isinstance(coupling, HasStrengths) and len(ratios) == len(coupling.strengths):
        coupling.strengths = coupling.strengths * np.array(ratios) / mean
        coupling.hold_memberships(model)
    return mean


def _regularization_product(reg: ComboObjectiveFunction, model: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Product with the Hessian of all terms but couplings, multipliers included; prepared once for all vectors."""
    crossing, parts = Crossing("cpu"), []
    for i in smoothness_terms(reg):
        multiplier, term = reg[i]
        if multiplier:
            parts.append((float(multiplier), hessian_product(term, model, crossing)))

    def product(v):
        sent = crossing.send(v)
        return sum((c * crossing.fetch(part(sent)) for c, part in parts), np.zeros(model.size))

    return product


def give_sensitivities(coupling: BaseSimilarityMeasure, reg: ComboObjectiveFunction, model: np.ndarray) -> None:
    """Give a coupling the sensitivity weights of its properties, as weights named "sensitivity"."""
    if not isinstance(coupling, HasProperties):
        return  # SimPEG's own couplings take no weights for each property
    columns = [_sensitivity_of(one, reg, model) for one in property_maps(coupling)]
    if all(column is None for column in columns):
        return
    ones = np.ones(coupling.n_cells)
    weights = np.stack([ones if column is None else column / column.max() for column in columns], axis=1)
    known = coupling.get_weights("sensitivity") if "sensitivity" in coupling.weights_keys else None
    if known is None or not np.array_equal(known, weights):
        coupling.set_weights(sensitivity=weights)


def _sensitivity_of(mapping: IdentityMap, reg: ComboObjectiveFunction, model: np.ndarray) -> np.ndarray | None:
    """Sensitivity weights of the term that regularizes the same parameters as a property, (n_cells,)."""
    own = map_support(mapping, model)
    for i in smoothness_terms(reg):
        term = reg.objfcts[i]
        if not np.any(own & map_support(term.mapping, model)):
            continue
        for part in getattr(term, "objfcts", [term]):
            if "sensitivity" in part.weights_keys:
                values = part.get_weights("sensitivity")
                if values.max() > 0:
                    return at_cells_of(mapping, term.mapping, values, model)
    return None
