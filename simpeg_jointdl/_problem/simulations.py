"""A simulation behind another map; data and simulations that belong together."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
from simpeg import maps
from simpeg.data_misfit import BaseDataMisfit
from simpeg.objective_function import BaseObjectiveFunction, ComboObjectiveFunction


def checked_misfits(
    misfits: BaseObjectiveFunction | Iterable[BaseObjectiveFunction], n_parameters: int, who: str
) -> ComboObjectiveFunction:
    """Check data misfits and return their sum.

    Each must have a simulation that takes the whole model, finite data and positive uncertainties.

    Parameters
    ----------
    misfits : simpeg.data_misfit.BaseDataMisfit, a sum of them, or a sequence of both
        Data misfits; multipliers of sums are kept.
    n_parameters : int
        Length of the whole model.
    who : str
        Function that the user called, for messages.
    """
    if isinstance(misfits, BaseObjectiveFunction) or not isinstance(misfits, Iterable):
        misfits = [misfits]
    misfits = [one for some in misfits for one in _with_multipliers(some)]
    if not misfits or not all(isinstance(one, BaseDataMisfit) for _, one in misfits):
        kinds = [type(one).__name__ for _, one in misfits]
        msg = f"{who}.misfits: got {kinds}, wanted data misfits such as simpeg.data_misfit.L2DataMisfit."
        raise TypeError(msg)
    for i, (_, misfit) in enumerate(misfits):
        check_noise(f"{who}.misfits[{i}]", misfit.data)
        sizes = {one.nP for one in _maps_of(misfit.simulation)}
        if sizes and n_parameters not in sizes:
            msg = (
                f"{who}.misfits[{i}]: its simulation takes a model of {sorted(map(str, sizes))} parameters, wanted all "
                f"{n_parameters} of wire_map. Give the simulation the wire of its property, rhoMap=wires.density."
            )
            raise ValueError(msg)
        _check_cells(f"{who}.misfits[{i}]", misfit.simulation)
    return ComboObjectiveFunction([one for _, one in misfits], [multiplier for multiplier, _ in misfits])


def _with_multipliers(misfit: BaseObjectiveFunction) -> list[tuple[float, BaseObjectiveFunction]]:
    """Return the terms of a sum, each with its multiplier."""
    if not isinstance(misfit, ComboObjectiveFunction):
        return [(1.0, misfit)]
    return [(outer * inner, one) for outer, term in misfit for inner, one in _with_multipliers(term)]


def _check_cells(who: str, simulation) -> None:
    """Check that each map of a potential field gives a value, or several, for every active cell of its simulation."""
    n_cells = getattr(simulation, "nC", None)
    wrong = [one.shape[0] for one in _maps_of(simulation) if n_cells is not None and one.shape[0] % n_cells]
    if wrong:
        msg = (
            f"{who}: its map gives {wrong[0]} values for the {n_cells} active cells of its simulation. Make both with "
            "the same mesh and active_cells, or put maps.between_meshes in front of the simulation's map."
        )
        raise ValueError(msg)


def _maps_of(simulation) -> list[maps.IdentityMap]:
    """Return the maps of a simulation whose model has a fixed length."""
    names = getattr(simulation, "_all_map_names", None) or [
        name for name in dir(type(simulation)) if name.endswith("Map") and not name.startswith("_")
    ]
    found = (getattr(simulation, name, None) for name in sorted(names))
    return [one for one in found if isinstance(one, maps.IdentityMap) and not isinstance(one.nP, str)]


def check_noise(who: str, data) -> None:
    """Check that data are finite and their standard deviations finite and positive; `who` names the data."""
    if not np.isfinite(data.dobs).all():
        count = int((~np.isfinite(data.dobs)).sum())
        msg = f"{who}: {count} of {data.dobs.size} data are NaN or infinite, wanted none. Leave these stations out."
        raise ValueError(msg)
    given = data.noise_floor is not None or data.relative_error is not None
    deviation = np.asarray(data.standard_deviation) if given else np.zeros(data.dobs.size)
    if not (np.isfinite(deviation).all() and (deviation > 0.0).all()):
        count = int((~(np.isfinite(deviation) & (deviation > 0.0))).sum())
        msg = (
            f"{who}: {count} of {deviation.size} standard deviations are zero, missing or infinite, so that it is not "
            "known how well to fit the data. Give Data(..., standard_deviation=) or noise_floor=."
        )
        raise ValueError(msg)


NAMES = {"rhoMap": "density", "chiMap": "susceptibility", "sigmaMap": "conductivity"}


def looking_through(simulation, key: str, mapping):
    """A copy of a simulation with another map; it keeps what it has computed, but not its model."""
    other = copy.copy(simulation)
    other.model = None
    setattr(other, key, mapping)
    return other


def common_ground(data, simulation, who: str):
    """Lists of simulations and data, their mesh and active cells, and the name of each simulation's map."""
    simulations = list(simulation) if isinstance(simulation, (list, tuple)) else [simulation]
    data = list(data) if isinstance(data, (list, tuple)) else [data]
    if len(data) != len(simulations):
        msg = f"{who}: got {len(data)} data sets and {len(simulations)} simulations, wanted one for each."
        raise ValueError(msg)
    mesh = simulations[0].mesh
    keys, actives = [], []
    for i, one in enumerate(simulations):
        found = [k for k in sorted(one._all_map_names) if isinstance(getattr(one, k, None), maps.IdentityMap)]
        if len(found) != 1:
            msg = f"{who}.simulation: number {i} has the maps {found}, wanted one; others take no part."
            raise ValueError(msg)
        keys += found
        if one.mesh is not mesh:
            msg = f"{who}.simulation: number {i} is on another mesh than number 0; one network serves one mesh here."
            raise ValueError(msg)
        active = getattr(one, "active_cells", None)
        actives.append(np.ones(mesh.n_cells, dtype=bool) if active is None else np.asarray(active))
    if any(not np.array_equal(active, actives[0]) for active in actives):
        msg = f"{who}.simulation: active cells differ between simulations, wanted the same for all."
        raise ValueError(msg)
    return simulations, data, mesh, actives[0], keys
