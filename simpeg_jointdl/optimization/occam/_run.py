"""The run of Occam's inversion: steps of all columns, and which of them continue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from simpeg.optimization import Minimize, Remember

from ..._core.tensors import as_numpy, as_tensor
from ..._problem.minimizers import OptionalTables
from ._column_problem import Columns, Linearized
from ._search import FIRST, FOLLOWING, Search


@dataclass(frozen=True)
class _Settings:
    """Constants of Occam's inversion; the scripts of benchmarks/magnetotellurics run with them."""

    shortest: float = 0.01  # step at the noise, in standard deviations per cell, that is not worth taking
    stall: float = 1e-3  # part of χ that a step must gain
    stalls: int = 3  # steps in a row that may gain less before a column stops
    shown: int = 8  # columns that a message names


_SETTINGS = _Settings()


class BaseOccam(OptionalTables, Minimize, Remember):
    """Base class of Occam's inversion: the steps of a run."""

    target_chi: float
    tolerance: float
    smoothing_steps: int
    relaxation: float
    max_step: float
    stopped_because: str

    chi: np.ndarray
    arrived: np.ndarray
    at_work: np.ndarray
    iterations: np.ndarray
    smoothing_iterations: np.ndarray
    trade_off: np.ndarray
    evaluations: int
    _columns: Columns
    _device: torch.device

    def startup(self, x0: np.ndarray) -> None:
        """Prepare a run of all columns.

        Parameters
        ----------
        x0 : (nP,) numpy.ndarray
            Starting model.
        """
        super().startup(x0)
        n = self._columns.n_columns
        self.chi, self.evaluations, self.stopped_because = self._columns.chi(x0), 1, ""
        self.arrived, self.at_work = self.chi <= self.target_chi, np.ones(n, dtype=bool)
        self.iterations, self.smoothing_iterations = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
        self.trade_off, self._stalls = np.full(n, np.nan), np.zeros(n, dtype=int)
        self._targets, self._gave_up = np.full(n, self.target_chi), np.zeros(n, dtype=bool)
        if not self.smoothing_steps:
            self.at_work &= ~self.arrived

    def findSearchDirection(self) -> np.ndarray:
        """Return the steps of all columns, (nP,), zero for columns that have stopped.

        Returns
        -------
        (nP,) numpy.ndarray
            Direction or step.
        """
        if not self.at_work.any():
            return np.zeros_like(self.xc)
        linearized, before = self._columns.linearize(self.xc)
        step_of = self._make_step(linearized)

        def chi_of(trade_off, share):
            trial = np.where(self.at_work[:, None], share[:, None] * as_numpy(step_of(trade_off)), 0.0)
            return self._columns.chi(self.xc + trial.ravel())

        search = Search(chi_of, before, self._targets, self.tolerance)
        known = np.isfinite(self.trade_off)
        middle = np.where(known, self.trade_off, as_numpy(linearized.scale))
        search.run(middle, np.where(known, FOLLOWING[:, None], FIRST[:, None]))
        self.evaluations += search.n_tries + 1
        step = search.share[:, None] * as_numpy(step_of(search.trade_off))
        moves = self._judge(linearized, search, step)
        return np.where(moves[:, None], step, 0.0).ravel()

    def _make_step(self, linearized: Linearized) -> Callable[[np.ndarray], torch.Tensor]:
        """Function from the trade-off parameters to the steps, (n_columns,) -> (n_columns, n_layers)."""

        def step_of(trade_off):
            step = linearized.step(as_tensor(trade_off, self._device))
            longest = step.abs().amax(1, keepdim=True).clamp_min(torch.finfo(step.dtype).tiny)
            return step * (self.max_step / longest).clamp(max=1.0)

        return step_of

    def _judge(self, linearized: Linearized, search: Search, step: np.ndarray) -> np.ndarray:
        """Return which columns take their steps, and decide which of them continue afterwards."""
        there = self.arrived | self._gave_up
        sent, mu = as_tensor(step, self._device), as_tensor(search.trade_off, self._device)
        smoother = (as_numpy(linearized.change(sent)) < 0.0) & (
            as_numpy(linearized.length(sent, mu)) > _SETTINGS.shortest
        )
        # a column at its target takes only steps that keep the target and make the model smoother
        moves = self.at_work & search.found & (~there | (smoother & (search.chi <= self._targets)))
        is_idle = ~there & (search.chi > self._targets) & (~moves | (search.chi > (1.0 - _SETTINGS.stall) * self.chi))
        self._stalls = np.where(is_idle, np.where(moves, self._stalls + 1, _SETTINGS.stalls), 0)
        self.iterations += moves & ~there
        self.smoothing_iterations += moves & there
        self.trade_off = np.where(moves, search.trade_off, self.trade_off)
        self.chi = np.where(moves, search.chi, self.chi)
        self.arrived |= self.chi <= self.target_chi
        lost = self.at_work & (self._stalls >= _SETTINGS.stalls)
        self._gave_up |= lost
        self._targets[lost] = (1.0 + self.relaxation) * self.chi[lost]
        self.at_work &= moves | lost
        rests = self.arrived | self._gave_up
        self.at_work &= ~rests | (self.smoothing_iterations < self.smoothing_steps)
        return moves

    def modifySearchDirection(self, p: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the model after the steps, which have been tried already.

        Parameters
        ----------
        p : (nP,) numpy.ndarray
            Direction of :meth:`findSearchDirection`.

        Returns
        -------
        x : (nP,) numpy.ndarray
            The next model.
        is_descent : bool
            Always True, so that SimPEG takes the model.
        """
        x = self.xc + p
        self._LS_ft = float(self.evalFunction(x, return_g=False, return_H=False))
        if not self.at_work.any():
            self.stopNextIteration = True
            self.stopped_because = "target" if self.arrived.all() else "no descent"
        return x, True

    def finish(self) -> None:
        """End the run, and say which columns have not reached the target."""
        super().finish()
        if not self.arrived.all():
            some = ", ".join(f"{i} (χ {self.chi[i]:.2f})" for i in self.failed[: _SETTINGS.shown])
            more = ", ..." if self.failed.size > _SETTINGS.shown else ""
            self._remark(
                f"Occam: {self.failed.size} of {self.arrived.size} columns have not reached χ = {self.target_chi:g}: "
                f"{some}{more}."
            )
