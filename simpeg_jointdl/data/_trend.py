"""Removal of a regional trend: a low-order polynomial in easting and northing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._core import validation as check

_HUBER = 1.345  # 95 % efficient on Gaussian residuals
_NORMAL_MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
_PASSES = 20


def remove_trend(
    locations: ArrayLike, values: ArrayLike, order: int = 1, *, robust: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    r"""Remove a polynomial regional trend from station data.

    The trend is :math:`t(x, y) = \sum_{i + j \le order} c_{ij} x^i y^j`, with both coordinates scaled to
    [-1, 1]. Anomalies bias a least-squares fit. With `robust`, residuals :math:`r` beyond 1.345 standard deviations
    (estimated from the median) therefore enter as :math:`|r|` instead of :math:`r^2`, which is Huber's loss [1]_, by
    iteratively reweighted least squares.

    Parameters
    ----------
    locations : (n, 2) or (n, 3) array_like
        Station coordinates in m; elevation is not used.
    values : (n,) array_like
        Data, in any unit.
    order : {0, 1, 2}
        Order of the polynomial: a constant, a plane or a quadratic surface.
    robust : bool
        Whether to use Huber's loss instead of plain least squares.

    Returns
    -------
    residual, trend : (n,) numpy.ndarray
        `values` minus the trend, and the trend.

    Raises
    ------
    TypeError
        If coordinates or values are not numbers.
    ValueError
        If the order is another one, shapes do not fit, entries are not finite, or there are fewer stations than the
        trend has coefficients (1, 3 or 6).

    References
    ----------
    .. [1] Huber, P. J. (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics
       35, 73-101. https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import numpy as np
    >>> locations = np.random.default_rng(0).uniform(size=(50, 2))
    >>> residual, trend = remove_trend(locations, 3.0 + 2.0 * locations[:, 0])
    >>> bool(np.allclose(residual, 0.0))
    True
    """
    columns = 2 if np.ndim(locations) == 2 and np.shape(locations)[1] == 2 else 3
    xy = check.finite_array("remove_trend.locations", locations, (None, columns))[:, :2]
    values = check.finite_array("remove_trend.values", values, (len(xy),))
    basis = _polynomials(xy, order)
    if len(values) < basis.shape[1]:
        msg = (
            f"remove_trend: got {len(values)} stations, wanted at least {basis.shape[1]} for order {order}. "
            f"Lower the order."
        )
        raise ValueError(msg)
    coefficients = _huber(basis, values) if robust else np.linalg.lstsq(basis, values, rcond=None)[0]
    trend = basis @ coefficients
    return values - trend, trend


def _polynomials(xy: np.ndarray, order: int) -> np.ndarray:
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or order not in (0, 1, 2):
        msg = f"remove_trend: got order={order!r}, wanted 0, 1 or 2. Higher orders would fit the anomalies."
        raise ValueError(msg)
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = np.where(high > low, high - low, 1.0)  # on a straight line one scaled coordinate is constant
    x, y = (2.0 * (xy - low) / span - 1.0).T
    return np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], axis=1)


def _huber(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    coefficients = np.linalg.lstsq(basis, values, rcond=None)[0]
    for _ in range(_PASSES):
        distance = np.abs(values - basis @ coefficients)
        threshold = _HUBER * _NORMAL_MAD * np.median(distance)
        if threshold <= 1e-12 * np.abs(values).max():
            break  # more than half of the stations already lie on the trend
        root = np.sqrt(threshold / np.maximum(distance, threshold))
        previous, coefficients = (
            coefficients,
            np.linalg.lstsq(basis * root[:, None], values * root, rcond=None)[0],
        )
        if np.abs(coefficients - previous).max() <= 1e-6 * threshold:
            break
    return coefficients
