"""Couplings of a recipe: as handed in, or made with the recipe's maps, third models that stand fixed among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import scipy.sparse as sp
from simpeg import maps
from simpeg.objective_function import BaseObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure

from ._checks import WHO, per_cell


def make_couplings(couplings, mesh, active, parts: Mapping, fixed_models) -> list[BaseSimilarityMeasure]:
    """Every coupling as an instance; a class or function is called as ``make(mesh, maps, active_cells=...)``."""
    if couplings is None:
        couplings = ()
    elif isinstance(couplings, str) or callable(couplings) or not isinstance(couplings, Iterable):
        couplings = (couplings,)
    couplings = list(couplings)
    if fixed_models is not None and not isinstance(fixed_models, Mapping):
        msg = f"{WHO}.fixed_models: got {type(fixed_models).__name__}, wanted {{name: (n_active,) values}}."
        raise TypeError(msg)
    if fixed_models and not couplings:
        msg = f"{WHO}.fixed_models: got {', '.join(fixed_models)}, but no coupling to tie them to; pass couplings=."
        raise ValueError(msg)
    made = []
    for coupling in couplings:
        if not isinstance(coupling, BaseSimilarityMeasure):
            # SimPEG's objective functions are callable, but make nothing
            if not callable(coupling) or isinstance(coupling, BaseObjectiveFunction):
                raise TypeError(_not_a_coupling(coupling))
            coupling = coupling(mesh, **_maps_and_cells(active, parts, fixed_models))
            if not isinstance(coupling, BaseSimilarityMeasure):
                raise TypeError(_not_a_coupling(coupling))
        elif fixed_models:
            msg = (
                f"{WHO}.fixed_models: {type(coupling).__name__} came ready-made and cannot take them up; hand over the "
                "class (or a functools.partial of it), and the recipe makes it with their maps."
            )
            raise TypeError(msg)
        made.append(coupling)
    return made


def _not_a_coupling(coupling) -> str:
    return (
        f"{WHO}.couplings: got {type(coupling).__name__}, wanted a coupling, or what makes one: a class "
        "such as regularization.CrossGradient, or functools.partial(regularization.Gramian, window=...). "
        "Strengths go into ratios."
    )


def _maps_and_cells(active, parts, fixed_models) -> dict:
    """Maps to all coupled properties on the cells where all of them are known, and those cells."""
    if not fixed_models:
        return {"wire_map": list(parts.values()), "active_cells": active}
    n_active, n_parameters = int(active.sum()), next(iter(parts.values())).nP
    fixed = {
        name: per_cell(f"fixed_models[{name!r}]", values, n_active, blanks=True)
        for name, values in fixed_models.items()
    }
    repeated = sorted(set(fixed) & set(parts))
    if repeated:
        msg = f"{WHO}.fixed_models: {', '.join(map(repr, repeated))} is inverted for; a fixed model needs another name."
        raise ValueError(msg)
    known = np.all([np.isfinite(values) for values in fixed.values()], axis=0)
    if not known.any():
        msg = f"{WHO}.fixed_models: no active cell has a value in all of {', '.join(fixed)}; NaN means unknown."
        raise ValueError(msg)
    cells = active.copy()
    cells[active] = known
    pick = sp.identity(n_active, format="csr")[known]
    chosen = [maps.LinearMap(pick) * one for one in parts.values()]
    nothing = sp.csr_matrix((int(known.sum()), n_parameters))
    constants = [maps.LinearMap(nothing, b=values[known]) for values in fixed.values()]
    return {"wire_map": [*chosen, *constants], "active_cells": cells}
