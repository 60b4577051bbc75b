"""Largest eigenvalues by power iteration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

POWER_ITERATIONS = 8


def spectral_norm(product: Callable[[np.ndarray], np.ndarray], support: np.ndarray, rng: np.random.Generator) -> float:
    """Estimate the largest eigenvalue of a block of a symmetric matrix by power iteration.

    Parameters
    ----------
    product : callable
        Product of the whole matrix with a vector, (nP,) -> (nP,).
    support : (nP,) numpy.ndarray of bool
        Rows and columns of the block.
    rng : numpy.random.Generator
        Generator of the first vector.

    Returns
    -------
    float
        A Rayleigh quotient, which is at most the largest eigenvalue; 0 for a block of zeros.
    """
    x = rng.standard_normal(support.size) * support
    value = 0.0
    for _ in range(POWER_ITERATIONS):
        norm = np.linalg.norm(x)
        if norm == 0.0:
            return 0.0
        x /= norm
        image = product(x) * support
        value = float(x @ image)
        x = image
    return value
