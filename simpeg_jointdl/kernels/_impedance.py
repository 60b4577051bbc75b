"""Impedance tensors: turned, reduced to one component, and judged. Pure functions of arrays (..., 2, 2)."""

from __future__ import annotations

import numpy as np

MU_0 = 4e-7 * np.pi


def apparent_resistivity(impedance: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """|Z|² / (2π f μ₀) in ohm m of (..., n_f) impedances in ohm."""
    return np.abs(impedance) ** 2 / (2 * np.pi * frequencies * MU_0)


def rotate_impedance(impedance: np.ndarray, error: np.ndarray, degrees) -> tuple[np.ndarray, np.ndarray]:
    """R Z Rᵀ and its standard deviations, axes turned clockwise seen from above (from north to east).

    The errors of the four elements are taken as independent; an EDI says nothing of their covariances.
    """
    angle = np.radians(np.asarray(degrees, dtype=np.float64))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cosine, sine], axis=-1), np.stack([-sine, cosine], axis=-1)], axis=-2)
    turned = turn @ impedance @ np.swapaxes(turn, -1, -2)
    squared = turn**2
    return turned, np.sqrt(squared @ error**2 @ np.swapaxes(squared, -1, -2))


def impedance_component(impedance: np.ndarray, error: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(..., ) complex impedance, in the first quadrant over layers, and its standard deviation.

    ``"xy"`` is Zxy and ``"yx"`` is -Zyx. ``"determinant"`` is sqrt(Zxx Zyy - Zxy Zyx), the same whatever the axes;
    its error comes from the derivative of the determinant, the four elements being independent.
    """
    if name == "xy":
        return impedance[..., 0, 1], error[..., 0, 1]
    if name == "yx":
        return -impedance[..., 1, 0], error[..., 1, 0]
    root = np.sqrt(impedance[..., 0, 0] * impedance[..., 1, 1] - impedance[..., 0, 1] * impedance[..., 1, 0])
    # d det / d Zij is, but for its sign, the element across
    across = np.abs(impedance[..., ::-1, ::-1])
    spread = np.sqrt(np.sum((across * error) ** 2, axis=(-2, -1)))
    size = np.where(root == 0, np.nan, np.abs(root))
    return np.where(root == 0, np.nan, root), spread / (2 * size)


def is_wrong_quadrant(impedance: np.ndarray) -> np.ndarray:
    """(..., 2, 2) True where the phase of Zxy or -Zyx is not between 0 and 90 degrees; never on the diagonal."""
    wrong = np.zeros(impedance.shape, dtype=bool)
    for (i, j), sign in (((0, 1), 1.0), ((1, 0), -1.0)):
        z = sign * impedance[..., i, j]
        wrong[..., i, j] = ~np.isnan(z) & ~((z.real > 0) & (z.imag > 0))
    return wrong


def is_spike(log_rho: np.ndarray, frequencies: np.ndarray, limit: float) -> np.ndarray:
    """(n, n_f) True where log10 apparent resistivity is out of its neighbours' reach by more than `limit`.

    Over layers it changes by no more than a decade over a decade of frequency, so two points are out of reach of each
    other by |Δ log10 ρ| - |Δ log10 f|. Asked are the two nearest points that are there on either side, and the
    second nearest of the answers counts (of two or three, the middle or the lower): one bad neighbour is outvoted.
    """
    spikes = np.zeros(log_rho.shape, dtype=bool)
    for row, found in zip(log_rho, spikes, strict=True):
        (there,) = np.nonzero(np.isfinite(row))
        if len(there) < 3:
            continue
        value, place = (np.pad(v[there], 2, constant_values=np.nan) for v in (row, np.log10(frequencies)))
        answers = [
            np.abs(value[2:-2] - value[k : k + len(there)]) - np.abs(place[2:-2] - place[k : k + len(there)])
            for k in (0, 1, 3, 4)
        ]
        ordered = np.sort(answers, axis=0)  # nan, of neighbours that are not there, last
        middle = (np.sum(~np.isnan(ordered), axis=0) - 1) // 2
        found[there] = np.take_along_axis(ordered, middle[None], axis=0)[0] > limit
    return spikes
