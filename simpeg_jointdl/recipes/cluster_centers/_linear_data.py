"""Data that depend linearly on properties: by stored rows of the sensitivities, or by the simulations' own products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class StoredRows:
    """Some data of one misfit, by dense rows.

    Attributes
    ----------
    rows : list of (n_data, n_cells) numpy.ndarray or None
        Sensitivities over standard deviations, float32; by property, None where the data do not depend on it.
    n_cells : int
    """

    rows: list[np.ndarray | None]
    n_cells: int

    def predicted(self, properties) -> np.ndarray:
        """Scaled data of properties, (n_properties, n_cells) -> (n_data,)."""
        fields = properties.astype(np.float32)
        return sum(row @ field for row, field in zip(self.rows, fields, strict=True) if row is not None).astype(float)

    def transposed(self, values) -> np.ndarray:
        """The transpose, (n_data,) -> (n_properties, n_cells)."""
        values, none = values.astype(np.float32), np.zeros(self.n_cells)
        return np.stack([none if row is None else (row.T @ values).astype(float) for row in self.rows])


@dataclass
class Products:
    """All data of one misfit, by the products of its simulation.

    Attributes
    ----------
    misfit : simpeg.data_misfit.BaseDataMisfit
    model : (nP,) numpy.ndarray
        Where its derivative is taken.
    columns : list of (n_cells,) numpy.ndarray
        Which parameters each property consists of.
    """

    misfit: object
    model: np.ndarray
    columns: list[np.ndarray]

    def predicted(self, properties) -> np.ndarray:
        """Scaled data of properties, (n_properties, n_cells) -> (n_data,)."""
        whole = np.zeros(self.model.size)
        for columns, values in zip(self.columns, properties, strict=True):
            whole[columns] = values
        return self.misfit.W.diagonal() * self.misfit.simulation.Jvec(self.model, whole)

    def transposed(self, values) -> np.ndarray:
        """The transpose, (n_data,) -> (n_properties, n_cells)."""
        whole = np.asarray(self.misfit.simulation.Jtvec(self.model, self.misfit.W.diagonal() * values))
        return np.stack([whole[columns] for columns in self.columns])


@dataclass
class LinearData:
    """Data sets that depend linearly on properties, divided by their standard deviations.

    Attributes
    ----------
    sets : list of StoredRows or Products
        One per data set.
    observed : list of (n_data,) numpy.ndarray
    multipliers : (n_misfits,) numpy.ndarray, optional
        What each data set counts in a fit; the same if not given. Misfits per datum are without them.
    """

    sets: list[StoredRows | Products]
    observed: list[np.ndarray]
    multipliers: np.ndarray | None = None

    def __post_init__(self):
        self.multipliers = np.ones(len(self.observed)) if self.multipliers is None else np.array(self.multipliers)

    def weighted(self, parts) -> np.ndarray:
        """One part per data set, each times the root of its multiplier, as one, (n_data,)."""
        return np.concatenate([root * part for root, part in zip(np.sqrt(self.multipliers), parts, strict=True)])

    def predicted(self, properties) -> list[np.ndarray]:
        """Scaled data of properties, (n_properties, n_cells), one array per data set."""
        return [one.predicted(properties) for one in self.sets]

    def transposed(self, values) -> np.ndarray:
        """Transpose of `weighted` after `predicted`, (n_data,) -> (n_properties, n_cells)."""
        parts = np.split(values, np.cumsum([len(d) for d in self.observed])[:-1])
        return sum(
            one.transposed(root * part)
            for one, root, part in zip(self.sets, np.sqrt(self.multipliers), parts, strict=True)
        )

    def residuals(self, properties) -> list[np.ndarray]:
        """What is left of the data, one array per data set."""
        return [d - p for d, p in zip(self.observed, self.predicted(properties), strict=True)]

    def chi(self, properties) -> np.ndarray:
        """Misfit per datum of each data set."""
        return mean_squares(self.residuals(properties))


def mean_squares(parts) -> np.ndarray:
    """Of each array."""
    return np.array([np.mean(np.square(part), dtype=float) for part in parts])


def linear_data(misfits, property_maps, model, max_data: int | None, multipliers=None) -> LinearData:
    """At most `max_data` evenly spread data of each misfit by stored rows, or all by products if None.

    Raises
    ------
    ValueError
        Where data are no linear function of the properties.
    """
    sets, observed = [], []
    columns = [np.asarray(abs(one.deriv(model)).argmax(axis=1)).ravel() for one in property_maps]
    properties = np.stack([model[one] for one in columns])
    for place, misfit in enumerate(misfits):
        n_data = misfit.simulation.survey.nD
        number = n_data if max_data is None else min(n_data, max_data)
        chosen = np.unique(np.linspace(0, n_data - 1, number).round().astype(int))
        weights = misfit.W.diagonal()[chosen]
        one = Products(misfit, model, columns) if max_data is None else _stored(misfit, model, columns, chosen)
        predicted = weights * misfit.simulation.dpred(model)[chosen]
        if np.abs(predicted - one.predicted(properties)).max() > 1e-3 * max(1.0, np.abs(predicted).max()):
            msg = f"find_centers: data misfit {place} is no linear function of the properties; wanted potential fields."
            raise ValueError(msg)
        sets.append(one)
        observed.append(weights * misfit.data.dobs[chosen])
    return LinearData(sets, observed, multipliers)


def _stored(misfit, model, columns, chosen) -> StoredRows:
    full = np.empty((len(chosen), model.size), dtype=np.float32)
    unit = np.zeros(misfit.simulation.survey.nD)
    for row, (i, weight) in enumerate(zip(chosen, misfit.W.diagonal()[chosen], strict=True)):
        unit[i] = 1.0
        full[row] = weight * misfit.simulation.Jtvec(model, unit)
        unit[i] = 0.0
    blocks = [full[:, one] for one in columns]
    return StoredRows([block if np.any(block) else None for block in blocks], len(columns[0]))
