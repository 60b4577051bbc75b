"""Soundings that were never measured: over layers that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._core.checks import finite_array, positive_array, real_number
from ..._core.tensors import as_numpy, as_tensor, resolve_device
from ...data import MTSoundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

_SPACING = 1000.0  # m, of stations without places


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
    """Magnetotelluric soundings over layered earths, with noise.

    Parameters
    ----------
    resistivity : (n_stations, n_layers) or (n_layers,) array
        In ohm m, from the surface down.
    thicknesses : (n_layers - 1,) array
        In m.
    frequencies : (n_frequencies,) array
        In Hz, ascending.
    noise : float
        Standard deviation of the real and of the imaginary part of the impedance over its absolute value, and what
        the errors say: 2 `noise` of the apparent resistivity, `noise` radians of the phase. With 0 data are exact
        and without errors.
    names : sequence of str, optional
        ``"S001"`` and so on if not given.
    locations : (n_stations, 3) array, optional
        Easting, northing and elevation in m; every 1000 m towards the east if not given.
    random_seed : int or numpy.random.Generator

    Returns
    -------
    MTSoundings

    Raises
    ------
    TypeError, ValueError
        For values that are not finite and above zero, of shapes that do not fit, or a negative noise.

    Examples
    --------
    >>> from simpeg_jointdl.datasets import synthetic
    >>> soundings = synthetic.make_soundings([100.0, 5.0, 500.0], [300.0, 200.0], [0.1, 1.0, 10.0, 100.0])
    >>> soundings.apparent_resistivity.shape
    (1, 4)
    """
    from ...kernels import layered_sounding  # with scipy, which an import of datasets should not cost

    who = "make_soundings"
    frequencies = positive_array(f"{who}.frequencies", frequencies, (None,))
    thicknesses = np.atleast_1d(np.asarray(thicknesses, dtype=float))
    if thicknesses.size:
        thicknesses = positive_array(f"{who}.thicknesses", thicknesses, (None,))
    resistivity = positive_array(f"{who}.resistivity", np.atleast_2d(resistivity), (None, len(thicknesses) + 1))
    noise = real_number(f"{who}.noise", noise, minimum=0.0)
    n = len(resistivity)
    names = [f"S{i + 1:03d}" for i in range(n)] if names is None else names
    if locations is None:
        locations = np.column_stack([_SPACING * np.arange(n), np.zeros(n), np.zeros(n)])
    locations = finite_array(f"{who}.locations", locations, (n, 3))
    device = resolve_device("cpu")
    exact = layered_sounding(*(as_tensor(part, device) for part in (frequencies, 1.0 / resistivity, thicknesses)))
    apparent, phase = (as_numpy(part) for part in exact)
    rng = np.random.default_rng(random_seed)
    along, across = noise * rng.standard_normal((2, *apparent.shape))  # of the impedance, relative
    moved = (1.0 + along + 1j * across) * np.exp(1j * phase)
    measured = apparent * np.abs(moved) ** 2, np.degrees(np.angle(moved))
    errors = (2.0 * noise * measured[0], np.full(apparent.shape, np.degrees(noise))) if noise else (None, None)
    return MTSoundings(names, locations, frequencies, *measured, *errors)
