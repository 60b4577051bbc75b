"""Models of an ensemble that all fit the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check


@dataclass
class Ensemble:
    """Models of all members of an ensemble, each of which fits the data.

    Parameters
    ----------
    members : dict of str to (n_members, n_active) numpy.ndarray
        Models of all members on the active cells, by property.
    chi : (n_members, n_misfits) numpy.ndarray
        Misfit per datum of every member and data set.

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg_jointdl.recipes import Ensemble
    >>> ensemble = Ensemble({"density": np.array([[0.1, 0.2], [0.3, 0.2]])}, np.ones((2, 1)))
    >>> ensemble.mean["density"]
    array([0.2, 0.2])
    """

    members: dict[str, np.ndarray]
    chi: np.ndarray

    @property
    def mean(self) -> dict[str, np.ndarray]:
        """Mean of the members, (n_active,) by property."""
        return {name: values.mean(axis=0) for name, values in self.members.items()}

    @property
    def spread(self) -> dict[str, np.ndarray]:
        """Standard deviation of the members, (n_active,) by property."""
        return {name: values.std(axis=0, ddof=1) for name, values in self.members.items()}

    def band(self, level: float = 0.9, inflation: float = 1.0) -> dict[str, np.ndarray]:
        r"""Return the lower and the upper edge of a band that contains a part of the members.

        Quantiles of few members are their extremes. The members share what the network prefers, so the band is too
        narrow; `inflation` widens it about the mean.

        Parameters
        ----------
        level : float
            Part of the members that the band contains, above 0 and at most 1.
        inflation : float
            Factor on the distance of both edges to the mean, to be found on models whose truth is known.

        Returns
        -------
        dict of str to (2, n_active) numpy.ndarray
            Both edges by property.

        Raises
        ------
        ValueError
            For a level or a factor out of range.
        """
        level = check.share("Ensemble.band.level", level, zero=False)
        inflation = check.positive("Ensemble.band.inflation", inflation)
        result = {}
        for name, values in self.members.items():
            edges = np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
            mean = values.mean(axis=0)
            result[name] = mean + inflation * (edges - mean)
        return result

    def coverage(
        self,
        truth: Mapping[str, ArrayLike],
        level: float = 0.9,
        *,
        cells: ArrayLike | None = None,
        inflation: float = 1.0,
        tolerance: float = 0.0,
    ) -> dict[str, float]:
        """Return the part of the cells whose true value lies within the band, by property.

        Parameters
        ----------
        truth : dict of str to (n_active,) array_like
            True values of each property.
        level : float
            Level of the band, see :meth:`band`.
        cells : (n_active,) array_like of bool, optional
            Cells that count; all if not given.
        inflation : float
            Inflation of the band, see :meth:`band`.
        tolerance : float
            Distance outside the band, in the property's unit, that still counts as within it: memberships are never
            quite zero, so no band around them contains a background of exactly zero.

        Returns
        -------
        dict of str to float
            Part of the cells, from 0 to 1.
        """
        inside = {}
        for name, (low, high) in self.band(level, inflation).items():
            true = np.asarray(truth[name])
            inside[name] = (true >= low - tolerance) & (true <= high + tolerance)
        return {name: float(np.mean(one if cells is None else one[np.asarray(cells)])) for name, one in inside.items()}
