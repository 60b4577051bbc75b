"""Cluster centres: checks of what the user gives, and their update."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check

_WHO = "GuidedFuzzyCMeans"
_LEAST_SHARE = 1e-6  # of the total weight, so that an empty cluster keeps a finite factor


def check_centers(centers: ArrayLike, n_properties: int, n_clusters: int | None = None) -> np.ndarray:
    """Return a copy of two or more finite centres, (n_clusters, n_properties)."""
    mend = "Give one row per cluster and one column per property."
    centers = check.finite_array(f"{_WHO}.centers", centers, (n_clusters, n_properties), mend=mend)
    if len(centers) < 2:
        msg = f"{_WHO}.centers: got one cluster, wanted two or more. The background is a cluster, too."
        raise ValueError(msg)
    return centers.copy()


def check_guidance(guidance: ArrayLike, n_clusters: int) -> np.ndarray:
    """Return the guidance of each cluster, (n_clusters,), from one number or one per cluster."""
    who, mend = f"{_WHO}.guidance", "Infinity fixes the centres."
    return check.per_item(who, guidance, n_clusters, "cluster", least=0.0, infinite=True, mend=mend)


def check_scales(scales: ArrayLike | None, targets: np.ndarray) -> np.ndarray:
    """Return a positive scale of each property, (n_properties,); by default the range of the targets."""
    if scales is not None:
        return check.finite_array(f"{_WHO}.scales", scales, (targets.shape[1],), above=0.0)
    ranges = np.ptp(targets, axis=0)
    if (ranges <= 0).any():
        which = np.flatnonzero(ranges <= 0).tolist()
        msg = f"{_WHO}.scales: all centres are equal in property {which}. Give scales, the difference that matters."
        raise ValueError(msg)
    return ranges


def balance_factors(shares: np.ndarray, balance: float) -> np.ndarray:
    """Return a factor per cluster from its share of the total weight, with a geometric mean of 1."""
    logs = balance * np.log(np.maximum(shares, _LEAST_SHARE))
    return np.exp(logs - logs.mean())


def updated_centers(
    mass: np.ndarray, moment: np.ndarray, strength: np.ndarray, targets: np.ndarray, centers: np.ndarray
) -> np.ndarray:
    """Return the centres that minimise the coupling; all arrays are (n_clusters, n_properties).

    A cluster whose mass and strength are both zero keeps its centre.
    """
    total = mass + strength
    found = moment + strength * targets
    return np.where(total > 0, found / np.where(total > 0, total, 1.0), centers)
