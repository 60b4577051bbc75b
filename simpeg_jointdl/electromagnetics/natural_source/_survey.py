"""SimPEG's natural-source survey from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from simpeg.electromagnetics.natural_source import Survey
from simpeg.electromagnetics.natural_source.receivers import Impedance
from simpeg.electromagnetics.natural_source.sources import Planewave

from ._layout import check_frequency
from ._receivers import DeterminantImpedance


def create_survey(
    locations: ArrayLike,
    frequencies: ArrayLike | Sequence[ArrayLike],
    components: str | Sequence[str] = ("apparent_resistivity", "phase"),
    orientation: Literal["xy", "yx", "det"] = "xy",
) -> Survey:
    """Return SimPEG's natural-source survey of stations that share their frequencies, or have their own.

    Parameters
    ----------
    locations : (n_stations, dim) array_like
        Locations in m, all different. :class:`Simulation1DStitched` numbers its columns in this order.
    frequencies : (n_frequencies,) array_like, or sequence of n_stations array_like
        Frequencies in Hz, for all stations or for each.
    components : str or sequence of str
        Some of "real", "imag" (ohm), "apparent_resistivity" (ohm m) and "phase" (degrees).
    orientation : {"xy", "yx", "det"}
        Element of the impedance tensor, or its determinant.

    Returns
    -------
    simpeg.electromagnetics.natural_source.Survey
        Its data are ordered by frequency, component and station (the last fastest) if frequencies are shared, and by
        station, frequency and component if each station has its own. Nothing is sorted.

    Raises
    ------
    ValueError
        If locations are not (n_stations, dim) or not different, there is no station or no frequency, frequencies are
        given for another number of stations or are not above zero, or a component or the orientation is unknown.

    Examples
    --------
    >>> from simpeg_jointdl.electromagnetics import natural_source
    >>> survey = natural_source.create_survey([[0.0, 0.0], [500.0, 0.0]], [1.0, 10.0, 100.0])
    >>> int(survey.nD)
    12
    """
    locations = np.atleast_2d(np.asarray(locations, dtype=float))
    if locations.ndim != 2 or not locations.size:
        msg = f"create_survey: locations have shape {locations.shape}, wanted (n_stations, dim)."
        raise ValueError(msg)
    n_distinct = len(np.unique(locations, axis=0))
    if n_distinct < len(locations):
        msg = f"create_survey: {len(locations)} locations, {n_distinct} of them different; every station needs its own."
        raise ValueError(msg)
    components = (components,) if isinstance(components, str) else tuple(components)
    frequencies = list(frequencies)
    if not any(np.ndim(one) for one in frequencies):
        return Survey(_sources(locations, frequencies, components, orientation))
    if len(frequencies) != len(locations):
        msg = (
            f"create_survey: frequencies of {len(frequencies)} stations, locations of {len(locations)}; give one each."
        )
        raise ValueError(msg)
    each = zip(locations, frequencies, strict=True)
    return Survey([s for place, own in each for s in _sources(place[None], np.ravel(own), components, orientation)])


def _sources(locations, frequencies, components, orientation):
    if not len(frequencies) or not components:
        msg = f"create_survey: {len(frequencies)} frequencies and {len(components)} components; wanted one of each."
        raise ValueError(msg)
    for frequency in frequencies:
        check_frequency("create_survey", float(frequency))
    return [
        Planewave([_receiver(locations, component, orientation) for component in components], float(frequency))
        for frequency in frequencies
    ]


def _receiver(locations, component, orientation):
    if orientation == "det":
        return DeterminantImpedance(locations, component=component)
    return Impedance(locations, orientation=orientation, component=component)
