"""Sensitivity weights of properties in different units."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from discretize.utils import Identity
from simpeg.directives import UpdateSensitivityWeights
from simpeg.maps import IdentityMap
from simpeg.regularization import BaseSimilarityMeasure

from ..._problem.misfits import check_data
from .._base import JointTerms
from ..preconditioners import misfit_diagonal


class UpdateJointSensitivityWeights(JointTerms, UpdateSensitivityWeights):
    r"""Sensitivity weights with a threshold and a normalization for each property.

    In cell :math:`j` the weight is the root of the summed squared sensitivities, divided by the cell's volume [1]_,

    .. math::
        w_j = \frac{1}{V_j} \Big( \sum_i (\mathbf W \mathbf J)_{ij}^2 \Big)^{1/2} .

    The largest (or smallest) weight of each property is then set to 1. SimPEG's directive takes one largest value over
    the whole model. Of two properties in different units, the weights of one then have the maximum 1 and those of the
    other perhaps 0.05, and threshold, regularization and couplings treat them differently only because of their units.
    Where a term regularizes a function of the parameters, such as a logarithm, the sensitivities are those to the
    function.

    Parameters
    ----------
    every_iteration : bool
        Whether to compute the weights again after each iteration.
    threshold_value : float
        Lower limit of the weights of each property; see `threshold_method`.
    threshold_method : {"amplitude", "global", "percentile"}
        Whether the limit is a part of the largest weight, a constant that is added, or a percentile of the weights.
    normalization_method : {"maximum", "minimum", None}
        Whether the largest or the smallest weight of each property becomes 1, or none.
    **kwargs
        Further keywords of :class:`simpeg.directives.UpdateSensitivityWeights`.

    Raises
    ------
    ValueError
        For options that SimPEG refuses, and, when it computes, for data or uncertainties that are NaN or infinite, or
        a property to which no data are sensitive.
    TypeError
        If a `dmisfit` or `reg` is given, and, when it computes, for a regularization term whose map has no sparse
        derivative, or a sum among the terms.
    AssertionError
        By SimPEG, if it comes after a preconditioner or an estimate of the trade-off parameter.

    References
    ----------
    .. [1] Li, Y. and Oldenburg, D. W. (2000). Joint inversion of surface and three-component borehole magnetic data.
       Geophysics, 65(2), 540-552. https://doi.org/10.1190/1.1444749

    Examples
    --------
    >>> from simpeg_jointdl.directives import UpdateJointSensitivityWeights
    >>> UpdateJointSensitivityWeights(every_iteration=True, threshold_value=1e-3).threshold_method
    'amplitude'
    """

    def __init__(
        self,
        every_iteration: bool = False,
        threshold_value: float = 1e-12,
        threshold_method: str = "amplitude",
        normalization_method: str | None = "maximum",
        **kwargs: Any,
    ):
        super().__init__(
            every_iteration=every_iteration,
            threshold_value=threshold_value,
            threshold_method=threshold_method,
            normalization_method=normalization_method,
            **kwargs,
        )

    def update(self) -> None:
        """Compute the weights at the current model and give them to every term that is not a coupling."""
        model = self.invProb.model
        check_data(self.dmisfit)
        squared = 0.5 * sum(misfit_diagonal(misfit, model) for misfit in self.dmisfit.objfcts)
        for term in self.reg.objfcts:
            if isinstance(term, BaseSimilarityMeasure):
                continue
            volumes = np.asarray(term.regularization_mesh.vol)
            # a vector model has several values per cell, one component after the other
            per_cell = _through(term.mapping, model, squared).reshape((len(volumes), -1), order="F")
            weights = self._limited((np.sqrt(per_cell) / volumes[:, None]).ravel(order="F"))
            for part in getattr(term, "objfcts", [term]):
                part.set_weights(sensitivity=weights)

    def _limited(self, weights: np.ndarray) -> np.ndarray:
        """Apply threshold and normalization to the weights of one property."""
        if not weights.max() > 0.0:
            msg = (
                "UpdateJointSensitivityWeights: no data are sensitive to one of the regularized properties; "
                "check the maps of the simulations, or leave that property out."
            )
            raise ValueError(msg)
        if self.threshold_method == "global":
            weights = weights + self.threshold_value
        elif self.threshold_method == "percentile":
            weights = np.maximum(weights, np.percentile(weights, self.threshold_value))
        else:
            weights = np.maximum(weights, self.threshold_value * weights.max())
        if self.normalization_method == "maximum":
            return weights / weights.max()
        if self.normalization_method == "minimum":
            return weights / weights.min()
        return weights


def _through(mapping: IdentityMap, model: np.ndarray, squared: np.ndarray) -> np.ndarray:
    """Return squared sensitivities to the values of a map, from those to its parameters.

    For p = f(m) in each cell, ∂d/∂p = (∂d/∂m) / f'. Where a value depends on several parameters, their
    pseudo-inverse takes the place of 1 / f'.
    """
    derivative = mapping.deriv(model)
    if isinstance(derivative, Identity):
        return squared
    if not sp.issparse(derivative):
        msg = (
            "UpdateJointSensitivityWeights: the map of a regularization term has no sparse derivative, so its cells "
            "have no sensitivities; leave the directive out, or regularize the parameters themselves."
        )
        raise TypeError(msg)
    entries = derivative.power(2)
    norms = np.asarray(entries.sum(axis=1)).ravel()
    return (entries @ squared) / np.where(norms > 0, norms, 1.0) ** 2
