"""Scalar soundings: apparent resistivity and phase over frequency, one curve a station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import finite_array, real_number
from ._checks import ascending_frequencies, gappy_array, picked, station_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simpeg.data import Data

_CURVES = ("apparent_resistivity", "phase", "apparent_resistivity_error", "phase_error")


@dataclass(frozen=True, eq=False)
class MTSoundings:
    """Magnetotelluric apparent resistivity and phase at stations, as a layered earth is inverted from them.

    Parameters
    ----------
    names : sequence of str
        One per station, each once.
    locations : (n, 3) array_like
        Easting, northing and elevation (up) in m.
    frequencies : (n_f,) array_like
        In Hz, ascending; those of all stations together.
    apparent_resistivity : (n, n_f) array_like
        ``|Z|² / (2π f μ₀)`` in ohm m; nan where missing.
    phase : (n, n_f) array_like
        Of Z in degrees, 45 over a half-space and 0 to 90 over any layers, time factor exp(+iωt); nan where missing.
    apparent_resistivity_error, phase_error : (n, n_f) array_like, optional
        Standard deviations in ohm m and in degrees; nan (or None for all) where nobody has told them. A relative
        error e of the impedance, that is ``e |Z|`` of its real and of its imaginary part, is 2 e of the apparent
        resistivity and e radians of the phase.

    Raises
    ------
    ValueError
        For frequencies that are not positive, not sorted or not distinct, values that are infinite, resistivities or
        errors that are not positive, shapes that do not fit, or a name that comes twice.

    Notes
    -----
    The arrays are kept as read-only float64 copies. ``soundings["YNP01"]``, ``soundings[["YNP01", "YNP02"]]``, an
    index, a slice or an array of bool chooses stations; all frequencies stay. An error where the datum is missing is
    dropped.

    Examples
    --------
    >>> from simpeg_jointdl import datasets
    >>> half_space = datasets.MTSoundings(["A"], [[0, 0, 0]], [1.0, 10.0], [[100.0, 100.0]], [[45.0, 45.0]])
    >>> half_space.floored(0.05).apparent_resistivity_error
    array([[10., 10.]])
    """

    names: tuple[str, ...]
    locations: np.ndarray
    frequencies: np.ndarray
    apparent_resistivity: np.ndarray
    phase: np.ndarray
    apparent_resistivity_error: np.ndarray | None = None
    phase_error: np.ndarray | None = None

    def __post_init__(self) -> None:
        who = "MTSoundings"
        names = station_names(who, self.names)
        frequencies = ascending_frequencies(who, self.frequencies)
        shape = (len(names), len(frequencies))
        parts = {"names": names, "frequencies": frequencies}
        parts["locations"] = finite_array(f"{who}.locations", self.locations, (len(names), 3))
        for key in _CURVES:
            value = getattr(self, key)
            value = np.full(shape, np.nan) if value is None else value
            if key.endswith("_error"):
                datum = parts[key.removesuffix("_error")]
                value = np.where(np.isnan(datum), np.nan, value) if np.shape(value) == shape else value
            parts[key] = gappy_array(f"{who}.{key}", value, shape, positive=key != "phase")
        for key, value in parts.items():
            object.__setattr__(self, key, value)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: int | str | slice | Sequence[int] | Sequence[str] | np.ndarray) -> MTSoundings:
        chosen = picked("MTSoundings", self.names, key)
        curves = (getattr(self, name)[chosen] for name in _CURVES)
        return MTSoundings([self.names[i] for i in chosen], self.locations[chosen], self.frequencies, *curves)

    @property
    def n_data(self) -> np.ndarray:
        """(n,) number of values, resistivities and phases together, at each station."""
        return np.sum(~np.isnan(self.apparent_resistivity), axis=1) + np.sum(~np.isnan(self.phase), axis=1)

    def floored(self, error_floor: float) -> MTSoundings:
        """Soundings whose errors are at least those of a relative impedance error.

        Parameters
        ----------
        error_floor : float
            Relative error e of the impedance, 0.05 for 5 %: errors are raised to 2 e of the apparent resistivity and
            to e radians of the phase; unknown ones become that. 0 changes nothing.

        Returns
        -------
        MTSoundings
        """
        floor = real_number("MTSoundings.error_floor", error_floor, minimum=0.0)
        if floor == 0.0:
            return self
        rho_error = np.fmax(self.apparent_resistivity_error, 2 * floor * self.apparent_resistivity)
        phase_error = np.fmax(self.phase_error, np.degrees(floor))
        return MTSoundings(
            self.names, self.locations, self.frequencies, self.apparent_resistivity, self.phase, rho_error, phase_error
        )

    def residual(self, predicted: MTSoundings) -> tuple[np.ndarray, np.ndarray]:
        """Predicted less observed over the error, of apparent resistivity and of phase.

        Parameters
        ----------
        predicted : MTSoundings
            At the same stations and frequencies, in the same order; its errors play no part.

        Returns
        -------
        (n, n_f) numpy.ndarray, (n, n_f) numpy.ndarray
            nan where an observed or predicted value, or its error, is missing.

        Raises
        ------
        ValueError
            If the two are not of the same stations and frequencies.
        """
        shapes = self.phase.shape, predicted.phase.shape
        if shapes[0] != shapes[1] or not np.allclose(self.frequencies, predicted.frequencies, rtol=1e-3):
            msg = (
                f"MTSoundings.residual: got {shapes[1]} predicted, wanted {shapes[0]} stations and frequencies, the "
                "same as observed. Predict at soundings.frequencies, or choose the same stations."
            )
            raise ValueError(msg)
        rho = (predicted.apparent_resistivity - self.apparent_resistivity) / self.apparent_resistivity_error
        return rho, (predicted.phase - self.phase) / self.phase_error

    def chi(self, predicted: MTSoundings) -> np.ndarray:
        """(n,) mean squared residual of each station: 1 where it is fitted to its errors, nan where it has no data.

        The rms that magnetotellurics speaks of is its square root. See `residual`.
        """
        squared = np.concatenate(self.residual(predicted), axis=1) ** 2
        count = np.sum(~np.isnan(squared), axis=1)
        return np.where(count > 0, np.nansum(squared, axis=1) / np.maximum(count, 1), np.nan)

    def to_simpeg(self) -> Data:
        """SimPEG data of these soundings with standard deviations, missing values left out.

        One source per frequency, ascending; its receivers are `Impedance` of orientation ``"xy"``, first
        ``"apparent_resistivity"``, then ``"phase"``, each over the stations that have a value there.

        Returns
        -------
        simpeg.data.Data
            Phases less 180 degrees: -135 over a half-space, as SimPEG's `Simulation1DRecursive` predicts them
            (its z axis points up).

        Raises
        ------
        ValueError
            If there are no data, an error is unknown (take `floored` first), or two stations share their place,
            where SimPEG could not tell them apart.
        """
        from ._simpeg import to_simpeg

        return to_simpeg(self)

    @classmethod
    def from_simpeg(cls, data: Data, names: Sequence[str] | None = None) -> MTSoundings:
        """Soundings of SimPEG data.

        Parameters
        ----------
        data : simpeg.data.Data
            On a survey of natural sources with `Impedance` receivers of orientation ``"xy"`` or ``"yx"`` (one of the
            two), of apparent resistivity, phase, or both parts of the impedance. A station is a distinct location.
        names : sequence of str, optional
            One per station, in the order in which the survey meets them; ``"1"``, ``"2"``, ... if not given.

        Returns
        -------
        MTSoundings
            Phases brought to the first quadrant: into [-45, 135) degrees by adding multiples of 180. Standard
            deviations that are zero become nan: unknown.

        Raises
        ------
        TypeError, ValueError
            For other receivers, both orientations, or one part of an impedance without the other.
        """
        from ._simpeg import from_simpeg

        return cls(*from_simpeg(data, names))
