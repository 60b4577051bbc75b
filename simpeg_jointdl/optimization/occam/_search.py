"""Occam's search for the trade-off parameter of every column, for all columns at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SearchSettings:
    """Constants of Occam's search; the scripts of benchmarks/magnetotellurics run with them."""

    first: tuple[float, float, int] = (4.0, -4.0, 9)  # decades about the first trade-off parameter, and their number
    following: tuple[float, float, int] = (2.0, -2.0, 9)  # decades about that of the last step
    closer: int = 6  # tries between two neighbours
    halvings: int = 6  # of steps that do not lower χ
    gain: float = 1e-4  # part of χ by which a step that does not reach the target must lower it


SETTINGS = SearchSettings()
FIRST, FOLLOWING = np.linspace(*SETTINGS.first), np.linspace(*SETTINGS.following)


class Search:
    """Search for the trade-off parameters and step lengths of many columns.

    Parameters
    ----------
    chi_of : callable
        ``chi_of(trade_off, share)`` gives χ of every column, (n_columns,), after the part `share` of the step with
        `trade_off`, both (n_columns,) numpy.ndarray.
    chi : (n_columns,) numpy.ndarray
        χ before the step.
    target : (n_columns,) numpy.ndarray
        Largest χ at which the data of a column are fitted.
    tolerance : float
        Part of the target by which a step may aim below it.

    Attributes
    ----------
    trade_off, share, chi : (n_columns,) numpy.ndarray
        Trade-off parameters and step lengths that were found, and χ after these steps.
    found : (n_columns,) numpy.ndarray of bool
        Whether the step reaches the target or lowers χ.
    n_tries : int
        Number of calls of `chi_of`.
    """

    def __init__(self, chi_of: Callable, chi: np.ndarray, target: np.ndarray, tolerance: float):
        self._chi_of, self._before, self._target, self._tolerance = chi_of, chi, target, tolerance
        self.n_tries = 0

    def run(self, middle: np.ndarray, decades: np.ndarray) -> None:
        """Search about a first trade-off parameter, in decades and then between two of them.

        Parameters
        ----------
        middle : (n_columns,) numpy.ndarray
            First trade-off parameter of each column.
        decades : (n_tries, n_columns) numpy.ndarray
            Logarithms of the factors on it that are tried, in decreasing order.
        """
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
        self._shorten(log, chi)

    def _try(self, logs: np.ndarray, share: np.ndarray | None = None) -> np.ndarray:
        self.n_tries += 1
        return self._chi_of(10.0**logs, np.ones_like(logs) if share is None else share)

    def _most_regular(self, log, chi, far, far_chi, here):
        """Find nearly the largest trade-off parameter that fits, between one that does and one that does not."""
        log, chi, far, far_chi = log.copy(), chi.copy(), far.copy(), far_chi.copy()
        for i in range(SETTINGS.closer):
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
        """Try one more trade-off parameter, and keep it where χ is smaller."""
        if not here.any():
            return log, chi
        new = self._try(np.where(here, trial, log))
        better = here & (new < chi)
        return np.where(better, trial, log), np.where(better, new, chi)

    def _shorten(self, log, chi):
        """Halve steps that neither reach the target nor lower χ."""
        share = np.ones_like(log)
        bad = self._is_bad(chi)
        for _ in range(SETTINGS.halvings):
            if not bad.any():
                break
            share[bad] *= 0.5
            new = self._try(log, share)
            chi = np.where(bad, new, chi)
            bad = self._is_bad(chi)
        self.trade_off, self.share, self.chi, self.found = 10.0**log, share, chi, ~bad

    def _is_bad(self, chi):
        arrives = chi <= self._target
        return ~(arrives | (chi < (1.0 - SETTINGS.gain) * self._before))


def _at(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Entry of each column in its own row, (n_columns,)."""
    return np.take_along_axis(table, rows[None], axis=0)[0]


def _between(log, chi, far, far_chi, aim, i):
    """Next trial by the secant of the logarithm of χ, and every third time by bisection."""
    middle = 0.5 * (log + far)
    if i % 3 == 2:
        return middle
    with np.errstate(all="ignore"):
        part = (np.log(aim) - np.log(chi)) / (np.log(far_chi) - np.log(chi))
    return np.where(np.isfinite(part), log + np.clip(part, 0.05, 0.95) * (far - log), middle)


def _vertex(x0, y0, x1, y1, x2, y2):
    """Vertices of parabolas through three points of the logarithm of χ; the middle point where there is none."""
    with np.errstate(all="ignore"):
        y0, y1, y2 = np.log(y0), np.log(y1), np.log(y2)
        left, right = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
        x = x1 - 0.5 * ((x1 - x0) * left - (x1 - x2) * right) / (left - right)
    return np.where(np.isfinite(x) & (x > np.minimum(x0, x2)) & (x < np.maximum(x0, x2)), x, x1)
