"""Which state of a run to give back, and for how long its data have been fitted to their noise."""

from __future__ import annotations

import math

import numpy as np

KEEP = ("best", "first", "last")


class NoiseWatch:
    """Looks at the states of a run as they come, and keeps one of them.

    Parameters
    ----------
    keep : {"best", "first", "last"}
    patience, stall : int, int or None
        See :class:`TorchMinimize` for all three.

    Attributes
    ----------
    model, value, step, fitted : (nP,) numpy.ndarray, float, int, bool
        The state that is kept, its value of the function, its step, and whether the target held there.
    held : int
        States in a row, up to the last one, at which the target held.
    idle : int
        States since the best one, or since the function changed.
    """

    def __init__(self, keep: str, patience: int, stall: int | None):
        self._keep, self._patience, self._stall = keep, patience, stall
        self.model, self.value, self.step, self.fitted = None, math.nan, 0, False
        self.held = self.idle = 0
        self.best = [False, -math.inf]  # fitted states before others, lower values before higher ones

    def see(self, step: int, model: np.ndarray, value: float, excess: float | None):
        """A state, and its largest misfit over target, None where there is no target."""
        fitted = excess is not None and bool(excess <= 1.0)
        self.held = self.held + 1 if fitted else 0
        is_better = [fitted, -value] > self.best
        self.idle = 0 if is_better else self.idle + 1
        if is_better:
            self.best = [fitted, -value]
        taken = {"best": is_better, "last": True, "first": self.held == 1 if fitted or self.fitted else is_better}
        if taken[self._keep]:
            self.model, self.value, self.step, self.fitted = model, value, step, fitted

    def forget_value(self):
        """The function has changed, so that no value compares with those to come."""
        self.best, self.idle = [self.best[0], -math.inf], 0

    def reason_to_stop(self, at_noise: bool) -> str:
        """ "target" or "stall", empty where there is none; of the target only `at_noise`."""
        if at_noise and self.held >= self._patience:
            return "target"
        return "stall" if self._stall is not None and self.idle >= self._stall else ""

    def state(self) -> dict:
        """All of it as plain values."""
        return {key: one for key, one in vars(self).items() if not key.startswith("_")}

    def restore(self, state: dict):
        """Go back to what :meth:`state` gave."""
        vars(self).update(state)
