"""Sensitivity weights of properties in different units."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from discretize.utils import Identity
from simpeg.directives import UpdateSensitivityWeights
from simpeg.regularization import BaseSimilarityMeasure

from ..._problem.misfits import check_data
from .._base import JointTerms
from ..preconditioners import UpdateJointPreconditioner


class UpdateJointSensitivityWeights(JointTerms, UpdateSensitivityWeights):
    r"""Sensitivity weights, thresholded and normalised for each property by itself.

    In cell :math:`j` of property :math:`k` the weight is the root of the summed squared sensitivities per
    volume, :math:`w_j = \big( \sum_i (\mathbf W \mathbf J)_{ij}^2 \big)^{1/2} / V_j`, with the largest (or
    smallest) one of that property set to 1. SimPEG's directive takes one largest value over the whole
    model: of two properties in different units one then peaks at 1 and the other perhaps at 0.05, so that
    threshold, regularization and couplings treat them unequally for no reason but their units. Where a term
    regularizes a function of the parameters (a logarithm, say) the sensitivities are to that function.

    Parameters
    ----------
    every_iteration, threshold_value, threshold_method, normalization_method
        As in :class:`simpeg.directives.UpdateSensitivityWeights`, applied to each property.

    Raises
    ------
    ValueError
        For options that SimPEG refuses; when it computes, for data or uncertainties that are NaN or infinite, and a
        property to which no data are sensitive.
    TypeError
        When it computes, for a regularization term whose map has no sparse derivative, or with sums among its terms;
        for a `dmisfit` or `reg` given.
    AssertionError
        SimPEG's, in a list where it stands after a preconditioner or an estimate of the trade-off parameter.

    References
    ----------
    Of weights that counteract the decay of sensitivities, wherever the data are: Li, Y. and Oldenburg, D. W. (2000).
    Joint inversion of surface and three-component borehole magnetic data. Geophysics, 65(2), 540-552.
    """

    def update(self):
        """Compute the weights at the current model and hand them to every term that is not a coupling."""
        model = self.invProb.model
        check_data(self.dmisfit)
        squared = 0.5 * sum(
            UpdateJointPreconditioner._misfit_diagonal(misfit, model) for misfit in self.dmisfit.objfcts
        )
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


def _through(mapping, model: np.ndarray, squared: np.ndarray) -> np.ndarray:
    """Squared sensitivities to what a map makes of the parameters, from those to the parameters.

    With p = f(m) cell by cell, ∂d/∂p = (∂d/∂m) / f'; a row of several parameters takes their pseudo-inverse.
    """
    derivative = mapping.deriv(model)
    if isinstance(derivative, Identity):
        return squared
    if not sp.issparse(derivative):
        msg = (
            "UpdateJointSensitivityWeights: a regularization term's map has no sparse derivative, so its cells have "
            "no sensitivities; leave the directive out, or regularize the parameters themselves."
        )
        raise TypeError(msg)
    entries = derivative.power(2)
    norms = np.asarray(entries.sum(axis=1)).ravel()
    return (entries @ squared) / np.where(norms > 0, norms, 1.0) ** 2
