"""The network of an implicit model, the data misfits that see it, and the maps to its properties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from simpeg import maps
from simpeg.data_misfit import BaseDataMisfit

from ..._core import validation as check
from ..._problem.simulations import PairedData, with_map
from ...maps import INRMap

Misfits = list[BaseDataMisfit]


def implicit_model(
    who: str, paired: PairedData, names, *, units, contrasts, **options
) -> tuple[INRMap, dict[str, maps.IdentityMap], Callable[[type], Misfits]]:
    """Set up the network of an inversion.

    Parameters
    ----------
    who : str
        Name of the function that the user has called.
    paired : PairedData
        Data sets and simulations.
    names : sequence of str or None
        Names of the properties.
    units, contrasts, **options
        As of :class:`~simpeg_jointdl.maps.INRMap`.

    Returns
    -------
    INRMap, dict of str to simpeg.maps.IdentityMap, callable
        Map of the network; map to each property by its name; function from a class of data misfits to those of the
        simulations with the network in front of their own maps.
    """
    n_properties = _number_of_properties(who, paired)
    names = _checked_names(who, names, paired.property_names, n_properties)
    options |= {"n_properties": n_properties, "units": units}
    inr = INRMap(paired.mesh, paired.active_cells, contrasts=contrasts, **options)
    if units is not None and contrasts is None:
        contrasts = signed(inr.contrasts(inr.initial_model()), _wanted_signs(inr, paired), inr.limits)
        inr = INRMap(paired.mesh, paired.active_cells, contrasts=contrasts, **options)
    seen = [inr.properties[i] if sees_one(paired, i, inr.n_properties) else inr for i in range(len(paired.data))]
    return inr, dict(zip(names, inr.properties, strict=True)), lambda kind: paired.misfits(seen, kind)


def sees_one(paired: PairedData, i: int, n_properties: int) -> bool:
    """Whether the map of a simulation takes one of several properties alone."""
    return paired.maps[i].nP in (paired.n_active, "*") and n_properties > 1


def _number_of_properties(who: str, paired: PairedData) -> int:
    """Number of properties, from what the simulations' maps take."""
    takes, n_active = {one.nP for one in paired.maps if not isinstance(one.nP, str)}, paired.n_active
    if takes <= {n_active}:
        return len(paired.data)
    if len(takes) == 1 and next(iter(takes)) % n_active == 0:
        return next(iter(takes)) // n_active
    msg = (
        f"{who}.simulation: their maps take {sorted(takes)} values for {n_active} active cells; wanted one property "
        "for each simulation, or all properties for every simulation."
    )
    raise ValueError(msg)


def _checked_names(who: str, names, seen: list[str], n: int) -> list[str]:
    if names is not None:
        return list(check.distinct_names(f"{who}.names", names, n))
    return seen if len(seen) == n and len(set(seen)) == n else [f"property_{i}" for i in range(n)]


def _wanted_signs(inr: INRMap, paired: PairedData) -> np.ndarray:
    """Sign of each property that the data ask for, from the misfit's gradient at zero."""
    signs, several = np.ones(inr.n_properties), inr.n_properties > 1
    for i, (one, name, own, some) in enumerate(
        zip(paired.simulations, paired.map_names, paired.maps, paired.data, strict=True)
    ):
        zero = np.zeros(paired.n_active if own.nP in (paired.n_active, "*") else own.nP)
        one = with_map(one, name, own * maps.IdentityMap(nP=zero.size))
        residual = (some.dobs - one.dpred(zero)) / some.standard_deviation**2
        slopes = np.asarray(one.Jtvec(zero, residual)).reshape(-1, paired.n_active).sum(axis=1)
        if len(slopes) == inr.n_properties and several:
            signs = np.where(slopes != 0.0, np.sign(slopes), signs)
        else:
            signs[i if several else 0] = np.sign(slopes[0]) or 1.0
    return signs


def signed(contrasts: np.ndarray, signs: np.ndarray, limits) -> np.ndarray:
    """Return contrasts whose first unit has the wanted signs, wherever the bounds allow it."""
    result = contrasts.copy()
    for p, (low, high) in enumerate(limits):
        mirrored = result[:, p] * (signs[p] if result[0, p] > 0 else -signs[p])
        if (mirrored > low).all() and (mirrored < high).all():
            result[:, p] = mirrored
    return result
