"""Checks that several recipes share."""

from __future__ import annotations

from simpeg import maps

from .._core import validation as check


def checked_wires(who: str, wire_map, n_active: int) -> dict[str, maps.Projection]:
    """Return the map of every property by its name; each has one parameter per active cell."""
    wanted = f'simpeg.maps.Wires, one part per property: Wires(("density", {n_active}), ("susceptibility", {n_active}))'
    check.instance(f"{who}.wire_map", wire_map, maps.Wires, wanted)
    parts = dict(wire_map.maps)
    wrong = {name: part.shape[0] for name, part in parts.items() if part.shape[0] != n_active}
    if wrong:
        msg = f"{who}.wire_map: got parts {wrong}, wanted {n_active} parameters in each, one per active cell."
        raise ValueError(msg)
    return parts
