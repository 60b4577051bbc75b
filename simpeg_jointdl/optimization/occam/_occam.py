"""Occam's inversion of many columns at once, each with its own trade-off parameter, which stops at the noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from simpeg.inverse_problem import BaseInvProblem
from simpeg.optimization import IterationPrinters, StoppingCriteria

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor, explain_out_of_memory, resolve_device
from .._evaluation import evaluation_of, problem_of
from ._column_problem import Columns, count_columns
from ._run import BaseOccam
from ._tables import PRINTERS

# attributes that a checkpoint keeps
_STATE = (
    "chi", "evaluations", "stopped_because", "arrived", "at_work", "iterations", "smoothing_iterations", "trade_off",
    "_stalls", "_targets", "_gave_up",
)  # fmt: skip


class Occam(BaseOccam):
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
        **kwargs: Any,
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
        self._is_restored = False
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
        if self._columns is None and self._is_restored:
            self._columns = self._columns_at(self.parent, self.xc)
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
        self._columns = self._columns_at(problem, x0)
        with explain_out_of_memory("Occam", self._device):
            return super().minimize(evaluation_of(evalFunction), x0)

    def _columns_at(self, problem: BaseInvProblem, model: np.ndarray) -> Columns:
        """The columns of an inverse problem."""
        n_columns = count_columns(problem) if self.n_columns is None else self.n_columns
        return Columns(problem, np.asarray(model, dtype=float), n_columns, self._device, "Occam")

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the state of all columns as plain values.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        return {name: getattr(self, name) for name in _STATE}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`checkpoint_state` returned.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._is_restored = True
        for name in _STATE:
            value = state[name]
            setattr(self, name, value.copy() if isinstance(value, np.ndarray) else value)
