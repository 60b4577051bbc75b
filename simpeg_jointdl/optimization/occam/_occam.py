"""Gauss-Newton for many small problems at once, each with a trade-off of its own, which ends at the noise."""

from __future__ import annotations

import numpy as np
import torch
from simpeg.optimization import IterationPrinters, Minimize, Remember, StoppingCriteria

from ..._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of, problem_of
from ._column_problem import Columns
from ._search import FIRST, NEXT, Search

WHO = "Occam"
_STATE = (
    "chi", "evaluations", "stopped_because", "arrived", "at_work", "iterations", "smoothing_iterations", "trade_off",
    "_stalls", "_targets", "_gave_up",
)  # fmt: skip
_STILL = 0.01  # of a standard deviation per cell: a step at the noise that is shorter is the last
_STALL, _STALLS = 1e-3, 3  # part of χ that a step must gain, and in how many it may fail to


class Occam(OptionalTables, Minimize, Remember):
    r"""Occam's inversion of many columns that know nothing of each other, such as stitched 1-D models.

    Every step linearises the data of column s, whose misfit and regularization are :math:`\phi_s` and
    :math:`\psi_s`, and solves

    .. math::
        \left( \nabla^2 \phi_s + \mu_s \nabla^2 \psi_s \right) \mathbf p_s = - \nabla \phi_s - \mu_s \nabla \psi_s

    for nine :math:`\mu_s`, whose data are computed, not linearised: all columns in one call of the simulation, each
    with a trade-off of its own. It takes the most regularization, found closer by further tries, at
    which :math:`\chi_s`, the misfit per datum, reaches the target, or the least :math:`\chi_s` if none
    does. A step that lowers :math:`\chi_s` nowhere is halved. The trade-off of the inverse problem,
    ``problem.beta``, plays no part.

    A column that has arrived takes up to `smoothing_steps` more, Occam's second phase: each the one of the
    most regularization at which the target holds, as long as it lowers :math:`\psi_s`. Where these come to an end by
    themselves the model is stationary: :math:`\nabla \phi_s = -\mu_s \nabla \psi_s`. Then the column stays. One
    that gets no closer is counted in `failed`, and its least :math:`\chi_s`, raised by the part `relaxation`, is its
    target from there on: models of the very least misfit are wild. The run ends when all stay.

    No column makes a difference to another, and the result is that of each one alone.

    Parameters
    ----------
    n_columns : int, optional
        Equal parts of the model, one after the other. By default one for each of the ``station_locations`` of the
        first simulation.
    target_chi : float
        Misfit per datum at which a column has arrived.
    tolerance : float
        A column arrives at a χ no larger than the target; steps aim no lower than this part below it.
    smoothing_steps : int
        See above; 0 to stay at once.
    relaxation : float
        See above.
    max_step : float
        Longest step of a cell, in the unit of the model; longer steps are shortened as a whole. Where the model is the
        natural logarithm of resistivity, it keeps trial models from where nothing can be computed; where it is not, it
        may need to be larger.
    maxIter : int
        Largest number of steps.
    device : str or torch.device, optional
        Where the systems are solved; torch's default device when not given. In float64.
    **kwargs
        Of SimPEG's ``Minimize``.

    Attributes
    ----------
    chi : (n_columns,) numpy.ndarray
        Of every column at the model, or last seen.
    iterations : (n_columns,) numpy.ndarray of int
        Steps until it arrived, or stayed.
    smoothing_iterations : (n_columns,) numpy.ndarray of int
        Steps after it arrived.
    arrived, at_work : (n_columns,) numpy.ndarray of bool
        Whether χ has reached the target; whether the column still moves.
    trade_off : (n_columns,) numpy.ndarray
        Of its last step, nan without one.
    evaluations : int
        Of the data of all columns.
    stopped_because : str
        "target", if all arrived, "no descent" if all stay, else empty.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range. When it runs, for a regularization that couples cells of different columns, data that
        depend on more than one, and misfits that are not ``L2DataMisfit`` of a simulation with ``getJ``.

    References
    ----------
    Constable, S. C., Parker, R. L. and Constable, C. G. (1987). Occam's inversion: a practical algorithm for generating
    smooth models from electromagnetic sounding data. Geophysics, 52, 289-300. https://doi.org/10.1190/1.1442303
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
        **kwargs,
    ):
        options = {"target_chi": target_chi, "tolerance": tolerance, "relaxation": relaxation, "max_step": max_step}
        if not (min(*options.values(), 1 + smoothing_steps) > 0.0 and tolerance < 1.0):
            msg = (
                f"{WHO}: got {options}, smoothing_steps={smoothing_steps!r}; wanted all above 0, a tolerance below 1, "
                "and 0 or more smoothing steps."
            )
            raise ValueError(msg)
        if n_columns is not None and (int(n_columns) != n_columns or n_columns < 1):
            msg = f"{WHO}.n_columns: got {n_columns!r}, wanted a whole number above 0."
            raise ValueError(msg)
        super().__init__(maxIter=maxIter, **kwargs)
        self.n_columns, self.target_chi, self.tolerance = n_columns, float(target_chi), float(tolerance)
        self.smoothing_steps, self.max_step = int(smoothing_steps), float(max_step)
        self.relaxation = float(relaxation)
        self._device = resolve_device(device)
        self._columns, self._next, self.stopped_because = None, None, ""
        self._is_restored = False
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, *_PRINTERS]

    @property
    def failed(self) -> np.ndarray:
        """Numbers of the columns that have not reached the target."""
        return np.flatnonzero(~self.arrived)

    def standard_deviation(self, trade_off=None) -> np.ndarray:
        r"""Of every cell in the linearised problem at the last model, (n_columns, n_layers) numpy.ndarray.

        Square roots of the diagonal of :math:`(\mathbf J^\top \mathbf W^2 \mathbf J + \mu \mathbf R)^{-1}`, twice the
        inverse of the Hessian: noise as the data's errors say, and the regularization taken for a Gaussian prior.

        Parameters
        ----------
        trade_off : float or (n_columns,) array_like, optional
            :math:`\mu`; by default that of the column's last step, 1 where it never moved. It is the largest at which
            the data are still fitted, and so makes the prior about as tight as they allow.

        Raises
        ------
        ValueError, TypeError
            Before anything has been minimized; for a trade-off of another shape; where the data or the regularization
            at the last model are not as the class asks for.
        """
        if self._columns is None and self._is_restored:
            self._columns = self._taken_apart(self.parent, self.xc)
        if self._columns is None:
            msg = f"{WHO}.standard_deviation: nothing has been minimized yet; run the inversion first."
            raise ValueError(msg)
        linearized, _ = self._columns.linearize(self.xc)
        if trade_off is None:
            trade_off = np.where(np.isfinite(self.trade_off), self.trade_off, 1.0)
        trade_off = np.broadcast_to(np.asarray(trade_off, dtype=float), self.trade_off.shape)
        return as_numpy(linearized.standard_deviation(as_tensor(trade_off, self._device)))

    # the run ----------------------------------------------------------------------------------------------
    def minimize(self, evalFunction, x0):
        """SimPEG's; TypeError for a function that is not of its inverse problem."""
        problem = problem_of(evalFunction)
        if problem is None:
            msg = f"{WHO}: got {evalFunction!r:.60} to minimize, wanted the function of a BaseInvProblem."
            raise TypeError(msg)
        self._columns = self._taken_apart(problem, x0)
        with explain_out_of_memory(WHO, self._device):
            return super().minimize(evaluation_of(evalFunction), x0)

    def _taken_apart(self, problem, model) -> Columns:
        n_columns = _count(problem) if self.n_columns is None else int(self.n_columns)
        return Columns(problem, np.asarray(model, dtype=float), n_columns, self._device, WHO)

    def checkpoint_state(self) -> dict:
        """Return the state of all columns as plain values."""
        return {name: getattr(self, name) for name in _STATE}

    def restore_checkpoint_state(self, state: dict) -> None:
        """Put back what :meth:`checkpoint_state` returned."""
        self._is_restored = True
        for name in _STATE:
            value = state[name]
            setattr(self, name, value.copy() if isinstance(value, np.ndarray) else value)

    def startup(self, x0):
        """SimPEG's, and every column at work."""
        super().startup(x0)
        n = self._columns.n_columns
        self.chi, self.evaluations, self.stopped_because = self._columns.chi(x0), 1, ""
        self.arrived, self.at_work = self.chi <= self.target_chi, np.ones(n, dtype=bool)
        self.iterations, self.smoothing_iterations = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
        self.trade_off, self._stalls = np.full(n, np.nan), np.zeros(n, dtype=int)
        self._targets, self._gave_up = np.full(n, self.target_chi), np.zeros(n, dtype=bool)
        if not self.smoothing_steps:
            self.at_work &= ~self.arrived

    def findSearchDirection(self):
        """Steps of all columns, (nP,) zero for those that stay."""
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
        search.run(middle, np.where(known, NEXT[:, None], FIRST[:, None]))
        self.evaluations += search.n_tries + 1
        step = search.share[:, None] * as_numpy(step_of(search.trade_off))
        moves = self._judge(linearized, search, step)
        return np.where(moves[:, None], step, 0.0).ravel()

    def _make_step(self, linearized):
        def step_of(trade_off):
            step = linearized.step(as_tensor(trade_off, self._device))
            longest = step.abs().amax(1, keepdim=True).clamp_min(torch.finfo(step.dtype).tiny)
            return step * (self.max_step / longest).clamp(max=1.0)

        return step_of

    def _judge(self, linearized, search, step) -> np.ndarray:
        """Which columns take their steps; which of all go on after it."""
        there = self.arrived | self._gave_up
        sent, mu = as_tensor(step, self._device), as_tensor(search.trade_off, self._device)
        smoother = (as_numpy(linearized.change(sent)) < 0.0) & (as_numpy(linearized.length(sent, mu)) > _STILL)
        # where the target holds already: only if it still does, and for something
        moves = self.at_work & search.found & (~there | (smoother & (search.chi <= self._targets)))
        is_idle = ~there & (search.chi > self._targets) & (~moves | (search.chi > (1.0 - _STALL) * self.chi))
        self._stalls = np.where(is_idle, np.where(moves, self._stalls + 1, _STALLS), 0)
        self.iterations += moves & ~there
        self.smoothing_iterations += moves & there
        self.trade_off = np.where(moves, search.trade_off, self.trade_off)
        self.chi = np.where(moves, search.chi, self.chi)
        self.arrived |= self.chi <= self.target_chi
        lost = self.at_work & (self._stalls >= _STALLS)
        self._gave_up |= lost
        self._targets[lost] = (1.0 + self.relaxation) * self.chi[lost]
        self.at_work &= moves | lost
        rests = self.arrived | self._gave_up
        self.at_work &= ~rests | (self.smoothing_iterations < self.smoothing_steps)
        return moves

    def modifySearchDirection(self, p):
        """The step as it is: it was tried."""
        x = self.xc + p
        self._LS_ft = float(self.evalFunction(x, return_g=False, return_H=False))
        if not self.at_work.any():
            self.stopNextIteration = True
            self.stopped_because = "target" if self.arrived.all() else "no descent"
        return x, True

    def finish(self):
        """SimPEG's, and how many have not arrived."""
        super().finish()
        if not self.arrived.all():
            some = ", ".join(f"{i} (χ {self.chi[i]:.2f})" for i in self.failed[:_SHOWN])
            more = ", ..." if self.failed.size > _SHOWN else ""
            self._remark(
                f"{WHO}: {self.failed.size} of {self.arrived.size} columns have not reached χ = {self.target_chi:g}: "
                f"{some}{more}."
            )


def _count(problem) -> int:
    simulation = getattr(problem.dmisfit.objfcts[0], "simulation", None)
    locations = getattr(simulation, "station_locations", None)
    if locations is None:
        msg = f"{WHO}.n_columns: {type(simulation).__name__} does not say how many columns it has; give n_columns."
        raise ValueError(msg)
    return len(locations)


_SHOWN = 8
_PRINTERS = [
    {"title": "at work", "value": lambda M: int(M.at_work.sum()), "width": 9, "format": lambda v: f"{v:d}"},
    {"title": "arrived", "value": lambda M: int(M.arrived.sum()), "width": 9, "format": lambda v: f"{v:d}"},
    {"title": "median chi", "value": lambda M: np.median(M.chi), "width": 12, "format": lambda v: f"{v:1.2e}"},
    {"title": "largest chi", "value": lambda M: np.max(M.chi), "width": 12, "format": lambda v: f"{v:1.2e}"},
]
