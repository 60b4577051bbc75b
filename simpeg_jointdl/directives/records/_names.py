"""Names of data sets in tables and logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._core import validation as check
from ..._core.protocols import HasMethodName
from .._base import unique_names

#: SimPEG's simulations do not say which method they simulate; their packages do.
_METHODS = {
    "simpeg.potential_fields.gravity": "gravity",
    "simpeg.potential_fields.magnetics": "magnetics",
    "simpeg.electromagnetics.natural_source": "magnetotellurics",
    "simpeg.electromagnetics.static.resistivity": "resistivity",
    "simpeg.electromagnetics.static.induced_polarization": "induced polarization",
    "simpeg.electromagnetics.static.spectral_induced_polarization": "spectral induced polarization",
    "simpeg.electromagnetics.static.self_potential": "self-potential",
    "simpeg.electromagnetics.frequency_domain": "frequency-domain electromagnetics",
    "simpeg.electromagnetics.time_domain": "time-domain electromagnetics",
    "simpeg.electromagnetics.viscous_remanent_magnetization": "viscous remanent magnetization",
    "simpeg.flow.richards": "groundwater flow",
    "simpeg.seismic.straight_ray_tomography": "travel times",
}


def names_of_data(who: str, misfits: Sequence[Any], names: Sequence[str] | None = None) -> list[str]:
    """Return one name for each data misfit.

    Parameters
    ----------
    who : str
        Name of the caller, which begins the message of an error.
    misfits : sequence of simpeg.data_misfit.BaseDataMisfit
        Misfits of the data sets.
    names : sequence of str, optional
        Names that the user gives. By default the name of the method of each simulation; a second data set of the same
        method gets the number 2, and so on.
    """
    if names is not None:
        return list(check.distinct_names(f"{who}.names", names, len(misfits)))
    return unique_names(_method_of(misfit.simulation) or f"misfit {i}" for i, misfit in enumerate(misfits))


def _method_of(simulation: Any) -> str | None:
    """Name of the method of a simulation, None if it is unknown."""
    if isinstance(simulation, HasMethodName):
        return str(simulation.method_name)
    for kind in type(simulation).__mro__:  # own classes derive from SimPEG's
        for package, name in _METHODS.items():
            if kind.__module__ == package or kind.__module__.startswith(f"{package}."):
                return name
    # SimPEG's meta simulations put several simulations together, mostly of one method
    parts = {_method_of(one) for one in getattr(simulation, "simulations", ())}
    return parts.pop() if len(parts) == 1 else None
