"""Data and simulations that a network of gravity and magnetics can predict from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from simpeg.data_misfit import BaseDataMisfit

from ..._core import validation as check
from ..._problem.simulations import PairedData, check_noise, paired_data
from ...maps import GravMagMap
from ...networks import GravMagUNet, Placement
from ._options import Training

ARGUMENTS = {"density": "gravity_data", "susceptibility": "magnetic_data"}  # of the network, by property
_SAME_PLACE = 1e-3  # m


@dataclass(frozen=True, eq=False)
class NetworkData:
    """Gravity data, magnetic data or both, as a network and as inversions take them.

    Attributes
    ----------
    paired : PairedData
        Data sets and simulations.
    misfit : type
        Class of the data misfits.
    placement : networks.Placement
        Where the data lie, the elevation of the ground included.
    """

    paired: PairedData
    misfit: type[BaseDataMisfit]
    placement: Placement

    @property
    def names(self) -> list[str]:
        """Properties that have data."""
        return self.paired.property_names

    def misfits(self, maps: dict) -> list[BaseDataMisfit]:
        """Return data misfits of maps to each property, {name: map}."""
        return self.paired.misfits([maps[name] for name in self.names], self.misfit)

    def map_of(self, network: GravMagUNet, training: Training, random_seed: int = 0) -> GravMagMap:
        """Return the map from the weights of a network to its models on the active cells."""
        data = {ARGUMENTS[name]: one for name, one in zip(self.names, self.paired.data, strict=True)}
        return GravMagMap(
            network, **data, mesh=self.paired.mesh, active_cells=self.paired.active_cells, trained=training.trained,
            rank=training.rank, random_seed=random_seed, device=training.device, dtype=training.dtype,
            placement=self.placement,
        )  # fmt: skip


def network_data(who: str, data, simulation, placement: Placement | None, misfit: type[BaseDataMisfit]) -> NetworkData:
    """Check data and simulations, and place them on the ground; errors begin with `who`."""
    paired = paired_data(who, data, simulation)
    names = paired.property_names
    if not set(names) <= set(ARGUMENTS) or len(set(names)) < len(names):
        msg = (
            f"{who}.simulation: got simulations of {', '.join(names)}; wanted one of density (rhoMap), one of "
            "susceptibility (chiMap), or both, which are what the network knows."
        )
        raise ValueError(msg)
    for i, (own, some, simulation) in enumerate(zip(paired.maps, paired.data, paired.simulations, strict=True)):
        check_noise(f"{who}.data[{i}]", some)
        _check_stations(who, i, some.survey, simulation.survey)
        if own.nP not in (paired.n_active, "*"):
            msg = (
                f"{who}.simulation: {paired.map_names[i]} of number {i} takes {own.nP} values, wanted "
                f"{paired.n_active}, one per active cell: IdentityMap(nP={paired.n_active}), not the wire of a joint "
                "model, and no vectors."
            )
            raise ValueError(msg)
    return NetworkData(paired, misfit, _on_ground(who, placement, paired))


def _on_ground(who: str, placement: Placement | None, paired: PairedData) -> Placement:
    """Placement, with the top of the active cells as ground if none and no height is given."""
    placement = Placement() if placement is None else placement
    check.instance(f"{who}.placement", placement, Placement, "a networks.Placement")
    options = placement.options()
    if options["ground"] is None and options["height"] is None:
        options["ground"] = paired.top
    return Placement(**options)


def _check_stations(who: str, i: int, of_data, of_simulation):
    """Raise ValueError unless data and simulation have the same stations."""
    places = [np.asarray(one.receiver_locations) for one in (of_data, of_simulation)]
    if places[0].shape == places[1].shape and np.allclose(*places, rtol=0.0, atol=_SAME_PLACE):
        return
    msg = (
        f"{who}.data[{i}]: its survey has {len(places[0])} stations, that of simulation[{i}] {len(places[1])}, and "
        "they are not at the same places in the same order. Make both with one survey."
    )
    raise ValueError(msg)
