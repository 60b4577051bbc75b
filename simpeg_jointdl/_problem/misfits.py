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


def check_data(dmisfit):
    """Raise ValueError where data or uncertainties are not finite, naming the misfit."""
    for i, misfit in enumerate(dmisfit.objfcts):
        data = getattr(misfit, "data", None)
        if data is None:
            continue
        # one after the other: SimPEG makes the uncertainties from the data
        for what, get in (("data", lambda d: d.dobs), ("uncertainties", lambda d: d.standard_deviation)):
            if not np.isfinite(get(data)).all():
                msg = f"data misfit {i} ({type(misfit.simulation).__module__}): NaN or infinite {what}; take them out."
                raise ValueError(msg)


def misfit_support(misfit, model: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Model parameters that a data misfit depends on, (nP,) of bool."""
    simulation = misfit.simulation
    return simulation.Jtvec(model, rng.standard_normal(simulation.survey.nD)) != 0
