"""Data that depend linearly on properties, from stored sensitivities or from products of the simulations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class StoredRows:
    """Some data of one misfit, with their rows of the sensitivity matrix.

    Attributes
    ----------
    rows : list of (n_data, n_cells) numpy.ndarray or None
        Sensitivities over standard deviations in float32, by property; None where the data do not depend on it.
    n_cells : int
        Number of cells.
    """

    rows: list[np.ndarray | None]
    n_cells: int

    def predicted(self, properties) -> np.ndarray:
        """Predict data over their standard deviations, (n_properties, n_cells) -> (n_data,)."""
        fields = properties.astype(np.float32)
        return sum(row @ field for row, field in zip(self.rows, fields, strict=True) if row is not None).astype(float)

    def transposed(self, values) -> np.ndarray:
        """Multiply by the transpose, (n_data,) -> (n_properties, n_cells)."""
        values, none = values.astype(np.float32), np.zeros(self.n_cells)
        return np.stack([none if row is None else (row.T @ values).astype(float) for row in self.rows])


@dataclass
class Products:
    """All data of one misfit, by products of its simulation.

    Attributes
    ----------
    misfit : simpeg.data_misfit.BaseDataMisfit
        Misfit with data and simulation.
    model : (nP,) numpy.ndarray
        Model at which the derivative is taken.
    columns : list of (n_cells,) numpy.ndarray
        Numbers of the parameters of each property.
    """

    misfit: object
    model: np.ndarray
    columns: list[np.ndarray]

    def predicted(self, properties) -> np.ndarray:
        """Predict data over their standard deviations, (n_properties, n_cells) -> (n_data,)."""
        whole = np.zeros(self.model.size)
        for columns, values in zip(self.columns, properties, strict=True):
            whole[columns] = values
        return self.misfit.W.diagonal() * self.misfit.simulation.Jvec(self.model, whole)

    def transposed(self, values) -> np.ndarray:
        """Multiply by the transpose, (n_data,) -> (n_properties, n_cells)."""
        whole = np.asarray(self.misfit.simulation.Jtvec(self.model, self.misfit.W.diagonal() * values))
        return np.stack([whole[columns] for columns in self.columns])


@dataclass
class LinearData:
    """Data sets that depend linearly on properties, divided by their standard deviations.

    Attributes
    ----------
    sets : list of StoredRows or Products
        Linear functions, one per data set.
    observed : list of (n_data,) numpy.ndarray
        Observed data over their standard deviations.
    multipliers : (n_misfits,) numpy.ndarray, optional
        Weights of the data sets in a fit, all 1 if not given. Misfits per datum are without them.
    """

    sets: list[StoredRows | Products]
    observed: list[np.ndarray]
    multipliers: np.ndarray | None = None

    def __post_init__(self):
        self.multipliers = np.ones(len(self.observed)) if self.multipliers is None else np.array(self.multipliers)

    def weighted(self, parts) -> np.ndarray:
        """Return the parts of all data sets as one, each times the root of its multiplier, (n_data,)."""
        return np.concatenate([root * part for root, part in zip(np.sqrt(self.multipliers), parts, strict=True)])

    def predicted(self, properties) -> list[np.ndarray]:
        """Predict data over their standard deviations from (n_properties, n_cells), one array per data set."""
        return [one.predicted(properties) for one in self.sets]

    def transposed(self, values) -> np.ndarray:
        """Multiply by the transpose of `weighted` after `predicted`, (n_data,) -> (n_properties, n_cells)."""
        parts = np.split(values, np.cumsum([len(d) for d in self.observed])[:-1])
        return sum(
            one.transposed(root * part)
            for one, root, part in zip(self.sets, np.sqrt(self.multipliers), parts, strict=True)
        )

    def residuals(self, properties) -> list[np.ndarray]:
        """Return observed less predicted data over their standard deviations, one array per data set."""
        return [d - p for d, p in zip(self.observed, self.predicted(properties), strict=True)]

    def chi(self, properties) -> np.ndarray:
        """Return the misfit per datum of each data set."""
        return mean_squares(self.residuals(properties))


def mean_squares(parts) -> np.ndarray:
    """Return the mean square of each array."""
    return np.array([np.mean(np.square(part), dtype=float) for part in parts])


def linear_data(misfits, property_maps, model, max_data: int | None, multipliers=None) -> LinearData:
    """Return the data of misfits as linear functions of properties.

    At most `max_data` evenly spread data of each misfit are used, with stored rows, or all of them by products if it is
    None.

    Raises
    ------
    ValueError
        If data are no linear function of the properties.
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
            msg = f"find_centers: data misfit {place} is no linear function of the properties, wanted potential fields."
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
