"""A survey as arrays: which stations and frequencies there are, and which of them each datum belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from simpeg.electromagnetics.natural_source.receivers import Impedance

#: Of what SimPEG's axes (east, north, up) make of the impedance in the first quadrant.
SIGNS = {"xy": -1.0, "yx": 1.0, "det": -1.0}
COMPONENTS = ("real", "imag", "apparent_resistivity", "phase")


@dataclass(frozen=True)
class Layout:
    """Stations, the pairs of station and frequency that occur, and the data, in the order of a survey.

    Parameters
    ----------
    locations : (n_stations, dim) numpy.ndarray
        In order of first appearance.
    frequencies : (n_frequencies,) or (n_pairs, 1) numpy.ndarray
        Hz: all, ascending, where every station has every one; else those of the pairs.
    column_station : (n_stations,) or (n_pairs,) numpy.ndarray of int
        Station of each column to compute, in ascending order: a column has all frequencies or one.
    station, pair, component : (n_data,) numpy.ndarray of int
        Of each datum; pairs are counted along the columns, frequencies fastest.
    sign : (n_data,) numpy.ndarray
        Of its impedance.
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
        """How many columns of layers there are."""
        return len(self.locations)

    @property
    def pair_station(self) -> np.ndarray:
        """(n_pairs,) station of each pair."""
        return np.repeat(self.column_station, self.frequencies.shape[-1])

    @property
    def pair_frequency(self) -> np.ndarray:
        """(n_pairs,) frequency of each pair, Hz."""
        return np.resize(self.frequencies, self.pair_station.shape)

    @property
    def slot(self) -> np.ndarray:
        """(n_data,) place of each datum among those of its station, frequencies fastest, then components."""
        order = np.lexsort((self.pair, self.sign, self.component, self.station))
        counts = np.bincount(self.station, minlength=self.n_stations)
        slot = np.empty(len(order), dtype=np.int64)
        slot[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return slot


def read_survey(who: str, survey) -> Layout:
    """Layout of a natural source survey; raises ValueError or TypeError for what layers have no data of."""
    distinct, blocks, rows = {}, [], []  # location arrays by identity: receivers mostly share theirs
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
    """Number of the station of every row of every array of locations; and the stations' locations."""
    dimensions = sorted({block.shape[1] for block in blocks})
    if len(dimensions) > 1:
        msg = f"{who}.survey: locations have different dimensions, {dimensions}; give all of them in one."
        raise ValueError(msg)
    together = np.concatenate(blocks) + 0.0  # no negative zeros
    bad = np.flatnonzero(~np.isfinite(together).all(axis=1))
    if bad.size:
        msg = f"{who}.survey: a location is not finite, {together[bad[0]]}; drop it together with its data."
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
    """Above zero and finite."""
    if not 0.0 < frequency < np.inf:
        msg = f"{who}.survey: a source has the frequency {frequency} Hz; wanted a finite one above zero."
        raise ValueError(msg)


def check_receiver(who: str, receiver):
    """An element of the impedance that layers have, E and H at one place, and real data."""
    name = type(receiver).__name__
    if not isinstance(receiver, Impedance):
        msg = f"{who}.survey: got a receiver of type {name}; wanted Impedance or DeterminantImpedance."
        raise TypeError(msg)
    if receiver.orientation not in SIGNS:
        msg = (
            f"{who}.survey: an {name} receiver has orientation {receiver.orientation!r}, which is zero over layers; "
            f"wanted one of {', '.join(map(repr, SIGNS))}. Drop it together with its data."
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
