"""How far a trade-off parameter moves in one iteration."""

from __future__ import annotations

import numpy as np

_NEAR, _PATIENCE, _STILL = 10.0, 4, 0.02


class Pace:
    """Divisors of trade-off parameters that bring misfits to their targets without swinging about them.

    Parameters
    ----------
    n_properties : int
    cooling_factor : float
        Largest division in one step.
    tolerance : float
        How far below its target a misfit may settle, as a part of it.

    Attributes
    ----------
    side, gain : (n_properties,) numpy.ndarray
        Which way each went last (1: divided), and the exponent of its steps.
    waited, excess : (n_properties,) numpy.ndarray
        Steps that each has waited for, and where its misfit stood last.
    """

    def __init__(self, n_properties: int, cooling_factor: float, tolerance: float):
        self.cooling_factor, self.tolerance = cooling_factor, tolerance
        self.side, self.gain = np.zeros(n_properties), np.ones(n_properties)
        self.waited, self.excess = np.zeros(n_properties), np.full(n_properties, np.inf)

    def factors(self, excess: np.ndarray, moving: np.ndarray, inexact: bool = False) -> np.ndarray:
        """Divisor of each parameter: above 1 where its data are not fitted, below 1 where they are fitted too well.

        Parameters
        ----------
        excess : (n_properties,) numpy.ndarray
            Largest misfit over target of the data that constrain each property; 0 where none do.
        moving : (n_properties,) numpy.ndarray of bool
            Which may move.
        inexact : bool
            Whether the last Gauss-Newton step was cut short. Near the target the next steps are then awaited:
            dividing on would end far below, once they have caught up. Not if the misfit stands still meanwhile.
        """
        factor = np.ones(len(excess))
        still = np.abs(excess - self.excess) <= _STILL * excess
        waits = inexact & (excess < _NEAR) & (self.waited < _PATIENCE) & ~(still & (self.waited > 0))
        self.excess = np.array(excess, dtype=float)
        self.waited = np.where(waits, self.waited + 1, 0)
        above = moving & (excess > 1.0) & ~waits
        below = moving & (excess > 0.0) & (excess < 1.0 - self.tolerance)
        aim = 1.0 - 0.5 * self.tolerance  # into the band rather than at its edge
        factor[above] = np.minimum(self.cooling_factor, (excess[above] / aim) ** 1.5)
        factor[below] = np.maximum(1.0 / self.cooling_factor, excess[below] / aim)
        # who swings about the target takes half the step, until the sides no longer change
        side = np.sign(factor - 1.0)
        swings = side * self.side < 0
        self.gain = np.where(swings, 0.5 * self.gain, np.minimum(1.0, np.where(side == 0.0, 1.0, 1.3) * self.gain))
        self.side = np.where(side == 0.0, self.side, side)
        return factor**self.gain
