"""Choice of the state that a run returns, and of when it stops at the noise level."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

Keep = Literal["best", "first", "last"]


class NoiseWatch:
    """Follow the states of a run, and keep one of them.

    Parameters
    ----------
    keep : {"best", "first", "last"}
        State that is kept; see :class:`TorchMinimize`.
    patience : int
        Number of fitted states in a row after which the run stops.
    stall : int or None
        Number of states without improvement after which the run stops.

    Attributes
    ----------
    model : (nP,) numpy.ndarray
        Model of the state that is kept.
    value : float
        Value of the function there.
    step : int
        Number of steps before it.
    fitted : bool
        Whether the data are fitted there.
    held : int
        Number of fitted states in a row, up to the last one.
    idle : int
        Number of states since the best one, or since the function changed.
    best : list of (bool, float)
        Whether the best state is fitted, and the negative of its value.
    """

    def __init__(self, keep: Keep, patience: int, stall: int | None):
        self._keep, self._patience, self._stall = keep, patience, stall
        self.model, self.value, self.step, self.fitted = None, math.nan, 0, False
        self.held = self.idle = 0
        self.best = [False, -math.inf]  # fitted states are better than others, then lower values

    def see(self, step: int, model: np.ndarray, value: float, excess: float | None) -> None:
        """Take note of a state, with its largest misfit over target, None without a target."""
        fitted = excess is not None and bool(excess <= 1.0)
        self.held = self.held + 1 if fitted else 0
        is_better = [fitted, -value] > self.best
        self.idle = 0 if is_better else self.idle + 1
        if is_better:
            self.best = [fitted, -value]
        taken = {"best": is_better, "last": True, "first": self.held == 1 if fitted or self.fitted else is_better}
        if taken[self._keep]:
            self.model, self.value, self.step, self.fitted = model, value, step, fitted

    def forget_value(self) -> None:
        """Forget the best value, because the function has changed."""
        self.best, self.idle = [self.best[0], -math.inf], 0

    def reason_to_stop(self, at_noise: bool) -> str:
        """Return "target" (only with `at_noise`), "stall", or an empty string if the run should go on."""
        if at_noise and self.held >= self._patience:
            return "target"
        return "stall" if self._stall is not None and self.idle >= self._stall else ""

    def state(self) -> dict[str, Any]:
        """Return all attributes as plain values."""
        return {key: one for key, one in vars(self).items() if not key.startswith("_")}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        vars(self).update(state)
