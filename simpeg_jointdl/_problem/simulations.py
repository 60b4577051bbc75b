"""Simulations with other maps, and data sets paired with their simulations."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import BaseDataMisfit, L2DataMisfit
from simpeg.objective_function import BaseObjectiveFunction, ComboObjectiveFunction
from simpeg.simulation import BaseSimulation

from .._core import validation as check

#: Properties by the name of the map that a SimPEG simulation takes them from.
PROPERTY_NAMES = {"rhoMap": "density", "chiMap": "susceptibility", "sigmaMap": "conductivity"}


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


def with_map(simulation: BaseSimulation, map_name: str, mapping: maps.IdentityMap) -> BaseSimulation:
    """Return a copy of a simulation with another map and without its model."""
    other = copy.copy(simulation)
    other.model = None
    setattr(other, map_name, mapping)
    return other


@dataclass(frozen=True, eq=False)
class PairedData:
    """Data sets and their simulations, one for each, on the same active cells of one mesh.

    Created by :func:`paired_data`, which checks its arguments; functions that take a PairedData need not check again.

    Attributes
    ----------
    data : list of simpeg.data.Data
        Observed data.
    simulations : list of simpeg.simulation.BaseSimulation
        Simulation of each data set; not changed by anything here.
    map_names : list of str
        Name of the only map of each simulation, such as "rhoMap".
    mesh : discretize.base.BaseMesh
        Mesh of all simulations.
    active_cells : (n_cells,) numpy.ndarray of bool
        Active cells of all simulations.
    """

    data: list[Data]
    simulations: list[BaseSimulation]
    map_names: list[str]
    mesh: object
    active_cells: np.ndarray

    @property
    def property_names(self) -> list[str]:
        """Name of the property that each simulation sees, such as "density"."""
        return [PROPERTY_NAMES.get(name, name.removesuffix("Map")) for name in self.map_names]

    @property
    def maps(self) -> list[maps.IdentityMap]:
        """Map of each simulation, as it was given."""
        return [getattr(one, name) for one, name in zip(self.simulations, self.map_names, strict=True)]

    @property
    def n_active(self) -> int:
        """Number of active cells."""
        return int(self.active_cells.sum())

    @property
    def top(self) -> float:
        """Elevation of the highest face of an active cell in m."""
        tops = self.mesh.cell_centers[:, -1] + 0.5 * self.mesh.h_gridded[:, -1]
        return float(tops[self.active_cells].max())

    def simulations_of(self, mappings: Sequence[maps.IdentityMap]) -> list[BaseSimulation]:
        """Return copies of the simulations, each with a further map in front of its own."""
        return [
            with_map(one, name, own * mapping)
            for one, name, own, mapping in zip(self.simulations, self.map_names, self.maps, mappings, strict=True)
        ]

    def misfits(self, mappings: Sequence[maps.IdentityMap], kind: type = L2DataMisfit) -> list[BaseDataMisfit]:
        """Return data misfits of simulations with a further map in front of their own."""
        views = self.simulations_of(mappings)
        return [kind(data=some, simulation=view) for some, view in zip(self.data, views, strict=True)]

    def predict(self, properties: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return the predicted data of each data set from properties {name: (n_active,)}."""
        triples = zip(self.simulations, self.map_names, self.property_names, strict=True)
        return [with_map(one, name, getattr(one, name)).dpred(properties[of]) for one, name, of in triples]


def paired_data(who: str, data, simulation) -> PairedData:
    """Pair data sets with their simulations, or raise a ValueError that begins with `who`.

    Parameters
    ----------
    who : str
        Name of the function that the user has called.
    data : simpeg.data.Data or sequence of simpeg.data.Data
        Data sets.
    simulation : simpeg.simulation.BaseSimulation or sequence of simpeg.simulation.BaseSimulation
        Simulation of each data set, with one map.

    Returns
    -------
    PairedData
    """
    simulations = list(simulation) if isinstance(simulation, (list, tuple)) else [simulation]
    data = list(data) if isinstance(data, (list, tuple)) else [data]
    check.listed(f"{who}.simulation", simulations, BaseSimulation)
    check.listed(f"{who}.data", data, Data)
    if len(data) != len(simulations):
        msg = f"{who}: got {len(data)} data sets and {len(simulations)} simulations, wanted one for each."
        raise ValueError(msg)
    mesh = simulations[0].mesh
    map_names, actives = [], []
    for i, one in enumerate(simulations):
        found = [name for name in sorted(one._all_map_names) if isinstance(getattr(one, name, None), maps.IdentityMap)]
        if len(found) != 1:
            msg = (
                f"{who}.simulation: number {i} has the maps {found}, wanted exactly one: of the property to invert "
                "for. Set others as fixed values of the simulation."
            )
            raise ValueError(msg)
        map_names += found
        if one.mesh is not mesh:
            msg = f"{who}.simulation: number {i} is on another mesh than number 0; make all simulations on one mesh."
            raise ValueError(msg)
        active = getattr(one, "active_cells", None)
        actives.append(np.ones(mesh.n_cells, dtype=bool) if active is None else np.asarray(active))
    if any(not np.array_equal(active, actives[0]) for active in actives):
        msg = f"{who}.simulation: active cells differ between simulations, wanted the same for all."
        raise ValueError(msg)
    return PairedData(data, simulations, map_names, mesh, actives[0])
