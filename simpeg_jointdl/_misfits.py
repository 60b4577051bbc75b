"""Misfit per datum, of least squares and of misfits that say themselves what noise alone makes of them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class HasExpectedValue(Protocol):
    """A data misfit whose value under unit Gaussian noise is not the number of data."""

    expected_value: float

    def penalty(self, residual: np.ndarray) -> float:
        """Its value at a residual divided by the uncertainties, (n_data,)."""


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
        The squared norm of the residual over its uncertainties per datum; of a misfit with an `expected_value`, its
        value over that.
    """
    chi, start = [], 0
    for misfit in dmisfit.objfcts:
        n_data = misfit.simulation.survey.nD
        residual = misfit.W @ (predicted[start : start + n_data] - misfit.data.dobs)
        if isinstance(misfit, HasExpectedValue):
            chi.append(misfit.penalty(residual) / misfit.expected_value)
        else:
            chi.append(np.vdot(residual, residual).real / n_data)
        start += n_data
    return np.array(chi)
