"""Stopping criteria and printed columns of the minimizer with torch's optimizers, in the form of SimPEG's."""

from __future__ import annotations

from simpeg.optimization import Minimize, StoppingCriteria


def _patience(minimizer: Minimize) -> int:
    return minimizer.patience


def _steps_at_target(minimizer: Minimize) -> int:
    return minimizer.steps_at_target


def _learning_rate(minimizer: Minimize) -> float:
    return minimizer.learning_rates[0]


def _short(value: float) -> str:
    return f"{value:1.2e}"


AT_NOISE = {
    "str": "%d : patience  =     %3d    <= steps at target =   %3d",
    "left": _patience,
    "right": _steps_at_target,
    "stopType": "critical",
}
LEARNING_RATE = {"title": "lr", "value": _learning_rate, "width": 10, "format": _short}
# SimPEG's criteria, by the keyword of their tolerance
STOPPERS = {
    "tolF": StoppingCriteria.tolerance_f,
    "tolX": StoppingCriteria.moving_x,
    "tolG": StoppingCriteria.tolerance_g,
    "eps": StoppingCriteria.norm_g,
}
