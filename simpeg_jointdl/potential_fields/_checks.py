"""Checks of meshes, receivers and settings before an engine is built."""

from __future__ import annotations

import numpy as np
import torch

from .._core import validation as check

_STORED = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


def check_cells(who: str, mesh, active_cells: np.ndarray):
    """Raise ValueError unless there is an active cell and every active cell has a volume."""
    if not active_cells.any():
        msg = f"{who}.active_cells: got no active cell among {mesh.n_cells}, wanted at least one."
        raise ValueError(msg)
    flat = np.flatnonzero(~(mesh.cell_volumes[active_cells] > 0.0))
    if flat.size:
        msg = (
            f"{who}.mesh: got {flat.size} active cell(s) without volume, the first at index {flat[0]} of them. "
            "Remove cells of zero width from the mesh."
        )
        raise ValueError(msg)


def check_locations(who: str, receivers):
    """Raise ValueError unless there are receivers and all their coordinates are finite."""
    if not receivers or not sum(len(one.locations) for one in receivers):
        msg = f"{who}.survey: got no receivers, wanted at least one location."
        raise ValueError(msg)
    for place, one in enumerate(receivers):
        bad = np.flatnonzero(~np.isfinite(one.locations).all(axis=1))
        if bad.size:
            msg = (
                f"{who}.survey: {bad.size} of {len(one.locations)} locations of receiver {place} are not finite, "
                f"the first at index {bad[0]}. Remove them together with their data."
            )
            raise ValueError(msg)


def checked_choice(who: str, argument: str, value, allowed) -> str:
    """Return the value if it is one of the allowed words; ValueError otherwise."""
    hint = "'geoana' and 'choclo' are engines of SimPEG's own classes." if value in ("geoana", "choclo") else ""
    return check.one_of(f"{who}.{argument}", value, allowed, mend=hint)


def checked_storage(who: str, value) -> torch.dtype:
    """Return the torch type of stored sensitivities from a numpy type or its name."""
    name = value if isinstance(value, str) else getattr(value, "__name__", str(value).rpartition(".")[2])
    if name not in _STORED:
        msg = f"{who}.sensitivity_dtype: got {value!r}, wanted np.float64, np.float32 or 'bfloat16'."
        raise TypeError(msg)
    return _STORED[name]
