"""Scalar magnetotelluric soundings: apparent resistivity and phase over frequency at stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import validation as check
from ._checks import ascending_frequencies, gappy_array, picked, station_names

if TYPE_CHECKING:
    from simpeg.data import Data

_CURVES = ("apparent_resistivity", "phase", "apparent_resistivity_error", "phase_error")


@dataclass(frozen=True, eq=False)
class MTSoundings:
    r"""Magnetotelluric apparent resistivity and phase at stations, for the inversion of layered earths.

    Parameters
    ----------
    names : sequence of str
        Names of the stations, all different.
    locations : (n, 3) array_like
        Easting, northing and elevation (up) in m.
    frequencies : (n_f,) array_like
        Frequencies of all stations in Hz, ascending.
    apparent_resistivity : (n, n_f) array_like
        Apparent resistivity :math:`|Z|^2 / (2 \pi f \mu_0)` in ohm m, with nan for missing values.
    phase : (n, n_f) array_like
        Phase of the impedance in degrees, with time factor exp(+iωt): 45 over a half-space and 0 to 90 over any
        layers; nan for missing values.
    apparent_resistivity_error, phase_error : (n, n_f) array_like, optional
        Standard deviations in ohm m and in degrees, with nan (or None for all) if they are unknown. A relative error e
        of the impedance, that is ``e |Z|`` of its real and of its imaginary part, gives a relative error of 2 e of the
        apparent resistivity and e radians of the phase.

    Raises
    ------
    ValueError
        If frequencies are not positive, sorted and different, values are infinite, resistivities or errors are not
        positive, shapes do not fit, or a name occurs twice.

    Notes
    -----
    The arrays are stored as read-only float64 copies. ``soundings["YNP01"]``, ``soundings[["YNP01", "YNP02"]]``, an
    index, a slice or an array of bool selects stations and keeps all frequencies. Errors of missing values are dropped.

    Examples
    --------
    >>> from simpeg_jointdl import data
    >>> half_space = data.MTSoundings(["A"], [[0, 0, 0]], [1.0, 10.0], [[100.0, 100.0]], [[45.0, 45.0]])
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
        parts["locations"] = check.finite_array(f"{who}.locations", self.locations, (len(names), 3))
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

    def __getitem__(self, key: Any) -> MTSoundings:
        chosen = picked("MTSoundings", self.names, key)
        curves = (getattr(self, name)[chosen] for name in _CURVES)
        return MTSoundings([self.names[i] for i in chosen], self.locations[chosen], self.frequencies, *curves)

    @property
    def n_data(self) -> np.ndarray:
        """Number of resistivities and phases at each station, (n,)."""
        return np.sum(~np.isnan(self.apparent_resistivity), axis=1) + np.sum(~np.isnan(self.phase), axis=1)

    def floored(self, error_floor: float) -> MTSoundings:
        """Return soundings with an error floor.

        Parameters
        ----------
        error_floor : float
            Relative error e of the impedance, such as 0.05 for 5 %. Errors are raised to at least 2 e of the apparent
            resistivity and e radians of the phase; unknown errors are set to these values. 0 changes nothing.

        Returns
        -------
        MTSoundings
            Soundings with the raised errors.
        """
        floor = check.number("MTSoundings.error_floor", error_floor, least=0.0)
        if floor == 0.0:
            return self
        rho_error = np.fmax(self.apparent_resistivity_error, 2 * floor * self.apparent_resistivity)
        phase_error = np.fmax(self.phase_error, np.degrees(floor))
        return MTSoundings(
            self.names, self.locations, self.frequencies, self.apparent_resistivity, self.phase, rho_error, phase_error
        )

    def residual(self, predicted: MTSoundings) -> tuple[np.ndarray, np.ndarray]:
        """Return the normalized residuals of apparent resistivity and of phase.

        A residual is the predicted minus the observed value, divided by its error.

        Parameters
        ----------
        predicted : MTSoundings
            Predictions at the same stations and frequencies, in the same order. Their errors are not used.

        Returns
        -------
        (n, n_f) numpy.ndarray, (n, n_f) numpy.ndarray
            Residuals, with nan where an observed or predicted value, or its error, is missing.

        Raises
        ------
        ValueError
            If the stations or frequencies differ.
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
        """Return the mean squared residual of each station, (n,), or nan for a station without data.

        It is 1 where a station is fitted to its errors. The rms misfit of the magnetotelluric literature is its square
        root. See `residual`.
        """
        squared = np.concatenate(self.residual(predicted), axis=1) ** 2
        count = np.sum(~np.isnan(squared), axis=1)
        return np.where(count > 0, np.nansum(squared, axis=1) / np.maximum(count, 1), np.nan)

    def to_simpeg(self) -> Data:
        """Return SimPEG's data of these soundings with standard deviations, without missing values.

        There is one source per frequency, ascending. Its receivers are `Impedance` of orientation ``"xy"``, first
        ``"apparent_resistivity"``, then ``"phase"``, each at the stations that have a value.

        Returns
        -------
        simpeg.data.Data
            Data whose phases are reduced by 180 degrees (-135 over a half-space), as SimPEG's `Simulation1DRecursive`
            predicts them, because its z axis points up.

        Raises
        ------
        ValueError
            If there are no data, an error is unknown (use `floored` first), or two stations share their location, by
            which SimPEG identifies stations.
        """
        from ._simpeg import to_simpeg

        return to_simpeg(self)

    @classmethod
    def from_simpeg(cls, data: Data, names: Sequence[str] | None = None) -> MTSoundings:
        """Return the soundings of SimPEG's data.

        Parameters
        ----------
        data : simpeg.data.Data
            Data of a natural-source survey with `Impedance` receivers of orientation ``"xy"`` or ``"yx"`` (one of the
            two), with apparent resistivity, phase, or both parts of the impedance. Each location is a station.
        names : sequence of str, optional
            Names of the stations in the order of the survey; by default ``"1"``, ``"2"``, ...

        Returns
        -------
        MTSoundings
            Soundings whose phases are shifted by multiples of 180 degrees into [-45, 135). Standard deviations of zero
            become nan, for unknown.

        Raises
        ------
        TypeError, ValueError
            If there are other receivers, both orientations, or one part of an impedance without the other.
        """
        from ._simpeg import from_simpeg

        return cls(*from_simpeg(data, names))
