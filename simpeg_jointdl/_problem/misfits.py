"""Data misfits of an inverse problem: their misfit factors χ, their data, the parameters they depend on."""

from __future__ import annotations

import numpy as np
from simpeg.data_misfit import BaseDataMisfit
from simpeg.objective_function import ComboObjectiveFunction

from .._core.protocols import HasChi


def chi_factors(dmisfit: ComboObjectiveFunction, predicted: np.ndarray) -> np.ndarray:
    """Compute the misfit factor χ of each data misfit of a sum, without another forward calculation.

    Parameters
    ----------
    dmisfit : simpeg.objective_function.ComboObjectiveFunction
        Sum of data misfits; their multipliers have no influence.
    predicted : (n_data_of_all,) numpy.ndarray
        Predicted data of all misfits, one after the other, as ``invProb.dpred``.

    Returns
    -------
    (n_misfits,) numpy.ndarray
        Squared norm of the residual over its uncertainties, divided by the number of data. A misfit with a method
        `chi` computes its own. It is 1 where the data are fitted to their noise.
    """
    chi, start = [], 0
    for misfit in dmisfit.objfcts:
        n_data = misfit.simulation.survey.nD
        residual = misfit.W @ (predicted[start : start + n_data] - misfit.data.dobs)
        is_own = isinstance(misfit, HasChi)
        chi.append(misfit.chi(residual) if is_own else np.vdot(residual, residual).real / n_data)
        start += n_data
    return np.array(chi)


def check_data(dmisfit: ComboObjectiveFunction) -> None:
    """Raise ValueError, which names the misfit, unless all data and uncertainties are finite."""
    for i, misfit in enumerate(dmisfit.objfcts):
        data = getattr(misfit, "data", None)
        if data is None:
            continue
        # first the data, from which SimPEG computes the uncertainties
        for what, get in (("data", lambda d: d.dobs), ("uncertainties", lambda d: d.standard_deviation)):
            if not np.isfinite(get(data)).all():
                msg = (
                    f"data misfit {i} ({type(misfit.simulation).__module__}): got NaN or infinite {what}, wanted none. "
                    "Leave these data out."
                )
                raise ValueError(msg)


def misfit_support(misfit: BaseDataMisfit, model: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Find the model parameters that a data misfit depends on, (nP,) of bool."""
    simulation = misfit.simulation
    return simulation.Jtvec(model, rng.standard_normal(simulation.survey.nD)) != 0
