"""Layers for magnetotelluric soundings: their depths, and models on other layers."""

from __future__ import annotations

import numpy as np

from ...data import MTSoundings
from ...kernels import MU_0

_DEEPEST = 2.0  # times the depth of the last interface, down to which the half-space is averaged


def penetration(soundings: MTSoundings) -> tuple[float, float]:
    r"""Return the depths in m that most stations see at their highest and lowest frequency.

    They are :math:`\sqrt{\rho_a / \omega \mu_0}` (Niblett and Bostick). For the first a tenth of the stations sees
    shallower, and for the second a tenth sees deeper.
    """
    depth = np.sqrt(soundings.apparent_resistivity / (2.0 * np.pi * soundings.frequencies * MU_0))
    depth = depth[~np.isnan(depth).all(axis=1)]
    if not depth.size:
        msg = "create_mt_inversion.data: no station has an apparent resistivity; give thicknesses= to go without."
        raise ValueError(msg)
    shallow, deep = np.quantile(np.nanmin(depth, axis=1), 0.1), np.quantile(np.nanmax(depth, axis=1), 0.9)
    return float(shallow), float(deep)


def scale_of(thicknesses: np.ndarray, soundings: MTSoundings) -> float:
    """Return the factor on thicknesses that brings the interfaces to the depths that data see."""
    shallow, deep = penetration(soundings)
    return float(np.sqrt(shallow * deep / (thicknesses[0] * thicknesses.sum())))


def half_spaces(soundings: MTSoundings) -> np.ndarray:
    """Return the half-spaces in ohm m that fit the logarithm of apparent resistivity best, (n,)."""
    rho, error = soundings.apparent_resistivity, soundings.apparent_resistivity_error
    weight = np.where(np.isnan(rho), 0.0, (rho / error) ** 2)
    total = weight.sum(axis=1)
    mean = np.sum(weight * np.log(np.where(np.isnan(rho), 1.0, rho)), axis=1) / np.where(total > 0, total, 1.0)
    # phases alone do not determine the level
    return np.exp(np.where(total > 0, mean, np.log(100.0)))


def resampled(values: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Average values of layers over other layers, (n, n_old) -> (n, n_new).

    The new half-space is averaged down to twice the depth of the last new interface.

    Parameters
    ----------
    values : (n, n_old) numpy.ndarray
        Values of the layers, such as the logarithm of resistivity.
    old, new : (n_old - 1,), (n_new - 1,) numpy.ndarray
        Thicknesses of both sets of layers in m.
    """
    old_ends = np.concatenate([[0.0], np.cumsum(old), [np.inf]])
    new_ends = np.concatenate([[0.0], np.cumsum(new)])
    new_ends = np.append(new_ends, _DEEPEST * new_ends[-1] if new.size else old_ends[-2] * _DEEPEST)
    top = np.maximum(new_ends[:-1, None], old_ends[None, :-1])
    bottom = np.minimum(new_ends[1:, None], old_ends[None, 1:])
    overlap = np.clip(bottom - top, 0.0, None)  # (n_new, n_old)
    return values @ (overlap / overlap.sum(axis=1, keepdims=True)).T
