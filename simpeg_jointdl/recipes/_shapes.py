"""Bodies of given properties whose shapes fit the data: what a set of cluster centres can explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

# a level set of 3 is a membership of 95 %; then sharper, until cells within a body hold its properties only
_SHARPNESS = (3.0, 6.0)
_REACH = 1.5  # of the smoothing of changes, in cells


@dataclass
class LinearData:
    """Data that depend linearly on properties, divided by their standard deviations.

    Attributes
    ----------
    rows : list of (n_data, n_properties, n_cells) numpy.ndarray or None
        Sensitivities of each data set, float32; by property, None where a data set does not depend on it.
    observed : list of (n_data,) numpy.ndarray
    multipliers : (n_misfits,) numpy.ndarray, optional
        What each data set counts in a fit; the same if not given. Misfits per datum are without them.
    """

    rows: list[list[np.ndarray | None]]
    observed: list[np.ndarray]
    multipliers: np.ndarray | None = None

    def __post_init__(self):
        self.multipliers = np.ones(len(self.observed)) if self.multipliers is None else np.array(self.multipliers)

    def weighted(self, parts) -> np.ndarray:
        """One part per data set, each times the root of its multiplier, as one, (n_data, ...)."""
        return np.concatenate([root * part for root, part in zip(np.sqrt(self.multipliers), parts, strict=True)])

    def predicted(self, properties) -> list[np.ndarray]:
        """Scaled data of properties, (n_properties, n_cells)."""
        fields = properties.astype(np.float32)
        return [
            sum(block @ field for block, field in zip(blocks, fields, strict=True) if block is not None)
            for blocks in self.rows
        ]

    def chi(self, properties) -> np.ndarray:
        """Misfit per datum of each data set."""
        pairs = zip(self.predicted(properties), self.observed, strict=True)
        return np.array([np.mean((p - d) ** 2, dtype=float) for p, d in pairs])


@dataclass
class Shapes:
    """Bodies after a fit.

    Attributes
    ----------
    levels : (n_units, n_cells) numpy.ndarray
        Level sets; memberships are their softmax, with 0 for the background.
    centers : (n_units, n_properties) numpy.ndarray
        Properties of the bodies, the background left out.
    chi : (n_misfits,) numpy.ndarray
    """

    levels: np.ndarray
    centers: np.ndarray
    chi: np.ndarray

    @property
    def memberships(self) -> np.ndarray:
        """(n_units + 1, n_cells), the background first."""
        return memberships(self.levels)

    @property
    def properties(self) -> np.ndarray:
        """(n_properties, n_cells)."""
        return self.centers.T @ self.memberships[1:]


def linear_data(misfits, property_maps, model, max_data: int, multipliers=None) -> LinearData:
    """Rows of the sensitivities at a model, for at most `max_data` evenly spread data of each misfit.

    Raises
    ------
    ValueError
        Where data are no linear function of the properties.
    """
    rows, observed = [], []
    projections = [np.asarray(abs(one.deriv(model)).argmax(axis=1)).ravel() for one in property_maps]
    for place, misfit in enumerate(misfits):
        n_data = misfit.simulation.survey.nD
        chosen = np.unique(np.linspace(0, n_data - 1, min(n_data, max_data)).round().astype(int))
        weights = misfit.W.diagonal()[chosen]
        full = np.empty((len(chosen), model.size), dtype=np.float32)
        unit = np.zeros(n_data)
        for row, (i, weight) in enumerate(zip(chosen, weights, strict=True)):
            unit[i] = 1.0
            full[row] = weight * misfit.simulation.Jtvec(model, unit)
            unit[i] = 0.0
        blocks = [full[:, columns] for columns in projections]
        predicted = weights * misfit.simulation.dpred(model)[chosen]
        linear = full @ model.astype(np.float32)
        if np.abs(predicted - linear).max() > 1e-3 * max(1.0, np.abs(predicted).max()):
            msg = f"find_centers: data misfit {place} is no linear function of the properties; wanted potential fields."
            raise ValueError(msg)
        rows.append([block if np.any(block) else None for block in blocks])
        observed.append(weights * misfit.data.dobs[chosen])
    return LinearData(rows, observed, multipliers)


def smoothing(centers, widths) -> sp.csr_matrix:
    """Gaussian average over neighbours, (n_cells, n_cells): how a change of shape spreads."""
    scaled = centers / (_REACH * widths)
    pairs = cKDTree(scaled).sparse_distance_matrix(cKDTree(scaled), 2.0, output_type="coo_matrix").tocoo()
    weights = sp.csr_matrix((np.exp(-np.square(pairs.data)), (pairs.row, pairs.col)), shape=pairs.shape)
    return (sp.diags(1.0 / np.sqrt(weights.power(2).sum(axis=1).A1)) @ weights).astype(np.float32).tocsr()


def memberships(levels) -> np.ndarray:
    """Softmax of the level sets, with 0 for the background in front."""
    full = np.concatenate([np.zeros((1, levels.shape[1])), levels])
    full = np.exp(full - full.max(axis=0))
    return full / full.sum(axis=0)


def first_levels(properties, centers) -> np.ndarray:
    """Level sets from how near a cell is to each unit, compared with the background."""
    scales = np.maximum(np.abs(centers).max(axis=0), 1e-300)
    to_units = np.stack([np.square((properties - c[:, None]) / scales[:, None]).sum(axis=0) for c in centers])
    size = np.square(centers / scales).sum(axis=1)[:, None]
    to_background = np.square(properties / scales[:, None]).sum(axis=0)
    return np.clip(2.0 * _SHARPNESS[0] * (to_background - to_units) / size, -_SHARPNESS[0], _SHARPNESS[0])


def fit_shapes(
    data: LinearData, smooth, centers, levels, *, target=1.0, freedom=0.0, max_iterations=12, sharpness=_SHARPNESS
) -> Shapes:
    """Change shapes, and properties if they are free, until the data are fitted or nothing improves.

    Gauss-Newton in the level sets, in the space of the data: steps are smooth over a few cells, no longer than
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
        found.levels = np.clip(found.levels * scale, -height, height)
        found.chi = data.chi(found.properties)
        damping = None
        for _ in range(max_iterations):
            if (found.chi <= target).all():
                break
            better, damping = _step(data, smooth, found, target, freedom, height, damping)
            if better is None:
                break
            found = better
    return found


