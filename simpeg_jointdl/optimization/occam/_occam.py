"""Occam's inversion of many columns at once, each with its own trade-off parameter, which stops at the noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from simpeg.optimization import IterationPrinters, Minimize, Remember, StoppingCriteria

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of, problem_of
from ._column_problem import Columns, Linearized, count_columns
from ._search import FIRST, FOLLOWING, Search
from ._tables import PRINTERS


@dataclass(frozen=True)
class _Settings:
    """Constants of Occam's inversion; the scripts of benchmarks/magnetotellurics run with them."""

    shortest: float = 0.01  # step at the noise, in standard deviations per cell, that is not worth taking
    stall: float = 1e-3  # part of χ that a step must gain
    stalls: int = 3  # steps in a row that may gain less before a column stops
    shown: int = 8  # columns that a message names


_SETTINGS = _Settings()


class Occam(OptionalTables, Minimize, Remember):
    r"""Occam's inversion of many independent columns, such as stitched 1-D models.

    Every step linearizes the data of column s, whose data misfit and regularization are :math:`\phi_s` and
    :math:`\psi_s`, and solves [1]_

    .. math::
        \left( \nabla^2 \phi_s + \mu_s \nabla^2 \psi_s \right) \mathbf p_s = - \nabla \phi_s - \mu_s \nabla \psi_s

    for nine values of :math:`\mu_s`. The data of the nine models are simulated, not linearized, for all columns in one
    call of the simulation. The step with the largest :math:`\mu_s` is taken at which the misfit per datum
    :math:`\chi_s` reaches the target, which further trials determine more closely; if none does, the step with the
    smallest :math:`\chi_s`. If no step lowers :math:`\chi_s`, it is halved. The trade-off parameter of the inverse
    problem, ``problem.beta``, is not used.

    A column that has reached the target takes up to `smoothing_steps` further steps, Occam's second phase. Each is the
    step with the most regularization that keeps the target, and is taken if it lowers :math:`\psi_s`. If these steps
    end by themselves, the model is stationary: :math:`\nabla \phi_s = -\mu_s \nabla \psi_s`. Then the column stops. A
    column that cannot reach the target is listed in `failed`. From then on its target is its smallest :math:`\chi_s`,
    raised by the part `relaxation`, because models of the smallest possible misfit are rough. The run ends when all
    columns have stopped.

    The result of a column does not depend on the other columns.

    Parameters
    ----------
    n_columns : int, optional
        Number of columns, which are equal parts of the model, one after the other. By default one for each of the
        ``station_locations`` of the first simulation.
    target_chi : float
        Misfit per datum at which the data of a column are fitted.
    tolerance : float
        Part of the target by which steps may aim below it, below 1. A column is fitted at a misfit up to the target.
    smoothing_steps : int
        Largest number of steps after the target has been reached; 0 to stop at once.
    relaxation : float
        Part by which the smallest misfit of a failed column is raised.
    max_step : float
        Largest change of a cell in one step, in the unit of the model; longer steps are shortened as a whole. The
        default suits the natural logarithm of resistivity, where it keeps trial models from overflowing; other units
        may need a larger value.
    maxIter : int
        Largest number of steps.
    device : str or torch.device, optional
        Device on which the systems are solved, in float64; torch's default device if not given.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    **kwargs
        Further keywords of :class:`simpeg.optimization.Minimize`.

    Attributes
    ----------
    chi : (n_columns,) numpy.ndarray
        Misfit per datum of every column at the model.
    iterations : (n_columns,) numpy.ndarray of int
        Number of steps until the target was reached, or until the column stopped.
    smoothing_iterations : (n_columns,) numpy.ndarray of int
        Number of steps after that.
    arrived, at_work : (n_columns,) numpy.ndarray of bool
        Whether χ has reached the target; whether the column still moves.
    trade_off : (n_columns,) numpy.ndarray
        Trade-off parameter of the last step, NaN without one.
    evaluations : int
        Number of simulations of the data of all columns.
    stopped_because : str
        "target" if all columns reached it, "no descent" if all have stopped, else empty.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range. During a run, for a regularization that couples cells of different columns, data that
        depend on more than one column, and misfits that are not ``L2DataMisfit`` of a simulation with ``getJ``.

    References
    ----------
    .. [1] Constable, S. C., Parker, R. L. and Constable, C. G. (1987). Occam's inversion: a practical algorithm for
       generating smooth models from electromagnetic sounding data. Geophysics, 52, 289-300.
       https://doi.org/10.1190/1.1442303

    Examples
    --------
    >>> from simpeg_jointdl.optimization import Occam
    >>> Occam(n_columns=20, target_chi=1.0, max_step=2.0, print_tables=False, device="cpu").smoothing_steps
    2
    """

    name = "Occam"

    def __init__(
        self,
        n_columns: int | None = None,
        *,
        target_chi: float = 1.0,
        tolerance: float = 0.02,
        smoothing_steps: int = 2,
        relaxation: float = 0.05,
        max_step: float = 10.0,
        maxIter: int = 40,
        device: str | torch.device | None = None,
        print_tables: bool = True,
        **kwargs,
    ):
        super().__init__(maxIter=maxIter, print_tables=bool(print_tables), **kwargs)
        self.n_columns: int | None = None if n_columns is None else check.whole("Occam.n_columns", n_columns)
        self.target_chi: float = check.positive("Occam.target_chi", target_chi)
        self.tolerance: float = check.share("Occam.tolerance", tolerance, zero=False, one=False)
        self.smoothing_steps: int = check.whole("Occam.smoothing_steps", smoothing_steps, 0)
        self.relaxation: float = check.positive("Occam.relaxation", relaxation)
        self.max_step: float = check.positive("Occam.max_step", max_step)
        self._device = resolve_device(device)
        self._columns: Columns | None = None
        self.stopped_because: str = ""
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, *PRINTERS]

    @property
    def failed(self) -> np.ndarray:
        """Indices of the columns that have not reached the target."""
        return np.flatnonzero(~self.arrived)

    def standard_deviation(self, trade_off: ArrayLike | None = None) -> np.ndarray:
        r"""Return the standard deviation of every cell in the problem linearized at the last model.

        These are the square roots of the diagonal of
        :math:`(\mathbf J^\top \mathbf W^2 \mathbf J + \mu \mathbf R)^{-1}`, twice the inverse of the Hessian: for noise
        with the uncertainties of the data, and with the regularization as a Gaussian prior.

        Parameters
        ----------
        trade_off : float or (n_columns,) array_like, optional
            Trade-off parameter :math:`\mu`; by default that of the last step of each column, and 1 for a column without
            a step. It is the largest at which the data are still fitted, so the prior is about as narrow as the data
            allow.

        Returns
        -------
        (n_columns, n_layers) numpy.ndarray
            Standard deviations, in the unit of the model.

        Raises
        ------
        ValueError, TypeError
            If nothing has been minimized yet, for a trade-off parameter of another shape, and if data or regularization
            at the last model are not as the class requires.
        """
        if self._columns is None:
            msg = "Occam.standard_deviation: nothing has been minimized yet; run the inversion first."
            raise ValueError(msg)
        linearized, _ = self._columns.linearize(self.xc)
        if trade_off is None:
            trade_off = np.where(np.isfinite(self.trade_off), self.trade_off, 1.0)
        trade_off = np.broadcast_to(np.asarray(trade_off, dtype=float), self.trade_off.shape)
        return as_numpy(linearized.standard_deviation(as_tensor(trade_off, self._device)))

    # the run ----------------------------------------------------------------------------------------------
    def minimize(self, evalFunction: Callable, x0: np.ndarray) -> np.ndarray:
        """Minimize the objective function of the inverse problem.

        Parameters
        ----------
        evalFunction : callable
            Objective function of SimPEG's inverse problem; TypeError for any other function.
        x0 : (nP,) numpy.ndarray
            Starting model.

        Returns
        -------
        (nP,) numpy.ndarray
            The last model.
        """
        problem = problem_of(evalFunction)
        if problem is None:
            msg = f"Occam: got {evalFunction!r:.60} to minimize, wanted the function of a BaseInvProblem."
            raise TypeError(msg)
        n_columns = count_columns(problem) if self.n_columns is None else self.n_columns
        self._columns = Columns(problem, np.asarray(x0, dtype=float), n_columns, self._device, "Occam")
        with explain_out_of_memory("Occam", self._device):
            return super().minimize(evaluation_of(evalFunction), x0)

    def startup(self, x0: np.ndarray) -> None:
        """Prepare a run of all columns."""
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
        """Return the steps of all columns, (nP,), zero for columns that have stopped."""
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
        """Return the model after the steps, which have been tried already."""
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
