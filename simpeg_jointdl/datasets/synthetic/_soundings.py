"""Synthetic magnetotelluric soundings over layered earths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor, resolve_device
from ...data import MTSoundings

_SPACING = 1000.0  # m, default spacing of the stations


def make_soundings(
    resistivity: ArrayLike,
    thicknesses: ArrayLike,
    frequencies: ArrayLike,
    *,
    noise: float = 0.05,
    names: Sequence[str] | None = None,
    locations: ArrayLike | None = None,
    random_seed: int | np.random.Generator = 0,
) -> MTSoundings:
    """Return synthetic magnetotelluric soundings over layered earths, with noise.

    Parameters
    ----------
    resistivity : (n_stations, n_layers) or (n_layers,) array_like
        Resistivities in ohm m, from the surface down.
    thicknesses : (n_layers - 1,) array_like
        Thicknesses in m.
    frequencies : (n_frequencies,) array_like
        Frequencies in Hz, ascending.
    noise : float
        Standard deviation of the real and of the imaginary part of the impedance, relative to its absolute value. The
        errors of the soundings follow from it: a relative error of 2 `noise` of the apparent resistivity and `noise`
        radians of the phase. With 0 the data are exact and have no errors.
    names : sequence of str, optional
        Names of the stations; by default ``"S001"`` and so on.
    locations : (n_stations, 3) array_like, optional
        Easting, northing and elevation in m; by default every 1000 m towards the east.
    random_seed : int or numpy.random.Generator
        Seed of the noise.

    Returns
    -------
    MTSoundings
        Soundings of all stations.

    Raises
    ------
    TypeError, ValueError
        If values are not finite and above zero, shapes do not fit, or the noise is negative.

    Examples
    --------
    >>> from simpeg_jointdl.datasets import synthetic
    >>> soundings = synthetic.make_soundings([100.0, 5.0, 500.0], [300.0, 200.0], [0.1, 1.0, 10.0, 100.0])
    >>> soundings.apparent_resistivity.shape
    (1, 4)
    """
    from ...kernels import layered_sounding  # imports scipy, which is slow

    who = "make_soundings"
    frequencies = check.finite_array(f"{who}.frequencies", frequencies, (None,), above=0.0)
    thicknesses = np.atleast_1d(np.asarray(thicknesses, dtype=float))
    if thicknesses.size:
        thicknesses = check.finite_array(f"{who}.thicknesses", thicknesses, (None,), above=0.0)
    resistivity = check.finite_array(
        f"{who}.resistivity", np.atleast_2d(resistivity), (None, len(thicknesses) + 1), above=0.0
    )
    noise = check.number(f"{who}.noise", noise, least=0.0)
    n = len(resistivity)
    names = [f"S{i + 1:03d}" for i in range(n)] if names is None else names
    if locations is None:
        locations = np.column_stack([_SPACING * np.arange(n), np.zeros(n), np.zeros(n)])
    locations = check.finite_array(f"{who}.locations", locations, (n, 3))
    device = resolve_device("cpu")
    exact = layered_sounding(*(as_tensor(part, device) for part in (frequencies, 1.0 / resistivity, thicknesses)))
    apparent, phase = (as_numpy(part) for part in exact)
    rng = np.random.default_rng(random_seed)
    along, across = noise * rng.standard_normal((2, *apparent.shape))  # relative change of the impedance
    moved = (1.0 + along + 1j * across) * np.exp(1j * phase)
    measured = apparent * np.abs(moved) ** 2, np.degrees(np.angle(moved))
    errors = (2.0 * noise * measured[0], np.full(apparent.shape, np.degrees(noise))) if noise else (None, None)
    return MTSoundings(names, locations, frequencies, *measured, *errors)