def _step(data, smooth, now: Shapes, target, freedom, height, damping):
    """Best of a few damped steps, or None if none lowers the misfit."""
    u, properties = now.memberships, now.properties
    residual = data.weighted([d - p for d, p in zip(data.observed, data.predicted(properties), strict=True)])
    smoothed = []
    for k in range(len(now.centers)):
        change = (u[k + 1] * (now.centers[k][:, None] - properties)).astype(np.float32)
        jacobian = data.weighted([_combined(blocks, change) for blocks in data.rows]).astype(np.float32)
        smoothed.append(np.ascontiguousarray((smooth.T @ jacobian.T).T))
    normal = sum(one @ one.T for one in smoothed).astype(float)
    effects = _effects(data, u, now.centers) * freedom if freedom else None
    if effects is not None:
        normal += effects @ effects.T
    values, vectors = np.linalg.eigh(normal)
    values, along = np.maximum(values, 0.0), vectors.T @ residual
    tries = values.max() * np.geomspace(1e-1, 1e-6, 6) if damping is None else damping * np.array([8.0, 2.0, 0.5, 0.1])
    best, least = None, (1.0 - 1e-3) * _excess(data, now.chi, target)
    for one in tries:
        dual = vectors @ (along / (values + one))
        step = np.stack([smooth @ (part.T @ dual.astype(np.float32)) for part in smoothed]).astype(float)
        length = min(1.0, height / max(np.abs(step).max(), 1e-300))
        levels = np.clip(now.levels + length * step, -height, height)
        centers = now.centers
        if effects is not None:
            scale = freedom * np.abs(centers).max(axis=0)
            centers = centers + length * scale * (effects.T @ dual).reshape(centers.shape)
        trial = Shapes(levels, centers, np.empty(0))
        trial.chi = data.chi(trial.properties)
        if _excess(data, trial.chi, target) < least:
            best, least, damping = trial, _excess(data, trial.chi, target), one
    return best, damping


def _combined(blocks, change):
    return sum(block * row for block, row in zip(blocks, change, strict=True) if block is not None)


def _effects(data, u, centers):
    """Change of the data with each property of each unit, in units of the largest, (n_data, units x properties)."""
    scale = np.abs(centers).max(axis=0)
    fields = u[1:].astype(np.float32)
    columns = [
        data.weighted(
            [
                np.zeros(len(d)) if blocks[p] is None else scale[p] * (blocks[p] @ fields[k])
                for blocks, d in zip(data.rows, data.observed, strict=True)
            ]
        )
        for k in range(len(centers))
        for p in range(centers.shape[1])
    ]
    return np.stack(columns, axis=1)


def _excess(data, chi, target) -> float:
    """Misfit with what lies below the target counted as at the target."""
    parts = zip(data.multipliers, data.observed, chi, strict=True)
    return float(sum(m * len(d) * max(c, target) for m, d, c in parts))
