"""Magnetotelluric impedance tensors of all stations in one array."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._core import validation as check
from ..kernels import apparent_resistivity, impedance_component, is_spike, is_wrong_quadrant, rotate_impedance
from ._checks import ascending_frequencies, gappy_array, picked, station_names
from ._soundings import MTSoundings

COMPONENTS = ("determinant", "xy", "yx")
_EACH_STATION = ("locations", "impedance", "error", "longitude_latitude")


@dataclass(frozen=True, eq=False)
class MTStations:
    """Magnetotelluric impedance tensors at stations.

    Parameters
    ----------
    names : sequence of str
        Names of the stations, all different.
    locations : (n, 3) array_like
        Easting, northing and elevation (up) in m.
    frequencies : (n_f,) array_like
        Frequencies of all stations in Hz, ascending.
    impedance : (n, n_f, 2, 2) array_like of complex
        Impedances Zij = Ei / Hj in ohm, with x north (rotated by `rotation`), y east, z down and time factor exp(+iωt):
        over layers Zxy is in the first quadrant and Zyx in the third. nan for missing values.
    error : (n, n_f, 2, 2) array_like, optional
        Standard deviation in ohm of the real part and of the imaginary part of each element, the square root of an
        EDI's ``.VAR``. nan (or None for all) if it is unknown.
    rotation : float
        Azimuth of the x axis in degrees clockwise from north, the same for all stations.
    longitude_latitude : (n, 2) array_like, optional
        Longitude and latitude in degrees.
    crs : str
        Coordinate reference system of the first two columns of `locations`, such as ``"EPSG:32612"``.

    Raises
    ------
    ValueError
        If frequencies are not positive, sorted and different, values are infinite, errors are not positive, shapes do
        not fit, or a name occurs twice.

    Notes
    -----
    The arrays are stored as read-only copies. ``stations["YNP01"]``, a list of names, an index, a slice or an array of
    bool selects stations and keeps all frequencies. Errors of missing elements are dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg_jointdl import data
    >>> z = 0.01 * (1 + 1j) * np.array([[0, 1], [-1, 0]])
    >>> stations = data.MTStations(["A"], [[0, 0, 0]], [1.0], z[None, None])
    >>> stations.soundings("xy").phase
    array([[45.]])
    """

    names: tuple[str, ...]
    locations: np.ndarray
    frequencies: np.ndarray
    impedance: np.ndarray
    error: np.ndarray | None = None
    rotation: float = 0.0
    longitude_latitude: np.ndarray | None = None
    crs: str = ""

    def __post_init__(self) -> None:
        who = "MTStations"
        names = station_names(who, self.names)
        frequencies = ascending_frequencies(who, self.frequencies)
        shape = (len(names), len(frequencies), 2, 2)
        impedance = gappy_array(f"{who}.impedance", self.impedance, shape, np.complex128)
        error = np.full(shape, np.nan) if self.error is None else self.error
        if np.shape(error) == shape:
            error = np.where(np.isnan(impedance), np.nan, error)
        parts = {"names": names, "frequencies": frequencies, "impedance": impedance}
        parts["error"] = gappy_array(f"{who}.error", error, shape, positive=True)
        parts["locations"] = check.finite_array(f"{who}.locations", self.locations, (len(names), 3))
        parts["rotation"] = check.number(f"{who}.rotation", self.rotation)
        if self.longitude_latitude is not None:
            name = f"{who}.longitude_latitude"
            parts["longitude_latitude"] = check.finite_array(name, self.longitude_latitude, (len(names), 2))
        for key, value in parts.items():
            object.__setattr__(self, key, value)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: Any) -> MTStations:
        chosen = picked("MTStations", self.names, key)
        parts = {name: getattr(self, name) for name in _EACH_STATION}
        parts = {name: value if value is None else value[chosen] for name, value in parts.items()}
        return replace(self, names=tuple(self.names[i] for i in chosen), **parts)

    def rotated(self, degrees: float) -> MTStations:
        """Return the impedances in rotated axes, R Z Rᵀ.

        Parameters
        ----------
        degrees : float
            Rotation angle, clockwise as seen from above: ``rotated(-stations.rotation)`` gives axes to the north.

        Returns
        -------
        MTStations
            Rotated impedances. Errors are propagated as if the four elements were independent, since an EDI does not
            contain their covariances: rotating back and forth increases them, and changes the error of the determinant
            although the determinant is invariant. A tensor with a missing element becomes missing.
        """
        degrees = check.number("MTStations.rotated, degrees", degrees)
        impedance, error = rotate_impedance(self.impedance, self.error, degrees)
        impedance = np.where(np.isnan(self.impedance).any(axis=(-2, -1), keepdims=True), np.nan, impedance)
        return replace(self, impedance=impedance, error=error, rotation=self.rotation + degrees)

    def masked(self, missing: ArrayLike) -> MTStations:
        """Return the stations without the marked values.

        Parameters
        ----------
        missing : (n, n_f) or (n, n_f, 2, 2) array_like of bool
            True removes a whole tensor, or a single element.

        Returns
        -------
        MTStations
            Stations with nan for the removed values.

        Raises
        ------
        ValueError
            If the shape or type is another one.
        """
        missing = np.asarray(missing)
        shapes = (self.impedance.shape[:2], self.impedance.shape)
        if missing.dtype != bool or missing.shape not in shapes:
            msg = (
                f"MTStations.masked: got {missing.dtype} of shape {missing.shape}, wanted bool of shape {shapes[0]} "
                f"or {shapes[1]}. Give one per station and frequency (and element)."
            )
            raise ValueError(msg)
        missing = missing[..., None, None] if missing.ndim == 2 else missing
        return replace(self, impedance=np.where(missing, np.nan, self.impedance))

    def without(
        self, *, relative_error: float | None = None, wrong_quadrant: bool = False, spikes: float | None = None
    ) -> MTStations:
        """Return the stations without elements Zxy and Zyx that layers cannot explain.

        The determinant is missing wherever one of its elements is.

        Parameters
        ----------
        relative_error : float, optional
            Largest ``error / |Z|`` of an element that is kept; elements with unknown errors are kept.
        wrong_quadrant : bool
            Whether to remove Zxy with a phase outside 0 to 90 degrees, and Zyx with a phase outside -180 to -90.
        spikes : float, optional
            Largest distance of the log10 apparent resistivity from the range that its neighbours allow, such as 0.1.
            Over layers it changes by at most one decade per decade of frequency. This check comes last.

        Returns
        -------
        MTStations
            Stations with nan for the removed elements.
        """
        bad = np.zeros(self.impedance.shape, dtype=bool)
        if wrong_quadrant:
            bad |= is_wrong_quadrant(self.impedance)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_rho = np.log10(apparent_resistivity(self.impedance, self.frequencies[:, None, None]))
            if relative_error is not None:
                limit = check.number("MTStations.without, relative_error", relative_error, above=0.0)
                bad |= self.error / np.abs(self.impedance) > limit
        if spikes is not None:
            limit = check.number("MTStations.without, spikes", spikes, above=0.0)
            log_rho = np.where(bad, np.nan, log_rho)
            for i, j in ((0, 1), (1, 0)):
                bad[..., i, j] |= is_spike(log_rho[..., i, j], self.frequencies, limit)
        bad[..., 0, 0] = bad[..., 1, 1] = False
        return self.masked(bad)

    def soundings(
        self, component: Literal["determinant", "xy", "yx"] = "determinant", error_floor: float = 0.05
    ) -> MTSoundings:
        """Return apparent resistivity and phase of one component, for a layered inversion.

        Parameters
        ----------
        component : {"determinant", "xy", "yx"}
            ``"determinant"`` is sqrt(Zxx Zyy - Zxy Zyx), which does not change under rotation. Phases of ``"yx"`` are
            those of -Zyx, which are 45 degrees over a half-space, too.
        error_floor : float
            Smallest relative error e of the impedance, such as 0.05 for 5 %: 2 e of the apparent resistivity and e
            radians of the phase. Unknown errors are set to this floor; with 0 they stay nan.

        Returns
        -------
        MTSoundings
            Soundings at all stations and frequencies, with nan where the component is missing.

        Raises
        ------
        TypeError
            If the floor is not a number.
        ValueError
            If the component is another one, or the floor is negative or not finite.
        """
        if component not in COMPONENTS:
            msg = f"MTStations.soundings.component: got {component!r}, wanted one of {COMPONENTS}."
            raise ValueError(msg)
        z, error = impedance_component(self.impedance, self.error, component)
        z = np.where(z == 0, np.nan, z)
        rho = apparent_resistivity(z, self.frequencies)
        relative = error / np.abs(z)
        phase = np.degrees(np.angle(z))
        soundings = MTSoundings(
            self.names, self.locations, self.frequencies, rho, phase, 2 * relative * rho, np.degrees(relative)
        )
        return soundings.floored(error_floor)
