"""The function that is minimized: evaluated once per model, with what it says of the data."""

from __future__ import annotations

import numpy as np
from simpeg.regularization import WeightedLeastSquares

from ..._problem.misfits import chi_factors
from .._evaluation import problem_of


class Objective:
    """Value and gradient of a function of SimPEG's form, and the misfits of the inverse problem it is of.

    Parameters
    ----------
    function : callable
        ``function(x, return_g, return_H)``.
    problem : simpeg.inverse_problem.BaseInvProblem or None
        Looked at where the function is a method of it.
    target_chi : numpy.ndarray or None
        A number, or (n_misfits,).
    who : str
        Named in messages.

    Attributes
    ----------
    evaluations : int
        Of function and gradient.
    model, value, gradient : (nP,) numpy.ndarray, float, (nP,) numpy.ndarray
        Of the last one.
    """

    def __init__(self, function, problem, target_chi, who: str):
        self._function, self._who = function, who
        self._problem = problem if problem_of(function) is problem else None
        self._targets = None if self._problem is None or target_chi is None else self._checked(target_chi)
        self.evaluations = 0
        self.model, self.value, self.gradient = None, np.nan, None
        self._seen = self._settings()

    def _checked(self, target_chi):
        misfits = self._problem.dmisfit.objfcts
        blind = [i for i, misfit in enumerate(misfits) if not hasattr(misfit, "simulation")]
        if blind:
            msg = (
                f"{self._who}: data misfit(s) {blind} have no simulation, so no χ to stop at; wanted such as "
                "L2DataMisfit, or target_chi=None."
            )
            raise TypeError(msg)
        if target_chi.shape not in ((), (len(misfits),)):
            msg = f"{self._who}.target_chi: got {target_chi.tolist()}, wanted one, or {len(misfits)}, one per misfit."
            raise ValueError(msg)
        return target_chi

    @property
    def is_finite(self) -> bool:
        """Whether the last value and gradient are."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient; those of the last model if it is the same, NaN where there are none."""
        if self.model is not None and np.array_equal(x, self.model):
            return self.value, self.gradient
        value, gradient = np.nan, np.full_like(x, np.nan)
        if np.isfinite(x).all():
            self.evaluations += 1
            try:
                value, gradient = self._function(x, return_g=True, return_H=False)
            except FloatingPointError:
                pass  # a network whose outputs are not finite at this model
            except ValueError as error:
                if "contains `nan`s" not in str(error):  # SimPEG's, of predicted data
                    raise
        if np.shape(gradient) != x.shape:
            msg = f"{self._who}: the function gave a gradient of shape {np.shape(gradient)}, wanted {x.shape}."
            raise ValueError(msg)
        self.model, self.value, self.gradient = x, float(value), gradient
        self._seen = self._settings()
        return self.value, self.gradient

    def again_if_changed(self) -> bool:
        """Evaluate again if trade-off parameter or multipliers are others than at the last time."""
        has_changed = self._seen != self._settings()
        if has_changed:
            x, self.model = self.model, None
            self(x)
        return has_changed

    def excess(self) -> float | None:
        """Largest χ over its target at the last model, of misfits that count; None without targets."""
        if self._targets is None:
            return None
        dmisfit = self._problem.dmisfit
        ratios = chi_factors(dmisfit, self._problem.dpred) / self._targets
        return float(ratios[np.array(dmisfit.multipliers) != 0.0].max(initial=0.0))

    def _settings(self) -> list:
        """What directives may have changed of the function."""
        problem = self._problem
        if problem is None:
            return []
        # a lone least-squares term, whose multipliers are its alphas, may become a sum of one at any time
        of_terms = [1.0] if isinstance(problem.reg, WeightedLeastSquares) else problem.reg.multipliers
        return [float(problem.beta), *map(float, problem.dmisfit.multipliers), *map(float, of_terms)]

    # checkpoints --------------------------------------------------------------------------------------
    def state(self) -> dict:
        """The last evaluation as plain values."""
        names = ("evaluations", "model", "value", "gradient", "_seen")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict):
        """Go back to what :meth:`state` gave."""
        vars(self).update(state)
