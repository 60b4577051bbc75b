"""Impedance tensors of magnetotellurics: rotation, components, and checks of their quality."""

from __future__ import annotations

import numpy as np

from ._constants import MU_0


def apparent_resistivity(impedance: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    r"""Compute apparent resistivities.

    .. math::
        \rho_a = \frac{|Z|^2}{2 \pi f \mu_0}

    Parameters
    ----------
    impedance : (...) numpy.ndarray
        Complex impedances in ohm.
    frequencies : (...) numpy.ndarray
        Frequencies in Hz, of a shape that broadcasts to that of the impedances.

    Returns
    -------
    (...) numpy.ndarray
        Apparent resistivities in ohm m.
    """
    return np.abs(impedance) ** 2 / (2 * np.pi * frequencies * MU_0)


def rotate_impedance(
    impedance: np.ndarray, error: np.ndarray, degrees: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate the axes of impedance tensors, Z' = R Z Rᵀ.

    The errors of the four elements are assumed to be independent, since an EDI file does not hold their covariances.

    Parameters
    ----------
    impedance : (..., 2, 2) numpy.ndarray
        Complex impedance tensors.
    error : (..., 2, 2) numpy.ndarray
        Standard deviations of their elements.
    degrees : float or (...) numpy.ndarray
        Angle by which the axes turn, clockwise seen from above (from north to east).

    Returns
    -------
    impedance : (..., 2, 2) numpy.ndarray
        Impedance tensors in the new axes.
    error : (..., 2, 2) numpy.ndarray
        Standard deviations of their elements.
    """
    angle = np.radians(np.asarray(degrees, dtype=np.float64))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cosine, sine], axis=-1), np.stack([-sine, cosine], axis=-1)], axis=-2)
    turned = turn @ impedance @ np.swapaxes(turn, -1, -2)
    squared = turn**2
    return turned, np.sqrt(squared @ error**2 @ np.swapaxes(squared, -1, -2))


def impedance_component(impedance: np.ndarray, error: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Reduce impedance tensors to one component, which is in the first quadrant over a layered earth.

    Parameters
    ----------
    impedance : (..., 2, 2) numpy.ndarray
        Complex impedance tensors.
    error : (..., 2, 2) numpy.ndarray
        Standard deviations of their elements.
    name : {"xy", "yx", "determinant"}
        ``"xy"`` is Zxy, ``"yx"`` is -Zyx, and ``"determinant"`` is sqrt(Zxx Zyy - Zxy Zyx), which does not depend on
        the axes.

    Returns
    -------
    impedance : (...) numpy.ndarray
        Complex impedances; NaN where the determinant is zero.
    error : (...) numpy.ndarray
        Their standard deviations. That of the determinant follows from its derivative, for independent errors of the
        four elements.
    """
    if name == "xy":
        return impedance[..., 0, 1], error[..., 0, 1]
    if name == "yx":
        return -impedance[..., 1, 0], error[..., 1, 0]
    root = np.sqrt(impedance[..., 0, 0] * impedance[..., 1, 1] - impedance[..., 0, 1] * impedance[..., 1, 0])
    # the derivative of the determinant by an element is, up to its sign, the diagonally opposite element
    across = np.abs(impedance[..., ::-1, ::-1])
    spread = np.sqrt(np.sum((across * error) ** 2, axis=(-2, -1)))
    size = np.where(root == 0, np.nan, np.abs(root))
    return np.where(root == 0, np.nan, root), spread / (2 * size)


def is_wrong_quadrant(impedance: np.ndarray) -> np.ndarray:
    """Find off-diagonal elements whose phase is not between 0 and 90 degrees.

    Parameters
    ----------
    impedance : (..., 2, 2) numpy.ndarray
        Complex impedance tensors, NaN where an element is missing.

    Returns
    -------
    (..., 2, 2) numpy.ndarray of bool
        True where the phase of Zxy or -Zyx is outside; False on the diagonal.
    """
    wrong = np.zeros(impedance.shape, dtype=bool)
    for (i, j), sign in (((0, 1), 1.0), ((1, 0), -1.0)):
        z = sign * impedance[..., i, j]
        wrong[..., i, j] = ~np.isnan(z) & ~((z.real > 0) & (z.imag > 0))
    return wrong


def is_spike(log_rho: np.ndarray, frequencies: np.ndarray, limit: float) -> np.ndarray:
    """Find apparent resistivities that change too much from one frequency to the next.

    Over a layered earth the apparent resistivity changes by at most a decade per decade of frequency. The excess of a
    pair of points is therefore ``|Δ log10 ρ| - |Δ log10 f|``. Each point is compared with the two nearest points
    present on either side, and the second smallest of these four values counts (the middle one of three, the smaller
    one of two), so that one bad neighbour has no influence.

    Parameters
    ----------
    log_rho : (n, n_frequencies) numpy.ndarray
        Apparent resistivities as log10 of ohm m, NaN where missing.
    frequencies : (n_frequencies,) numpy.ndarray
        Frequencies in Hz.
    limit : float
        Largest excess allowed, in decades.

    Returns
    -------
    (n, n_frequencies) numpy.ndarray of bool
        True where the excess is larger than the limit.
    """
    spikes = np.zeros(log_rho.shape, dtype=bool)
    for row, found in zip(log_rho, spikes, strict=True):
        (there,) = np.nonzero(np.isfinite(row))
        if len(there) < 3:
            continue
        value, place = (np.pad(v[there], 2, constant_values=np.nan) for v in (row, np.log10(frequencies)))
        excesses = [
            np.abs(value[2:-2] - value[k : k + len(there)]) - np.abs(place[2:-2] - place[k : k + len(there)])
            for k in (0, 1, 3, 4)
        ]
        ordered = np.sort(excesses, axis=0)  # NaN, of absent neighbours, comes last
        middle = (np.sum(~np.isnan(ordered), axis=0) - 1) // 2
        found[there] = np.take_along_axis(ordered, middle[None], axis=0)[0] > limit
    return spikes
