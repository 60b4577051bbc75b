"""Misfit per datum, of least squares and of misfits that say themselves what noise alone makes of them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class HasChi(Protocol):
    """A data misfit of which noise alone does not make the number of data."""

    def chi(self, residual: np.ndarray) -> float:
        """Its χ at a residual over the uncertainties, (n_data,)."""


def chi_factors(dmisfit, predicted: np.ndarray) -> np.ndarray:
    """χ of every data misfit of a sum, without a new forward run: 1 where the data are fitted to their noise.

    Parameters
    ----------
    dmisfit : simpeg.objective_function.ComboObjectiveFunction
        Of data misfits; their multipliers do not count.
    predicted : (n_data_of_all,) numpy.ndarray
        Predicted data of all, one after the other, as ``invProb.dpred``.

    Returns
    -------
    (n_misfits,) numpy.ndarray
        The squared norm of the residual over its uncertainties per datum; of a misfit with a `chi`, that.
    """
    chi, start = [], 0
    for misfit in dmisfit.objfcts:
        n_data = misfit.simulation.survey.nD
        residual = misfit.W @ (predicted[start : start + n_data] - misfit.data.dobs)
        is_own = isinstance(misfit, HasChi)
        chi.append(misfit.chi(residual) if is_own else np.vdot(residual, residual).real / n_data)
        start += n_data
    return np.array(chi)
