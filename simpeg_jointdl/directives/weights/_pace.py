"""Step sizes of trade-off parameters between iterations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PaceSettings:
    """Constants of :class:`Pace`; the scripts of benchmarks/couplings run with them."""

    near: float = 10.0  # misfit over target below which a parameter waits for Gauss-Newton steps that were cut short
    longest_wait: int = 4  # iterations
    still: float = 0.02  # relative change of a misfit that counts as none
    exponent: float = 1.5  # of the excess, in the divisor above the target
    recovery: float = 1.3  # growth of the gain in a step without a change of side


class Pace:
    """Divisors of trade-off parameters that bring misfits to their targets without oscillation.

    Parameters
    ----------
    n_properties : int
        Number of trade-off parameters.
    cooling_factor : float
        Largest division in one step.
    tolerance : float
        Part of its target by which a misfit may be below it.

    Attributes
    ----------
    side, gain : (n_properties,) numpy.ndarray
        Direction of each parameter's last step (1 if it was divided, -1 if it was raised), and exponent of its steps.
    waited, excess : (n_properties,) numpy.ndarray
        Iterations that each has waited for, and its last misfit over target.
    """

    settings = PaceSettings()  # of the class: attributes of an object are its state, which checkpoints keep

    def __init__(self, n_properties: int, cooling_factor: float, tolerance: float):
        self.cooling_factor, self.tolerance = cooling_factor, tolerance
        self.side, self.gain = np.zeros(n_properties), np.ones(n_properties)
        self.waited, self.excess = np.zeros(n_properties), np.full(n_properties, np.inf)

    def factors(self, excess: np.ndarray, moving: np.ndarray, inexact: bool = False) -> np.ndarray:
        """Return the divisor of each parameter, (n_properties,).

        It is above 1 where data are not fitted yet, and below 1 where they are fitted too well.

        Parameters
        ----------
        excess : (n_properties,) numpy.ndarray
            Largest misfit over target of the data that constrain each property; 0 where there are none.
        moving : (n_properties,) numpy.ndarray of bool
            Parameters that may change.
        inexact : bool
            Whether the last Gauss-Newton step was cut short. Then a parameter near its target waits for a few
            iterations, because the misfit still falls at the present value; but not if the misfit stands still.
        """
        constants = self.settings
        factor = np.ones(len(excess))
        still = np.abs(excess - self.excess) <= constants.still * excess
        waits = inexact & (excess < constants.near) & (self.waited < constants.longest_wait)
        waits &= ~(still & (self.waited > 0))
        self.excess = np.array(excess, dtype=float)
        self.waited = np.where(waits, self.waited + 1, 0)
        above = moving & (excess > 1.0) & ~waits
        below = moving & (excess > 0.0) & (excess < 1.0 - self.tolerance)
        aim = 1.0 - 0.5 * self.tolerance  # the middle of the tolerated range
        factor[above] = np.minimum(self.cooling_factor, (excess[above] / aim) ** constants.exponent)
        factor[below] = np.maximum(1.0 / self.cooling_factor, excess[below] / aim)
        # each crossing of the target halves the steps, until the side no longer changes
        side = np.sign(factor - 1.0)
        crosses = side * self.side < 0
        growth = np.where(side == 0.0, 1.0, constants.recovery)
        self.gain = np.where(crosses, 0.5 * self.gain, np.minimum(1.0, growth * self.gain))
        self.side = np.where(side == 0.0, self.side, side)
        return factor**self.gain
