"""Input that no engine should see."""

from __future__ import annotations

import numpy as np
import torch

_STORED = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


def check_cells(who: str, mesh, active_cells: np.ndarray):
    """At least one active cell, and all of them of some volume."""
    if not active_cells.any():
        msg = f"{who}.active_cells: none of the {mesh.n_cells} cells is active; wanted at least one."
        raise ValueError(msg)
    flat = np.flatnonzero(~(mesh.cell_volumes[active_cells] > 0.0))
    if flat.size:
        msg = (
            f"{who}.mesh: {flat.size} active cell(s) have no volume, the first is number {flat[0]} of the active ones; "
            "take cells of zero width out of the mesh."
        )
        raise ValueError(msg)


def check_locations(who: str, receivers):
    """Finite coordinates, and some receivers at all."""
    if not receivers or not sum(len(one.locations) for one in receivers):
        msg = f"{who}.survey: it has no receivers; wanted at least one location."
        raise ValueError(msg)
    for place, one in enumerate(receivers):
        bad = np.flatnonzero(~np.isfinite(one.locations).all(axis=1))
        if bad.size:
            msg = (
                f"{who}.survey: {bad.size} of {len(one.locations)} locations of receiver {place} are not finite, the "
                f"first is number {bad[0]}; drop them together with their data."
            )
            raise ValueError(msg)


def checked_choice(who: str, argument: str, value, allowed) -> str:
    """One of the allowed words."""
    if value not in allowed:
        hint = " 'geoana' and 'choclo' are engines of SimPEG's own classes." if value in ("geoana", "choclo") else ""
        msg = f"{who}.{argument}: got {value!r}, wanted one of {', '.join(map(repr, allowed))}.{hint}"
        raise ValueError(msg)
    return value


def checked_storage(who: str, value) -> torch.dtype:
    """Type in which sensitivities are kept, from numpy's type or its name."""
    name = value if isinstance(value, str) else getattr(value, "__name__", str(value).rpartition(".")[2])
    if name not in _STORED:
        msg = f"{who}.sensitivity_dtype: got {value!r}, wanted np.float64, np.float32 or 'bfloat16'."
        raise TypeError(msg)
    return _STORED[name]
