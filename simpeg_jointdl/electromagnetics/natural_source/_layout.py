"""A survey as arrays: its stations and frequencies, and the station and frequency of each datum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from simpeg.electromagnetics.natural_source.receivers import Impedance

#: Sign of the impedance in SimPEG's axes (east, north, up), relative to the first quadrant.
SIGNS = {"xy": -1.0, "yx": 1.0, "det": -1.0}
COMPONENTS = ("real", "imag", "apparent_resistivity", "phase")


@dataclass(frozen=True)
class Layout:
    """Stations, pairs of station and frequency, and data, in the order of a survey.

    Parameters
    ----------
    locations : (n_stations, dim) numpy.ndarray
        Locations of the stations, in order of first appearance.
    frequencies : (n_frequencies,) or (n_pairs, 1) numpy.ndarray
        Frequencies in Hz: all of them, ascending, if every station has all; otherwise the frequency of each pair.
    column_station : (n_stations,) or (n_pairs,) numpy.ndarray of int
        Station of each computed column, ascending. A column has all frequencies or one.
    station, pair, component : (n_data,) numpy.ndarray of int
        Station, pair and component of each datum. Pairs are numbered along the columns, frequencies fastest.
    sign : (n_data,) numpy.ndarray
        Sign of the impedance of each datum.
    """

    locations: np.ndarray
    frequencies: np.ndarray
    column_station: np.ndarray
    station: np.ndarray
    pair: np.ndarray
    component: np.ndarray
    sign: np.ndarray

    @property
    def n_stations(self) -> int:
        """Number of stations, each with a column of layers."""
        return len(self.locations)

    @property
    def pair_station(self) -> np.ndarray:
        """Station of each pair, (n_pairs,)."""
        return np.repeat(self.column_station, self.frequencies.shape[-1])

    @property
    def pair_frequency(self) -> np.ndarray:
        """Frequency of each pair in Hz, (n_pairs,)."""
        return np.resize(self.frequencies, self.pair_station.shape)

    @property
    def slot(self) -> np.ndarray:
        """Place of each datum among those of its station, (n_data,), frequencies fastest, then components."""
        order = np.lexsort((self.pair, self.sign, self.component, self.station))
        counts = np.bincount(self.station, minlength=self.n_stations)
        slot = np.empty(len(order), dtype=np.int64)
        slot[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return slot


def read_survey(who: str, survey) -> Layout:
    """Return the layout of a natural-source survey; raise an error for data that a layered earth does not have."""
    distinct, blocks, rows = {}, [], []  # arrays of locations by identity, since most receivers share theirs
    for source in survey.source_list:
        check_frequency(who, source.frequency)
        for receiver in source.receiver_list:
            check_receiver(who, receiver)
            locations = receiver.locations_e
            if id(locations) not in distinct:
                distinct[id(locations)] = len(blocks), locations
                blocks.append(locations)
            kind = COMPONENTS.index(receiver.component), SIGNS[receiver.orientation]
            rows.append((distinct[id(locations)][0], source.frequency, *kind))
    if not rows or not sum(map(len, blocks)):
        msg = f"{who}.survey: it has no receivers; wanted at least one location at one frequency."
        raise ValueError(msg)
    stations, locations = _number_stations(who, blocks)
    station = np.concatenate([stations[block] for block, *_ in rows])
    counts = [len(stations[block]) for block, *_ in rows]
    _, frequency, component, sign = (np.repeat(np.array(column), counts) for column in zip(*rows, strict=True))
    return _arrange(locations, station, frequency, component, sign)


def _number_stations(who, blocks):
    """Return the station number of every row of every array of locations, and the locations of the stations."""
    dimensions = sorted({block.shape[1] for block in blocks})
    if len(dimensions) > 1:
        msg = f"{who}.survey: locations have different dimensions, {dimensions}; give all of them in one."
        raise ValueError(msg)
    together = np.concatenate(blocks) + 0.0  # no negative zeros
    bad = np.flatnonzero(~np.isfinite(together).all(axis=1))
    if bad.size:
        msg = f"{who}.survey: a location is not finite, {together[bad[0]]}; remove it together with its data."
        raise ValueError(msg)
    _, first, inverse = np.unique(together, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    numbers = np.split(number[inverse.ravel()], np.cumsum([len(block) for block in blocks])[:-1])
    return numbers, together[first[order]]


def _arrange(locations, station, frequency, component, sign):
    frequencies, which = np.unique(frequency, return_inverse=True)
    n_stations, n_frequencies = len(locations), len(frequencies)
    pairs, pair = np.unique(station * n_frequencies + which, return_inverse=True)
    columns = np.arange(n_stations)
    if len(pairs) < n_stations * n_frequencies:
        columns, frequencies = pairs // n_frequencies, frequencies[pairs % n_frequencies, None]
    return Layout(locations, frequencies, columns, station, pair, component, sign)


def check_frequency(who: str, frequency: float):
    """Raise ValueError unless a frequency is finite and above zero."""
    if not 0.0 < frequency < np.inf:
        msg = f"{who}.survey: a source has the frequency {frequency} Hz; wanted a finite one above zero."
        raise ValueError(msg)


def check_receiver(who: str, receiver):
    """Raise an error unless a receiver measures real-valued data of a layered earth, with E and H at one location."""
    name = type(receiver).__name__
    if not isinstance(receiver, Impedance):
        msg = f"{who}.survey: got a receiver of type {name}; wanted Impedance or DeterminantImpedance."
        raise TypeError(msg)
    if receiver.orientation not in SIGNS:
        msg = (
            f"{who}.survey: an {name} receiver has orientation {receiver.orientation!r}, which is zero over layers; "
            f"wanted one of {', '.join(map(repr, SIGNS))}. Remove it together with its data."
        )
        raise ValueError(msg)
    if receiver.component not in COMPONENTS:
        msg = (
            f"{who}.survey: an {name} receiver has component {receiver.component!r}; wanted one of "
            f"{', '.join(map(repr, COMPONENTS))}: a receiver each for the real and the imaginary part."
        )
        raise ValueError(msg)
    if receiver.locations_h is not receiver.locations_e and not np.array_equal(
        receiver.locations_h, receiver.locations_e
    ):
        msg = f"{who}.survey: an {name} receiver has locations_h apart from locations_e; wanted both at the station."
        raise ValueError(msg)
