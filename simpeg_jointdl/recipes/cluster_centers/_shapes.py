"""Bodies of given properties whose shapes fit the data: what a set of cluster centres can explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from ...kernels import bidiagonalized
from ._linear_data import LinearData

# a level set of 5 is a membership of 99 %
SHARPNESS = (5.0,)
_KRYLOV = 60
_DAMPINGS = np.array([8.0, 2.0, 0.5, 0.1, 0.02])  # relative to the last
_REACH = 1.5  # of the smoothing of changes, in cells


@dataclass
class Shapes:
    """Bodies after a fit.

    Attributes
    ----------
    levels : (n_units, n_cells) numpy.ndarray
        Level sets, see :func:`memberships`.
    centers : (n_units, n_properties) numpy.ndarray
        Properties of the bodies, the background left out.
    chi : (n_misfits,) numpy.ndarray
    height : float
        Of the level sets: they lie between plus and minus it.
    """

    levels: np.ndarray
    centers: np.ndarray
    chi: np.ndarray
    height: float = SHARPNESS[0]

    @property
    def memberships(self) -> np.ndarray:
        """(n_units + 1, n_cells), the background first."""
        return memberships(self.levels, self.height)[0]

    @property
    def properties(self) -> np.ndarray:
        """(n_properties, n_cells)."""
        return self.centers.T @ self.memberships[1:]


def smoothing(centers, widths) -> sp.csr_matrix:
    """Gaussian average over neighbours, (n_cells, n_cells): how a change of shape spreads."""
    scaled = centers / (_REACH * widths)
    pairs = cKDTree(scaled).sparse_distance_matrix(cKDTree(scaled), 2.0, output_type="coo_matrix").tocoo()
    weights = sp.csr_matrix((np.exp(-np.square(pairs.data)), (pairs.row, pairs.col)), shape=pairs.shape)
    return (sp.diags(1.0 / np.sqrt(weights.power(2).sum(axis=1).A1)) @ weights).tocsr()


def memberships(levels, height) -> tuple[np.ndarray, np.ndarray]:
    r"""How much each cell belongs to the background and each unit, and how fast that changes.

    .. math::
        u_k = \frac{e^{l_k} - e^{-h}}{Z}, \quad u_0 = \frac{1}{Z}, \quad Z = 1 + \sum_j (e^{l_j} - e^{-h}),
        \qquad \frac{\partial u_j}{\partial l_k} = \frac{e^{l_k}}{Z} (\delta_{jk} - u_j)

    A softmax would leave a little of every unit in every cell, and a little in all of the background is as much mass
    as a body.

    Returns
    -------
    memberships : (n_units + 1, n_cells) numpy.ndarray
        The background first; a level at the bottom, :math:`-h`, is no membership at all.
    slopes : (n_units, n_cells) numpy.ndarray
        :math:`e^{l_k} / Z`.
    """
    powers = np.exp(levels)
    above = powers - np.exp(-height)
    total = 1.0 + above.sum(axis=0)
    return np.concatenate([np.ones((1, levels.shape[1])), above]) / total, powers / total


def first_levels(properties, centers) -> np.ndarray:
    """Level sets from how near a cell is to each unit, compared with the background."""
    scales = np.maximum(np.abs(centers).max(axis=0), 1e-300)
    to_units = np.stack([np.square((properties - c[:, None]) / scales[:, None]).sum(axis=0) for c in centers])
    size = np.square(centers / scales).sum(axis=1)[:, None]
    to_background = np.square(properties / scales[:, None]).sum(axis=0)
    return np.clip(2.0 * SHARPNESS[0] * (to_background - to_units) / size, -SHARPNESS[0], SHARPNESS[0])


def fit_shapes(
    data: LinearData, smooth, centers, levels, *, target=1.0, freedom=0.0, max_iterations=12, sharpness=SHARPNESS
) -> Shapes:
    """Change shapes, and properties if they are free, until the data are fitted or nothing improves.

    Gauss-Newton in the level sets, each step from a Krylov space: steps are smooth over a few cells, no longer than
    a level set is high, and damped so that they lower the misfit.

    Parameters
    ----------
    centers : (n_units, n_properties) numpy.ndarray
    levels : (n_units, n_cells) numpy.ndarray
        Where to start.
    freedom : float
        How much the properties may change in a step, as a part of the largest of each; 0 keeps them.
    sharpness : sequence of float
        Height of the level sets, stage by stage.
    """
    found = Shapes(levels, np.array(centers, dtype=float), np.full(len(data.observed), np.inf))
    for height in sharpness:
        scale = height / max(np.abs(found.levels).max(), 1e-12)
        found = Shapes(np.clip(found.levels * scale, -height, height), found.centers, found.chi, height)
        found.chi = data.chi(found.properties)
        damping = None
        for _ in range(max_iterations):
            if (found.chi <= target).all():
                break
            better, damping = _step(data, smooth, found, target, freedom, damping)
            if better is None:
                break
            found = better
    return found


def _step(data, smooth, now: Shapes, target, freedom, damping):
    """Best of a few damped steps, or None if none lowers the misfit."""
    residual = data.weighted(data.residuals(now.properties))
    product, transposed = _linearized(data, smooth, now, freedom)
    bidiagonal, basis = bidiagonalized(product, transposed, residual, _KRYLOV)
    left, values, right = np.linalg.svd(bidiagonal, full_matrices=False)
    along = values * left[0] * np.linalg.norm(residual)
    damped = values[0] ** 2 * np.geomspace(1e-1, 1e-7, 7) if damping is None else damping * _DAMPINGS
    best, least = None, (1.0 - 1e-3) * _excess(data, now.chi, target)
    for one in damped:
        change = basis.T @ (right.T @ (along / (np.square(values) + one)))
        trial = _moved(data, smooth, now, freedom, change)
        if _excess(data, trial.chi, target) < least:
            best, least, damping = trial, _excess(data, trial.chi, target), one
    return best, damping


def _linearized(data, smooth, now: Shapes, freedom):
    """Products of the derivative of the data by smoothed levels and, if free, properties, and of its transpose."""
    u, slopes = memberships(now.levels, now.height)
    changes = slopes[:, None] * (now.centers[:, :, None] - now.properties)  # (n_units, n_properties, n_cells)
    scale, n_levels = freedom * np.abs(now.centers).max(axis=0), now.levels.size

    def product(v):
        spread = (smooth @ v[:n_levels].reshape(now.levels.shape).T).T
        properties = np.einsum("kpc,kc->pc", changes, spread)
        if freedom:
            properties += (scale * v[n_levels:].reshape(now.centers.shape)).T @ u[1:]
        return data.weighted(data.predicted(properties))

    def transposed(y):
        properties = data.transposed(y)
        levels = (smooth.T @ np.einsum("kpc,pc->ck", changes, properties)).T.ravel()
        return np.concatenate([levels, (scale * (u[1:] @ properties.T)).ravel()]) if freedom else levels

    return product, transposed


def _moved(data, smooth, now: Shapes, freedom, change) -> Shapes:
    """Shapes after a change, cut short where a level would move by more than its height."""
    n_levels = now.levels.size
    step = (smooth @ change[:n_levels].reshape(now.levels.shape).T).T
    length = min(1.0, now.height / max(np.abs(step).max(), 1e-300))
    centers = now.centers
    if freedom:
        scale = freedom * np.abs(centers).max(axis=0)
        centers = centers + length * scale * change[n_levels:].reshape(centers.shape)
    levels = np.clip(now.levels + length * step, -now.height, now.height)
    moved = Shapes(levels, centers, now.chi, now.height)
    moved.chi = data.chi(moved.properties)
    return moved


def _excess(data, chi, target) -> float:
    """Misfit with what lies below the target counted as at the target."""
    parts = zip(data.multipliers, data.observed, chi, strict=True)
    return float(sum(m * len(d) * max(c, target) for m, d, c in parts))
