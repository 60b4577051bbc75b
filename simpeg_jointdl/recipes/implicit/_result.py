"""Models of an ensemble that all fit the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Ensemble:
    """Models of all members that fit the data.

    Attributes
    ----------
    members : dict of str to (n_members, n_active) numpy.ndarray
        By property.
    chi : (n_members, n_misfits) numpy.ndarray
        Misfit per datum of every member.
    """

    members: dict[str, np.ndarray]
    chi: np.ndarray

    @property
    def mean(self) -> dict[str, np.ndarray]:
        """Of the members, (n_active,) by property."""
        return {name: values.mean(axis=0) for name, values in self.members.items()}

    @property
    def spread(self) -> dict[str, np.ndarray]:
        """Standard deviation of the members, (n_active,) by property."""
        return {name: values.std(axis=0, ddof=1) for name, values in self.members.items()}

    def band(self, level: float = 0.9, inflation: float = 1.0) -> dict[str, np.ndarray]:
        r"""Lower and upper edge of what holds a part of the members, (2, n_active) by property.

        Quantiles of few members are their extremes. Members share what the network prefers, so their band is too
        narrow; `inflation` widens it about the mean by a factor that was found on models with known truth.
        """
        result = {}
        for name, values in self.members.items():
            edges = np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
            mean = values.mean(axis=0)
            result[name] = mean + inflation * (edges - mean)
        return result

    def coverage(self, truth, level: float = 0.9, *, cells=None, inflation: float = 1.0, tolerance=0.0) -> dict:
        """Part of the cells whose truth lies within the band, by property.

        Parameters
        ----------
        truth : dict of str to (n_active,) array_like
        level : float
        cells : (n_active,) array_like of bool, optional
            Cells that count; all if not given.
        inflation : float
            See :meth:`band`.
        tolerance : float
            How far outside the band, in the property's unit, still counts as within it: memberships are never quite
            zero, so no band around them holds a background of exactly zero.
        """
        bands = self.band(level, inflation)
        inside = {
            name: (np.asarray(truth[name]) >= low - tolerance) & (np.asarray(truth[name]) <= high + tolerance)
            for name, (low, high) in bands.items()
        }
        return {name: float(np.mean(one if cells is None else one[cells])) for name, one in inside.items()}
