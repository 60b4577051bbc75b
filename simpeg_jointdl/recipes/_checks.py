"""Validation of what a recipe is given, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from simpeg import maps

WHO = "create_joint_inversion"


def checked_active(mesh, active_cells, who: str = WHO) -> np.ndarray:
    """(n_cells,) of bool, all cells if None."""
    if not hasattr(mesh, "cell_volumes"):
        msg = f"{who}.mesh: got {type(mesh).__name__}, wanted a discretize.TensorMesh or discretize.TreeMesh."
        raise TypeError(msg)
    active = np.ones(mesh.n_cells, dtype=bool) if active_cells is None else np.array(active_cells)
    if active.dtype != bool or active.shape != (mesh.n_cells,) or not active.any():
        msg = (
            f"{who}.active_cells: got {active.dtype} of shape {active.shape} with {int(active.sum())} cells, wanted "
            f"bool of shape ({mesh.n_cells},) with at least one True."
        )
        raise ValueError(msg)
    return active


def checked_wires(wire_map, n_active: int, who: str = WHO) -> dict[str, maps.Projection]:
    """Name and map of every property; each has one parameter per active cell."""
    if not isinstance(wire_map, maps.Wires):
        msg = (
            f"{who}.wire_map: got {type(wire_map).__name__}, wanted simpeg.maps.Wires, one part per property: "
            f'Wires(("density", {n_active}), ("susceptibility", {n_active})).'
        )
        raise TypeError(msg)
    parts = dict(wire_map.maps)
    wrong = {name: part.shape[0] for name, part in parts.items() if part.shape[0] != n_active}
    if wrong:
        msg = f"{who}.wire_map: got parts {wrong}, wanted {n_active} parameters in each, one per active cell."
        raise ValueError(msg)
    return parts


def check_names(argument: str, given: Mapping, known: Sequence[str]):
    """Every key of a mapping is a property."""
    if not isinstance(given, Mapping):
        msg = f"{WHO}.{argument}: got {type(given).__name__}, wanted {{property: value}} with {', '.join(known)}."
        raise TypeError(msg)
    unknown = sorted(set(given) - set(known))
    if unknown:
        msg = f"{WHO}.{argument}: got {', '.join(map(repr, unknown))}, wanted only {', '.join(known)}."
        raise ValueError(msg)


def per_cell(argument: str, value, n_active: int, *, infinite: bool = False, blanks: bool = False) -> np.ndarray:
    """(n_active,) float array from a number or an array."""
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        msg = f"{WHO}.{argument}: got {type(value).__name__}, wanted a number or ({n_active},) of them."
        raise TypeError(msg) from error
    if array.shape not in ((), (n_active,)):
        msg = f"{WHO}.{argument}: got shape {array.shape}, wanted a number or ({n_active},), one per active cell."
        raise ValueError(msg)
    bad = np.isnan(array) & (not blanks) | np.isinf(array) & (not infinite)
    if bad.any():
        msg = f"{WHO}.{argument}: {int(bad.sum())} entries are NaN{'' if infinite else ' or infinite'}; fill them."
        raise ValueError(msg)
    return np.broadcast_to(array, (n_active,)).copy()


def checked_bounds(bounds, names, n_active) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound of the whole model."""
    bounds = {} if bounds is None else bounds
    check_names("bounds", bounds, names)
    lower, upper = [], []
    for name in names:
        pair = bounds.get(name, (-np.inf, np.inf))
        if not hasattr(pair, "__len__") or len(pair) != 2:
            msg = f"{WHO}.bounds[{name!r}]: got {pair!r:.60}, wanted (lower, upper); infinite where there is none."
            raise ValueError(msg)
        low, high = (per_cell(f"bounds[{name!r}]", one, n_active, infinite=True) for one in pair)
        crossed = low >= high
        if crossed.any():
            i = int(np.flatnonzero(crossed)[0])
            msg = (
                f"{WHO}.bounds[{name!r}]: the lower bound is not below the upper one in {int(crossed.sum())} cells "
                f"({low[i]:g} and {high[i]:g} in cell {i}). Swap or widen them."
            )
            raise ValueError(msg)
        lower.append(low)
        upper.append(high)
    return np.concatenate(lower), np.concatenate(upper)


def checked_norms(norms, names, dim: int) -> dict[str, list[float] | None]:
    """Norms of every property, None where smooth."""
    given = dict.fromkeys(names, norms)
    if isinstance(norms, Mapping):
        check_names("norms", norms, names)
        given = {name: norms.get(name) for name in names}
    return {name: None if some is None else _norms(some, dim) for name, some in given.items()}


def _norms(norms, dim) -> list[float] | None:
    try:
        values = np.array(norms, dtype=float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape != (dim + 1,) or not ((values >= 0.0) & (values <= 2.0)).all():
        msg = f"{WHO}.norms: got {norms!r:.60}, wanted {dim + 1} numbers from 0 to 2: smallness and one per axis."
        raise ValueError(msg)
    return None if (values == 2.0).all() else values.tolist()


def check_positive(argument: str, value, n: int, what: str):
    """A positive number, or one for each of `n`."""
    try:
        values = np.array(value, dtype=float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape not in ((), (n,)) or not np.isfinite(values).all() or (values <= 0).any():
        msg = f"{WHO}.{argument}: got {value!r:.60}, wanted a positive number, or {n} of them, one per {what}."
        raise ValueError(msg)
