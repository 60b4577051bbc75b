"""The function that is minimized, evaluated once per model, and the misfits of its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from simpeg.inverse_problem import BaseInvProblem
from simpeg.regularization import WeightedLeastSquares

from ..._core.protocols import HasSimulation
from ..._problem.misfits import chi_factors
from .._evaluation import problem_of


class Objective:
    """Value and gradient of a function, and the misfits of the inverse problem that it belongs to.

    Parameters
    ----------
    function : callable
        ``function(x, return_g, return_H)`` as SimPEG's minimizers take it.
    problem : simpeg.inverse_problem.BaseInvProblem or None
        Inverse problem; it is used if the function is its objective function.
    target_chi : numpy.ndarray or None
        Target misfit per datum: one number, or (n_misfits,).
    who : str
        Name of the caller, which begins the messages of errors.

    Attributes
    ----------
    evaluations : int
        Number of evaluations of function and gradient.
    model, gradient : (nP,) numpy.ndarray
        Model and gradient of the last evaluation.
    value : float
        Value of the last evaluation.
    """

    def __init__(self, function: Callable, problem: BaseInvProblem | None, target_chi: np.ndarray | None, who: str):
        self._function, self._who = function, who
        self._problem = problem if problem_of(function) is problem else None
        self._targets = None if self._problem is None or target_chi is None else self._checked(target_chi)
        self.evaluations = 0
        self.model, self.value, self.gradient = None, np.nan, None
        self._seen = self._settings()

    def _checked(self, target_chi: np.ndarray) -> np.ndarray:
        """The targets, if the misfits have simulations and there is one target for all or one each."""
        misfits = self._problem.dmisfit.objfcts
        blind = [i for i, misfit in enumerate(misfits) if not isinstance(misfit, HasSimulation)]
        if blind:
            msg = (
                f"{self._who}: data misfit(s) {blind} have no simulation, so no χ to stop at; wanted misfits such "
                "as L2DataMisfit, or target_chi=None."
            )
            raise TypeError(msg)
        if target_chi.shape not in ((), (len(misfits),)):
            msg = f"{self._who}.target_chi: got {target_chi.tolist()}, wanted one, or {len(misfits)}, one per misfit."
            raise ValueError(msg)
        return target_chi

    @property
    def is_finite(self) -> bool:
        """Whether the last value and gradient are finite."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient at a model, NaN where they do not exist; nothing is computed twice in a row."""
        if self.model is not None and np.array_equal(x, self.model):
            return self.value, self.gradient
        value, gradient = np.nan, np.full_like(x, np.nan)
        if np.isfinite(x).all():
            self.evaluations += 1
            try:
                value, gradient = self._function(x, return_g=True, return_H=False)
            except FloatingPointError:
                pass  # outputs of the network are not finite at this model
            except ValueError as error:
                if "contains `nan`s" not in str(error):  # by SimPEG, for predicted data
                    raise
        if np.shape(gradient) != x.shape:
            msg = f"{self._who}: the function gave a gradient of shape {np.shape(gradient)}, wanted {x.shape}."
            raise ValueError(msg)
        self.model, self.value, self.gradient = x, float(value), gradient
        self._seen = self._settings()
        return self.value, self.gradient

    def again_if_changed(self) -> bool:
        """Evaluate again if the trade-off parameter or a multiplier has changed, and return whether it has."""
        has_changed = self._seen != self._settings()
        if has_changed:
            x, self.model = self.model, None
            self(x)
        return has_changed

    def excess(self) -> float | None:
        """Return the largest χ over its target at the last model, of misfits that count; None without targets."""
        if self._targets is None:
            return None
        dmisfit = self._problem.dmisfit
        ratios = chi_factors(dmisfit, self._problem.dpred) / self._targets
        return float(ratios[np.array(dmisfit.multipliers) != 0.0].max(initial=0.0))

    def _settings(self) -> list[float]:
        """Trade-off parameter and multipliers, which directives may change."""
        problem = self._problem
        if problem is None:
            return []
        # the multipliers of a single least-squares term are its alphas, and a directive may put it into a sum
        of_terms = [1.0] if isinstance(problem.reg, WeightedLeastSquares) else problem.reg.multipliers
        return [float(problem.beta), *map(float, problem.dmisfit.multipliers), *map(float, of_terms)]

    # checkpoints --------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Return the last evaluation as plain values."""
        names = ("evaluations", "model", "value", "gradient", "_seen")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        vars(self).update(state)
