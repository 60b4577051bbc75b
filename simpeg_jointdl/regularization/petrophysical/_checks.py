"""Validation of what a cluster coupling is given."""

from __future__ import annotations

import numpy as np


def check_centers(centers, n_properties: int) -> np.ndarray:
    """Copy of two or more finite centres, (n_clusters, n_properties)."""
    centers = np.array(centers, dtype=float)
    if centers.ndim != 2 or centers.shape[1] != n_properties:
        problem = f"shape {centers.shape}, wanted (n_clusters, {n_properties}), one column per property"
    elif len(centers) < 2:
        problem = "one cluster, which couples nothing; give two or more, the background being one"
    elif not np.isfinite(centers).all():
        problem = "NaN or infinite values"
    else:
        return centers
    msg = f"GuidedFuzzyCMeans.centers: got {problem}."
    raise ValueError(msg)


def check_guidance(guidance, n_clusters: int) -> np.ndarray:
    """Strength of each cluster, (n_clusters,), from one number or one for each."""
    values = np.array(guidance, dtype=float)
    if values.shape not in ((), (n_clusters,)) or np.isnan(values).any() or (values < 0).any():
        msg = (
            f"GuidedFuzzyCMeans.guidance: got {guidance!r}, wanted a number of at least 0 (infinity fixes the "
            f"centres), or {n_clusters} of them."
        )
        raise ValueError(msg)
    return np.broadcast_to(values, (n_clusters,)).copy()


def check_scales(scales, targets: np.ndarray) -> np.ndarray:
    """Positive scale of each property, (n_properties,); the range of the targets if None."""
    n_properties = targets.shape[1]
    values = np.ptp(targets, axis=0) if scales is None else np.array(scales, dtype=float)
    if values.shape != (n_properties,) or not np.isfinite(values).all() or (values <= 0).any():
        source = "the centres, all alike in one property," if scales is None else "scales"
        msg = (
            f"GuidedFuzzyCMeans.scales: {source} give {values}; wanted {n_properties} positive numbers, "
            "the size of a difference that matters in each property."
        )
        raise ValueError(msg)
    return values
