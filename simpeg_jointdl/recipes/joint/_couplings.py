"""Couplings of a recipe: as handed in, or made with the recipe's maps, third models that stand fixed among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from simpeg import maps
from simpeg.objective_function import BaseObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure

from .._checks import WHO, per_cell


def make_couplings(couplings, mesh, active, parts: Mapping, fixed_models) -> list[list[BaseSimilarityMeasure]]:
    """Instances of every coupling, several where one acts on more than two properties.

    A class or function is called as ``make(mesh, wire_map=maps, active_cells=cells)``. The sum over pairs of three
    properties adds what has different units, and one weight cannot make up for it; so every pair has its own coupling,
    and its own weight. Clusters are of all properties together.
    """
    if couplings is None:
        couplings = ()
    elif isinstance(couplings, str) or callable(couplings) or not isinstance(couplings, Iterable):
        couplings = (couplings,)
    couplings = list(couplings)
    fixed = _checked_fixed_models(fixed_models, parts, int(active.sum()))
    if fixed and not couplings:
        msg = f"{WHO}.fixed_models: got {', '.join(fixed)}, but no coupling to tie them to; pass couplings=."
        raise ValueError(msg)
    made = []
    for coupling in couplings:
        if isinstance(coupling, BaseSimilarityMeasure):
            if fixed:
                msg = (
                    f"{WHO}.fixed_models: {type(coupling).__name__} came ready-made and cannot take them up; hand over "
                    "the class (or a functools.partial of it), and the recipe makes it with their maps."
                )
                raise TypeError(msg)
            made.append([coupling])
            continue
        # SimPEG's objective functions are callable, but make nothing
        if not callable(coupling) or isinstance(coupling, BaseObjectiveFunction):
            raise TypeError(_not_a_coupling(coupling))
        made.append(_made(coupling, mesh, active, parts, fixed))
    return made


def _made(make, mesh, active, parts, fixed) -> list[BaseSimilarityMeasure]:
    whole = make(mesh, **_maps_and_cells(active, parts, fixed))
    if not isinstance(whole, BaseSimilarityMeasure):
        raise TypeError(_not_a_coupling(whole))
    n_properties = len(parts) + len(fixed)
    of_all = len(getattr(getattr(whole, "properties", None), "maps", ())) == n_properties
    if n_properties == 2 or hasattr(whole, "memberships") or not of_all:
        return [whole]
    pairs = [pair for pair in combinations([*parts, *fixed], 2) if not set(pair) <= set(fixed)]
    return [make(mesh, **_maps_and_cells(active, parts, fixed, pair)) for pair in pairs]


def _checked_fixed_models(fixed_models, parts, n_active) -> dict[str, np.ndarray]:
    if fixed_models is None:
        return {}
    if not isinstance(fixed_models, Mapping):
        msg = f"{WHO}.fixed_models: got {type(fixed_models).__name__}, wanted {{name: (n_active,) values}}."
        raise TypeError(msg)
    repeated = sorted(set(fixed_models) & set(parts))
    if repeated:
        msg = f"{WHO}.fixed_models: {', '.join(map(repr, repeated))} is inverted for; a fixed model needs another name."
        raise ValueError(msg)
    return {
        name: per_cell(f"fixed_models[{name!r}]", values, n_active, blanks=True)
        for name, values in fixed_models.items()
    }


def _not_a_coupling(coupling) -> str:
    return (
        f"{WHO}.couplings: got {type(coupling).__name__}, wanted a coupling, or what makes one: a class "
        "such as regularization.CrossGradient, or functools.partial(regularization.Gramian, window=...). "
        "Strengths go into ratios."
    )


def _maps_and_cells(active, parts, fixed, names=None) -> dict:
    """Maps to these properties (all if not given) on the cells where all of them are known, and those cells."""
    chosen = [part for name, part in parts.items() if names is None or name in names]
    models = {name: values for name, values in fixed.items() if names is None or name in names}
    if not models:
        return {"wire_map": chosen, "active_cells": active}
    known = np.all([np.isfinite(values) for values in models.values()], axis=0)
    if not known.any():
        msg = f"{WHO}.fixed_models: no active cell has a value in all of {', '.join(models)}; NaN means unknown."
        raise ValueError(msg)
    cells = active.copy()
    cells[active] = known
    pick = sp.identity(len(known), format="csr")[known]
    nothing = sp.csr_matrix((int(known.sum()), chosen[0].nP))
    constants = [maps.LinearMap(nothing, b=values[known]) for values in models.values()]
    return {"wire_map": [*(maps.LinearMap(pick) * one for one in chosen), *constants], "active_cells": cells}
