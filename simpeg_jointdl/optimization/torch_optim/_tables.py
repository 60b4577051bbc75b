"""Stoppers and printers of the minimizer with torch's optimizers, in the form of SimPEG's."""

from simpeg.optimization import StoppingCriteria

AT_NOISE = {
    "str": "%d : patience  =     %3d    <= steps at target =   %3d",
    "left": lambda M: M.patience,
    "right": lambda M: M.steps_at_target,
    "stopType": "critical",
}
LEARNING_RATE = {
    "title": "lr",
    "value": lambda M: M.learning_rates[0],
    "width": 10,
    "format": lambda v: f"{v:1.2e}",
}
# SimPEG's own, by the tolerance that is theirs
STOPPERS = {
    "tolF": StoppingCriteria.tolerance_f,
    "tolX": StoppingCriteria.moving_x,
    "tolG": StoppingCriteria.tolerance_g,
    "eps": StoppingCriteria.norm_g,
}
