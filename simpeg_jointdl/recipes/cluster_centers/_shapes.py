"""Bodies of given properties, whose shapes are fitted to the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from ...kernels import bidiagonalized
from ._linear_data import LinearData

SHARPNESS = (5.0,)  # heights of the level sets; a level of 5 is a membership of 99 %
_KRYLOV = 60  # dimension of the space of a step
_DAMPINGS = np.array([8.0, 2.0, 0.5, 0.1, 0.02])  # that are tried, relative to the last one
_REACH = 1.5  # of the smoothing of changes, in cells


@dataclass
class Shapes:
    """Bodies that were fitted to data.

    Attributes
    ----------
    levels : (n_units, n_cells) numpy.ndarray
        Level sets of the units, see :func:`memberships`.
    centers : (n_units, n_properties) numpy.ndarray
        Properties of the units, without the background.
    chi : (n_misfits,) numpy.ndarray
        Misfit per datum of each data set.
    height : float
        Largest absolute value of the level sets.
    """

    levels: np.ndarray
    centers: np.ndarray
    chi: np.ndarray
    height: float = SHARPNESS[0]

    @property
    def memberships(self) -> np.ndarray:
        """Share of each cell of the background and of each unit, (n_units + 1, n_cells)."""
        return memberships(self.levels, self.height)[0]

    @property
    def properties(self) -> np.ndarray:
        """Properties of the cells, (n_properties, n_cells)."""
        return self.centers.T @ self.memberships[1:]


def smoothing(centers, widths) -> sp.csr_matrix:
    """Return the Gaussian average over neighbours that spreads a change of shape."""
    scaled = centers / (_REACH * widths)
    pairs = cKDTree(scaled).sparse_distance_matrix(cKDTree(scaled), 2.0, output_type="coo_matrix").tocoo()
    weights = sp.csr_matrix((np.exp(-np.square(pairs.data)), (pairs.row, pairs.col)), shape=pairs.shape)
    return (sp.diags(1.0 / np.sqrt(weights.power(2).sum(axis=1).A1)) @ weights).tocsr()


def memberships(levels, height) -> tuple[np.ndarray, np.ndarray]:
    r"""Return how much each cell belongs to the background and each unit, and slopes of it.

    .. math::
        u_k = \frac{e^{l_k} - e^{-h}}{Z}, \quad u_0 = \frac{1}{Z}, \quad Z = 1 + \sum_j (e^{l_j} - e^{-h}),
        \qquad \frac{\partial u_j}{\partial l_k} = \frac{e^{l_k}}{Z} (\delta_{jk} - u_j)

    with level sets :math:`l_k` between :math:`-h` and :math:`h`. A softmax would leave a little of every unit in every
    cell, and a little in all of the background is as much mass as a body.

    Returns
    -------
    memberships : (n_units + 1, n_cells) numpy.ndarray
        Memberships, the background first; a level of :math:`-h` is no membership at all.
    slopes : (n_units, n_cells) numpy.ndarray
        Slopes, :math:`e^{l_k} / Z`.
    """
    powers = np.exp(levels)
    above = powers - np.exp(-height)
    total = 1.0 + above.sum(axis=0)
    return np.concatenate([np.ones((1, levels.shape[1])), above]) / total, powers / total


def first_levels(properties, centers) -> np.ndarray:
    """Return level sets from how near cells are to each unit, (n_units, n_cells)."""
    scales = np.maximum(np.abs(centers).max(axis=0), 1e-300)
    to_units = np.stack([np.square((properties - c[:, None]) / scales[:, None]).sum(axis=0) for c in centers])
    size = np.square(centers / scales).sum(axis=1)[:, None]
    to_background = np.square(properties / scales[:, None]).sum(axis=0)
    return np.clip(2.0 * SHARPNESS[0] * (to_background - to_units) / size, -SHARPNESS[0], SHARPNESS[0])


def fit_shapes(
    data: LinearData, smooth, centers, levels, *, target=1.0, freedom=0.0, max_iterations=12, sharpness=SHARPNESS
) -> Shapes:
    """Change shapes, and free properties, until the data are fitted or nothing improves.

    Gauss-Newton steps in the level sets, each from a Krylov space. They are smooth over a few cells, no longer than a
    level set is high, and damped so that they lower the misfit.

    Parameters
    ----------
    data : LinearData
        Data as linear functions of the properties.
    smooth : (n_cells, n_cells) scipy.sparse.csr_matrix
        Average over neighbours, see :func:`smoothing`.
    centers : (n_units, n_properties) numpy.ndarray
        Properties of the units.
    levels : (n_units, n_cells) numpy.ndarray
        First level sets.
    target : float
        Misfit per datum at which the data are fitted.
    freedom : float
        Largest change of a property in one step, relative to the largest value of each; 0 keeps them.
    max_iterations : int
        Largest number of steps for each height.
    sharpness : sequence of float
        Heights of the level sets, stage by stage.

    Returns
    -------
    Shapes
        The bodies after the last step that lowered the misfit.
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
    """Return the best of a few damped steps and its damping; None if none of them lowers the misfit."""
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
    """Return products with the derivative of the data by smoothed levels and free properties, and its transpose."""
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
    """Return the shapes after a step, which is shortened where a level would move by more than its height."""
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
    """Return the misfit of all data, with misfits per datum below the target counted as the target."""
    parts = zip(data.multipliers, data.observed, chi, strict=True)
    return float(sum(m * len(d) * max(c, target) for m, d, c in parts))
