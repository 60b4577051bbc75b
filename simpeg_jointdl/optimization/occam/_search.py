"""For every column its own trade-off: Occam's search, all columns at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Decades about the middle in which trade-offs are tried: when nothing is known, and about the last one.
FIRST, NEXT = np.linspace(4.0, -4.0, 9), np.linspace(2.0, -2.0, 9)
_CLOSER = 6  # tries between two neighbours of those
_HALVINGS = 6
_GAIN = 1e-4  # part of χ by which a step that does not arrive must lower it


class Search:
    """Trade-offs, and parts of the steps they make, for many columns at once.

    Parameters
    ----------
    chi_of : callable
        χ of every column, (n_columns,), after `share` of the step of `trade_off`, both (n_columns,) numpy.ndarray.
    chi : (n_columns,) numpy.ndarray
        Before the step.
    target : (n_columns,) numpy.ndarray
        A column arrives at a χ no larger than that.
    tolerance : float
        Part of the target below it, beneath which no step aims.

    Attributes
    ----------
    trade_off, share, chi : (n_columns,) numpy.ndarray
        What was found, and χ after it.
    found : (n_columns,) numpy.ndarray of bool
        Whether the step is any good: it arrives, or lowers χ.
    n_tries : int
        Calls of `chi_of`.
    """

    def __init__(self, chi_of: Callable, chi: np.ndarray, target: np.ndarray, tolerance: float):
        self._chi_of, self._before, self._target, self._tolerance = chi_of, chi, target, tolerance
        self.n_tries = 0

    def run(self, middle: np.ndarray, decades: np.ndarray):
        """Try `decades` (n_tries, n_columns), from the largest, about the `middle` (n_columns,), and then closer."""
        logs = np.log10(middle) + decades
        tried = np.stack([self._try(row) for row in logs])
        fits = tried <= self._target
        arrives = fits.any(axis=0)
        largest, least = fits.argmax(axis=0), tried.argmin(axis=0)
        best = np.where(arrives, largest, least)
        log, chi = _at(logs, best), _at(tried, best)
        wide = _at(logs, np.maximum(largest - 1, 0)), _at(tried, np.maximum(largest - 1, 0))
        log, chi = self._most_regular(log, chi, *wide, arrives & (largest > 0))
        low, high = np.maximum(best - 1, 0), np.minimum(best + 1, len(decades) - 1)
        vertex = _vertex(*(part for i in (low, best, high) for part in (_at(logs, i), _at(tried, i))))
        log, chi = self._better(log, chi, vertex, ~arrives & (low < best) & (best < high))
        self._hold_back(log, chi)

    def _try(self, logs, share=None):
        self.n_tries += 1
        return self._chi_of(10.0**logs, np.ones_like(logs) if share is None else share)

    def _most_regular(self, log, chi, far, far_chi, here):
        """Between a trade-off that fits and a larger one that does not: the largest that fits, nearly."""
        log, chi, far, far_chi = log.copy(), chi.copy(), far.copy(), far_chi.copy()
        for i in range(_CLOSER):
            here = here & (chi < (1.0 - self._tolerance) * self._target)
            if not here.any():
                break
            trial = _between(log, chi, far, far_chi, self._target * (1.0 - 0.5 * self._tolerance), i)
            new = self._try(np.where(here, trial, log))
            closer, farther = here & (new <= self._target), here & (new > self._target)
            log[closer], chi[closer] = trial[closer], new[closer]
            far[farther], far_chi[farther] = trial[farther], new[farther]
        return log, chi

    def _better(self, log, chi, trial, here):
        if not here.any():
            return log, chi
        new = self._try(np.where(here, trial, log))
        better = here & (new < chi)
        return np.where(better, trial, log), np.where(better, new, chi)

    def _hold_back(self, log, chi):
        """Halve steps that neither arrive nor lower χ."""
        share = np.ones_like(log)
        bad = self._is_bad(chi)
        for _ in range(_HALVINGS):
            if not bad.any():
                break
            share[bad] *= 0.5
            new = self._try(log, share)
            chi = np.where(bad, new, chi)
            bad = self._is_bad(chi)
        self.trade_off, self.share, self.chi, self.found = 10.0**log, share, chi, ~bad

    def _is_bad(self, chi):
        arrives = chi <= self._target
        return ~(arrives | (chi < (1.0 - _GAIN) * self._before))


def _at(table, rows):
    return np.take_along_axis(table, rows[None], axis=0)[0]


def _between(log, chi, far, far_chi, aim, i):
    """By the secant of the logarithms of χ, every third time the middle."""
    middle = 0.5 * (log + far)
    if i % 3 == 2:
        return middle
    with np.errstate(all="ignore"):
        part = (np.log(aim) - np.log(chi)) / (np.log(far_chi) - np.log(chi))
    return np.where(np.isfinite(part), log + np.clip(part, 0.05, 0.95) * (far - log), middle)


def _vertex(x0, y0, x1, y1, x2, y2):
    """Of parabolas through three points of the logarithm of χ; the middle point where there is none."""
    with np.errstate(all="ignore"):
        y0, y1, y2 = np.log(y0), np.log(y1), np.log(y2)
        left, right = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
        x = x1 - 0.5 * ((x1 - x0) * left - (x1 - x2) * right) / (left - right)
    return np.where(np.isfinite(x) & (x > np.minimum(x0, x2)) & (x < np.maximum(x0, x2)), x, x1)
