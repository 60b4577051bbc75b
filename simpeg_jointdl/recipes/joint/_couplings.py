"""Couplings of a joint inversion, also to models that stay fixed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from simpeg import maps
from simpeg.regularization import BaseSimilarityMeasure

from ..._core import validation as check
from ..._core.protocols import HasProperties, IsCluster
from .._couplings import listed_couplings, made_coupling


def make_couplings(
    who: str, couplings, mesh, active: np.ndarray, parts: Mapping, fixed_models
) -> list[list[BaseSimilarityMeasure]]:
    """Return the couplings of each entry of `couplings`, one for each pair of properties.

    A class or function is called as ``make(mesh, wire_map=maps, active_cells=cells)``. A sum over pairs of three
    properties adds values of different units, which no single weight can balance; so every pair gets a coupling and a
    weight of its own. Cluster couplings take all properties together.
    """
    couplings = listed_couplings(couplings)
    fixed = _checked_fixed_models(who, fixed_models, parts, int(active.sum()))
    if fixed and not couplings:
        msg = f"{who}.fixed_models: got {', '.join(fixed)}, but no coupling to tie them to; pass couplings=."
        raise ValueError(msg)
    made = []
    for coupling in couplings:
        if not isinstance(coupling, BaseSimilarityMeasure):
            made.append(_made(who, coupling, mesh, active, parts, fixed))
        elif not fixed:
            made.append([coupling])
        else:
            msg = (
                f"{who}.fixed_models: {type(coupling).__name__} came ready-made and cannot take them up; hand over "
                "the class (or a functools.partial of it), and the recipe makes it with their maps."
            )
            raise TypeError(msg)
    return made


def _made(who, make, mesh, active, parts, fixed) -> list[BaseSimilarityMeasure]:
    whole = made_coupling(who, make, mesh, **_maps_and_cells(who, active, parts, fixed))
    n_properties = len(parts) + len(fixed)
    of_all = isinstance(whole, HasProperties) and len(whole.properties.maps) == n_properties
    if n_properties == 2 or isinstance(whole, IsCluster) or not of_all:
        return [whole]
    pairs = [pair for pair in combinations([*parts, *fixed], 2) if not set(pair) <= set(fixed)]
    return [make(mesh, **_maps_and_cells(who, active, parts, fixed, pair)) for pair in pairs]


def _checked_fixed_models(who, fixed_models, parts, n_active) -> dict[str, np.ndarray]:
    if fixed_models is None:
        return {}
    check.instance(f"{who}.fixed_models", fixed_models, Mapping, "{name: (n_active,) values}")
    repeated = sorted(set(fixed_models) & set(parts))
    if repeated:
        msg = f"{who}.fixed_models: {', '.join(map(repr, repeated))} is inverted for; a fixed model needs another name."
        raise ValueError(msg)
    return {
        name: check.per_cell(f"{who}.fixed_models[{name!r}]", values, n_active, blanks=True)
        for name, values in fixed_models.items()
    }


def _maps_and_cells(who, active, parts, fixed, names=None) -> dict:
    """Maps to some properties on the cells where all of them are known, and these cells."""
    chosen = [part for name, part in parts.items() if names is None or name in names]
    models = {name: values for name, values in fixed.items() if names is None or name in names}
    if not models:
        return {"wire_map": chosen, "active_cells": active}
    known = np.all([np.isfinite(values) for values in models.values()], axis=0)
    if not known.any():
        msg = f"{who}.fixed_models: no active cell has a value in all of {', '.join(models)}; NaN means unknown."
        raise ValueError(msg)
    cells = active.copy()
    cells[active] = known
    pick = sp.identity(len(known), format="csr")[known]
    nothing = sp.csr_matrix((int(known.sum()), chosen[0].nP))
    constants = [maps.LinearMap(nothing, b=values[known]) for values in models.values()]
    return {"wire_map": [*(maps.LinearMap(pick) * one for one in chosen), *constants], "active_cells": cells}
