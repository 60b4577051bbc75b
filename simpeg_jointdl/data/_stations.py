"""Impedance tensors at stations: what an EDI holds, in one array for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import finite_array, real_number
from ..kernels import apparent_resistivity, impedance_component, is_spike, is_wrong_quadrant, rotate_impedance
from ._checks import ascending_frequencies, gappy_array, picked, station_names
from ._soundings import MTSoundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

COMPONENTS = ("determinant", "xy", "yx")
_EACH_STATION = ("locations", "impedance", "error", "longitude_latitude")


@dataclass(frozen=True, eq=False)
class MTStations:
    """Magnetotelluric impedance tensors at stations.

    Parameters
    ----------
    names : sequence of str
        One per station, each once.
    locations : (n, 3) array_like
        Easting, northing and elevation (up) in m.
    frequencies : (n_f,) array_like
        In Hz, ascending; those of all stations together.
    impedance : (n, n_f, 2, 2) array_like of complex
        Zij = Ei / Hj in ohm, x (north, turned by `rotation`), y (east), z down, time factor exp(+iωt): Zxy lies in
        the first quadrant over layers, Zyx in the third. nan where missing.
    error : (n, n_f, 2, 2) array_like, optional
        Standard deviation in ohm of the real part of each element, and of its imaginary part alike: the square root
        of an EDI's ``.VAR``. nan (or None for all) where nobody has told it.
    rotation : float
        Azimuth of the x axis in degrees, clockwise from north, the same for all stations.
    longitude_latitude : (n, 2) array_like, optional
        In degrees.
    crs : str
        Of the first two columns of `locations`, such as ``"EPSG:32612"``.

    Raises
    ------
    ValueError
        For frequencies that are not positive, not sorted or not distinct, infinite values, errors that are not
        positive, shapes that do not fit, or a name that comes twice.

    Notes
    -----
    The arrays are kept as read-only copies. ``stations["YNP01"]``, a list of names, an index, a slice or an array of
    bool chooses stations; all frequencies stay. An error where the element is missing is dropped.
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
        parts["locations"] = finite_array(f"{who}.locations", self.locations, (len(names), 3))
        parts["rotation"] = real_number(f"{who}.rotation", self.rotation)
        if self.longitude_latitude is not None:
            name = f"{who}.longitude_latitude"
            parts["longitude_latitude"] = finite_array(name, self.longitude_latitude, (len(names), 2))
        for key, value in parts.items():
            object.__setattr__(self, key, value)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: int | str | slice | Sequence[int] | Sequence[str] | np.ndarray) -> MTStations:
        chosen = picked("MTStations", self.names, key)
        parts = {name: getattr(self, name) for name in _EACH_STATION}
        parts = {name: value if value is None else value[chosen] for name, value in parts.items()}
        return replace(self, names=tuple(self.names[i] for i in chosen), **parts)

    def rotated(self, degrees: float) -> MTStations:
        """Impedances in axes turned further, R Z Rᵀ.

        Parameters
        ----------
        degrees : float
            Clockwise seen from above: ``rotated(-stations.rotation)`` leads back to the north.

        Returns
        -------
        MTStations
            Its errors are propagated as if those of the four elements were independent (the covariances are not in
            an EDI): turning there and back widens them, and the error of the determinant changes though the
            determinant does not. A tensor with a missing element is missing.
        """
        degrees = real_number("MTStations.rotated, degrees", degrees)
        impedance, error = rotate_impedance(self.impedance, self.error, degrees)
        impedance = np.where(np.isnan(self.impedance).any(axis=(-2, -1), keepdims=True), np.nan, impedance)
        return replace(self, impedance=impedance, error=error, rotation=self.rotation + degrees)

    def masked(self, missing: ArrayLike) -> MTStations:
        """Stations without what is marked.

        Parameters
        ----------
        missing : (n, n_f) or (n, n_f, 2, 2) array_like of bool
            True takes a whole tensor, or an element, out.

        Returns
        -------
        MTStations

        Raises
        ------
        ValueError
            For another shape or type.
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
        """Stations without elements Zxy and Zyx that layers cannot explain; the determinant goes with either.

        Parameters
        ----------
        relative_error : float, optional
            Drop elements of larger ``error / |Z|``; unknown errors stay.
        wrong_quadrant : bool
            Drop Zxy whose phase is not between 0 and 90 degrees, and Zyx whose phase less 180 is not.
        spikes : float, optional
            Drop elements whose log10 apparent resistivity is out of its neighbours' reach by more than this, 0.1 for
            instance: layers change it by at most a decade over a decade of frequency. Judged on what the first two
            have left.

        Returns
        -------
        MTStations
        """
        bad = np.zeros(self.impedance.shape, dtype=bool)
        if wrong_quadrant:
            bad |= is_wrong_quadrant(self.impedance)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_rho = np.log10(apparent_resistivity(self.impedance, self.frequencies[:, None, None]))
            if relative_error is not None:
                limit = real_number("MTStations.without, relative_error", relative_error, above=0.0)
                bad |= self.error / np.abs(self.impedance) > limit
        if spikes is not None:
            limit = real_number("MTStations.without, spikes", spikes, above=0.0)
            log_rho = np.where(bad, np.nan, log_rho)
            for i, j in ((0, 1), (1, 0)):
                bad[..., i, j] |= is_spike(log_rho[..., i, j], self.frequencies, limit)
        bad[..., 0, 0] = bad[..., 1, 1] = False
        return self.masked(bad)

    def soundings(self, component: str = "determinant", error_floor: float = 0.05) -> MTSoundings:
        """Apparent resistivity and phase of one component, for a layered inversion.

        Parameters
        ----------
        component : {"determinant", "xy", "yx"}
            ``"determinant"`` is sqrt(Zxx Zyy - Zxy Zyx), which no rotation changes. Phases of ``"yx"`` are those of
            -Zyx: 45 degrees over a half-space, too.
        error_floor : float
            Least relative error e of the impedance, 0.05 for 5 %: 2 e of the apparent resistivity, e radians of the
            phase. Where errors are unknown they become this floor; with 0 they stay nan.

        Returns
        -------
        MTSoundings
            At all stations and frequencies, nan where the component is missing.

        Raises
        ------
        TypeError
            If the floor is no number.
        ValueError
            For another component, or a floor below zero or not finite.
        """
        if component not in COMPONENTS:
            msg = f"MTStations.soundings, component: got {component!r}, wanted one of {COMPONENTS}. Use one of those."
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
