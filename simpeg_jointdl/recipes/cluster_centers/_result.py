"""Result of a search for cluster centres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check


@dataclass(frozen=True)
class Candidate:
    """Centres with which bodies were fitted to the data.

    Parameters
    ----------
    unit : int
        Unit whose properties differ from those found, counted from 0 without the background.
    which : int or None
        Property that was multiplied; all properties of the unit if None.
    factor : float
        Factor on the property.
    centers : (n_units, n_properties) numpy.ndarray
        Properties of all units.
    chi : (n_misfits,) numpy.ndarray
        Smallest misfit per datum of bodies with these properties.
    supported : bool
        Whether all misfits are within their limits.
    """

    unit: int
    which: int | None
    factor: float
    centers: np.ndarray
    chi: np.ndarray
    supported: bool


@dataclass
class CenterSearch:
    """Cluster centres found in data, and which of them the data determine.

    Parameters
    ----------
    names : tuple of str
        Names of the properties.
    units : (n_units, n_properties) numpy.ndarray
        Properties of the units found.
    tried : dict of int to (n_misfits,) numpy.ndarray
        Smallest misfit per datum for each number of units tried.
    curve : list of Candidate
        All centres that were compared with those found.
    chi : (n_misfits,) numpy.ndarray
        Misfit per datum of the units found.
    limits : (n_misfits,) numpy.ndarray
        Misfits per datum up to which data count as explained.
    tolerance : float
        Largest relative distance between a property and the ends of its interval at which it counts as determined.
    explained : bool
        Whether bodies of these properties explain the data at all.
    memberships : (n_cells, n_units + 1) numpy.ndarray
        Share of each cell that belongs to the background and to each unit.
    """

    names: tuple[str, ...]
    units: np.ndarray
    tried: dict[int, np.ndarray]
    curve: list[Candidate]
    chi: np.ndarray
    limits: np.ndarray
    tolerance: float
    explained: bool
    memberships: np.ndarray = field(repr=False)

    @property
    def n_units(self) -> int:
        """Number of units beside the background."""
        return len(self.units)

    @property
    def centers(self) -> np.ndarray:
        """Properties of the background and the units, (n_units + 1, n_properties)."""
        return np.vstack([np.zeros(self.units.shape[1]), self.units])

    def with_known(self, name: str, values: ArrayLike) -> np.ndarray:
        """Return centres with one property known from elsewhere, and the others at the ratios found.

        Parameters
        ----------
        name : str
            Name of the known property.
        values : (n_units,) array_like
            Its value in each of the `units`, in the same physical unit; NaN keeps the value that was found.

        Returns
        -------
        (n_units + 1, n_properties) numpy.ndarray
            Centres, the background first.

        Raises
        ------
        ValueError
            For another property, another number of values, zeros, or values of another sign than that found.
        """
        check.one_of("CenterSearch.with_known.name", name, self.names)
        found = self.units[:, self.names.index(name)]
        values = np.array(values, dtype=float)
        if values.shape != found.shape:
            msg = f"CenterSearch.with_known: got shape {values.shape}, wanted ({self.n_units},), one value per unit."
            raise ValueError(msg)
        values = np.where(np.isnan(values), found, values)
        if not (values * found > 0).all():
            msg = f"CenterSearch.with_known: got {values}, wanted values of the signs found, {found}."
            raise ValueError(msg)
        return np.vstack([np.zeros(len(self.names)), self.units * (values / found)[:, None]])

    @property
    def starting_models(self) -> dict[str, np.ndarray]:
        """Model of the bodies found, {property: (n_cells,)}, to start a coupled inversion from."""
        return dict(zip(self.names, self.units.T @ self.memberships.T[1:], strict=True))

    @property
    def intervals(self) -> np.ndarray:
        """Smallest and largest supported value of each property, (n_units, n_properties, 2).

        Zero or infinite where the last factor tried on that side is still supported; NaN where no bodies explain the
        data.
        """
        both = [self._span(unit, None) for unit in range(self.n_units)]
        out = np.full((*self.units.shape, 2), np.nan)
        for unit, low_high in enumerate(both):
            for p, value in enumerate(self.units[unit]):
                alone = self._span(unit, p)
                low, high = min(low_high[0], alone[0]), max(low_high[1], alone[1])
                ends = np.array([0.0 if low == 0.0 else low * abs(value), high * abs(value)])
                out[unit, p] = ends if value >= 0 else -ends[::-1]
        return out

    @property
    def determined(self) -> np.ndarray:
        """Whether each property is known to the tolerance, (n_units, n_properties) of bool."""
        return self._narrow(lambda unit, p: [self._span(unit, None), self._span(unit, p)])

    @property
    def ratios_determined(self) -> np.ndarray:
        """Whether each property is known relative to the others, (n_units, n_properties) of bool."""
        return self._narrow(lambda unit, p: [self._span(unit, p)])

    def _narrow(self, spans) -> np.ndarray:
        out = np.zeros(self.units.shape, dtype=bool)
        low, high = 1.0 / (1.0 + self.tolerance), 1.0 + self.tolerance
        for unit, p in np.ndindex(*out.shape):
            out[unit, p] = self.explained and all(a >= low and b <= high for a, b in spans(unit, p))
        return out

    def _span(self, unit, which) -> tuple[float, float]:
        """Factors between which the data support a property."""
        if not self.explained:
            return np.nan, np.nan
        row = sorted((c for c in self.curve if (c.unit, c.which) == (unit, which)), key=lambda c: c.factor)
        low, high = 0.0, np.inf
        last_low, last_high = 1.0, 1.0
        for c in (c for c in row if c.factor > 1.0):
            if not c.supported:
                high = np.sqrt(last_high * c.factor)
                break
            last_high = c.factor
        for c in (c for c in reversed(row) if c.factor < 1.0):
            if not c.supported:
                low = np.sqrt(last_low * c.factor)
                break
            last_low = c.factor
        return float(low), float(high)

    def summary(self) -> str:
        """Describe the units, their intervals, and what the data do not determine.

        Returns
        -------
        str
            Several lines.
        """
        lines = [f"{self.n_units} unit{'s' * (self.n_units > 1)} beside the background"]
        tried = "; ".join(f"{n}: {', '.join(f'{c:.2f}' for c in chi)}" for n, chi in self.tried.items())
        lines.append(f"misfit per datum by number of units: {tried}")
        if not self.explained:
            lines.append("no bodies of uniform properties explain these data: centres are not determined by these data")
        determined, ratios, intervals = self.determined, self.ratios_determined, self.intervals
        for unit, values in enumerate(self.units):
            lines.append(f"unit {unit + 1}")
            for p, value in enumerate(values):
                text = f"  {self.names[p]} {value:.4g}"
                if self.explained and self.curve:
                    text += f", supported {_in_words(*intervals[unit, p])}"
                if self.explained and not self.curve:
                    text += " (not compared with others: refine=False)"
                elif not determined[unit, p]:
                    text += ": not determined by these data"
                    if ratios[unit, p]:
                        text += ", but determined relative to the unit's other properties"
                lines.append(text)
        return "\n".join(lines)


def _in_words(low, high) -> str:
    bounded_low, bounded_high = np.isfinite(low) and low != 0.0, np.isfinite(high) and high != 0.0
    if bounded_low and bounded_high:
        return f"from {low:.4g} to {high:.4g}"
    if bounded_low or bounded_high:
        return f"from {low:.4g} upwards" if bounded_low else f"from {high:.4g} downwards"
    return f"over all {'positive' if low >= 0.0 else 'negative'} values tried"
