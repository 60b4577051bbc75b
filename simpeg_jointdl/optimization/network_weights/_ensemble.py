"""Damped Gauss-Newton for many models at once, each with its own damping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from simpeg.optimization import IterationPrinters, Minimize, StoppingCriteria

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor, explain_out_of_memory
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of
from ._damped import SETTINGS

_LEAST = 1e-2  # part of its weight that a data set keeps while it is fitted better than its noise allows
_HOLD_BACK = 2.0  # factor on the damping after a step that fits the noise


def _number_at_work(minimizer: Minimize) -> int:
    return minimizer.n_at_work


_AT_WORK = {"title": "at work", "value": _number_at_work, "width": 9, "format": str}


class EnsembleLevenbergMarquardt(OptionalTables, Minimize):
    r"""Damped Gauss-Newton in the space of the data, for all members of an ensemble at once.

    The steps are those of :class:`LevenbergMarquardt`. The model is the models of all members, one after the other, and
    the simulation of every misfit treats each member by itself (``member_rows``). Each member has its own damping and
    stops once its data are fitted. With several data sets, each member weighs them by :math:`\min(1, \chi^4)`, as
    :class:`~simpeg_jointdl.directives.BalanceMisfits` does. There must be no regularization: only the misfits are
    minimized.

    Parameters
    ----------
    damping : float
        Damping of the first step of every member.
    target_chi : float
        Misfit per datum at which the data of a member count as fitted.
    tolerance : float
        Part of the target by which the last misfit may differ from it, on either side.
    max_tries : int
        Largest number of dampings that are tried in one step.
    maxIter : int
        Largest number of steps.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    **kwargs
        Further keywords of :class:`simpeg.optimization.Minimize`.

    Attributes
    ----------
    damping, target_chi, tolerance, max_tries
        As given.
    chi : (n_members, n_misfits) numpy.ndarray or None
        Misfit per datum :math:`\chi` of every member and data set at the model; None before a run.
    n_members : int
        Number of members of the first simulation, during and after a run.

    Raises
    ------
    ValueError, TypeError
        For numbers out of range, and without a `target_chi`.
    MemoryError
        During a run, if the memory of the device is not enough; the message says what helps.

    Examples
    --------
    >>> from simpeg_jointdl.optimization import EnsembleLevenbergMarquardt
    >>> EnsembleLevenbergMarquardt(target_chi=0.9, maxIter=30, print_tables=False).damping
    1.0
    """

    name = "Levenberg-Marquardt, ensemble"
    n_members: int

    def __init__(
        self,
        *,
        damping: float = 1.0,
        target_chi: float = 1.0,
        tolerance: float = 0.05,
        max_tries: int = 12,
        maxIter: int = 60,
        print_tables: bool = True,
        **kwargs: Any,
    ):
        super().__init__(maxIter=maxIter, print_tables=bool(print_tables), **kwargs)
        who = "EnsembleLevenbergMarquardt"
        self.damping: float = check.positive(f"{who}.damping", damping)
        self.target_chi: float = check.positive(f"{who}.target_chi", target_chi)
        self.tolerance: float = check.share(f"{who}.tolerance", tolerance, one=False)
        self.max_tries: int = check.whole(f"{who}.max_tries", max_tries)
        self.chi: np.ndarray | None = None
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, _AT_WORK]

    def minimize(self, evalFunction: Callable, x0: np.ndarray) -> np.ndarray:
        """Minimize the objective function of the inverse problem.

        Parameters
        ----------
        evalFunction : callable
            Objective function of SimPEG's inverse problem.
        x0 : (n_members * n,) numpy.ndarray
            Starting models of all members, one after the other.

        Returns
        -------
        (n_members * n,) numpy.ndarray
            The last models.
        """
        with explain_out_of_memory(type(self).__name__, self.parent.dmisfit.objfcts[0].simulation.device):
            return super().minimize(evaluation_of(evalFunction), x0)

    def startup(self, x0: np.ndarray) -> None:
        """Prepare a run of all members.

        Parameters
        ----------
        x0 : (nP,) numpy.ndarray
            Starting model.
        """
        super().startup(x0)
        self._misfits = self.parent.dmisfit.objfcts
        self.n_members = self._misfits[0].simulation.n_members
        self._dampings = np.full(self.n_members, self.damping)
        self._at_work = np.ones(self.n_members, dtype=bool)
        self.chi = np.full((self.n_members, len(self._misfits)), np.inf)

    @property
    def n_at_work(self) -> int:
        """Number of members whose data are not fitted yet."""
        return int(self._at_work.sum())

    def findSearchDirection(self) -> np.ndarray:
        """Compute sensitivities of the members at work; :meth:`modifySearchDirection` computes the steps.

        Returns
        -------
        (nP,) numpy.ndarray
            Direction or step.
        """
        self.chi = self._chi()
        self._working = np.flatnonzero(self._at_work)
        weights = np.sqrt(np.clip((self.chi / self.target_chi) ** 4, _LEAST, 1.0))[self._working]
        if len(self._misfits) == 1:
            weights = np.ones_like(weights)
        self._weights = weights
        rows = [
            misfit.simulation.member_rows(self.xc, misfit.W, self._working)
            * as_tensor(weights[:, i, None, None], misfit.simulation.device)
            for i, misfit in enumerate(self._misfits)
        ]
        self._rows = torch.cat([one.double() for one in rows], dim=1)  # (working, n_data, n)
        values, self._vectors = torch.linalg.eigh(self._rows @ self._rows.transpose(1, 2))
        self._values = values.clamp_min(0.0)
        self._scales = as_numpy(self._values.mean(dim=1))
        self._residual = self._weighted_residual()
        return np.zeros_like(self.xc)

    def modifySearchDirection(self, p: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the models after each member's first step that lowers its misfit without fitting the noise.

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
        old, pending = self._sizes(self._residual), np.ones(len(self._working), dtype=bool)
        accepted = self.xc.reshape(self.n_members, -1).copy()
        for _ in range(self.max_tries):
            trial = accepted.copy()
            trial[self._working[pending]] += self._steps()[pending]
            try:
                self._LS_ft = float(self.evalFunction(trial.ravel(), return_g=False, return_H=False))
            except FloatingPointError:  # outputs of a member are not finite; which one is not known
                self._dampings[self._working[pending]] *= SETTINGS.stiffen
                continue
            chi = self._chi()[self._working]
            too_far = (chi < (1.0 - self.tolerance) * self.target_chi).all(axis=1)
            better = self._sizes(self._weighted_residual()) < old
            good = pending & better & ~too_far
            accepted[self._working[good]] = trial[self._working[good]]
            self._dampings[self._working[good]] *= SETTINGS.ease
            pending &= ~good
            self._dampings[self._working[pending]] *= np.where(too_far, _HOLD_BACK, SETTINGS.stiffen)[pending]
            if not pending.any():
                break
        x = accepted.ravel()
        self._LS_ft = float(self.evalFunction(x, return_g=False, return_H=False))
        self._rest(pending)
        return x, True

    def _rest(self, stuck: np.ndarray) -> None:
        """Stop members that are fitted, or that no step improves."""
        self.chi = self._chi()
        fitted = (self.chi <= (1.0 + self.tolerance) * self.target_chi).all(axis=1)
        self._at_work &= ~fitted
        lost = self._working[stuck & ~fitted[self._working]]
        self._at_work[lost] = False
        if len(lost):
            self._remark(f"EnsembleLevenbergMarquardt: no step improves members {lost.tolist()} any more.")
        self._rows = self._vectors = self._values = None
        if not self._at_work.any():
            self.stopNextIteration = True

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the dampings, the misfits, and which members are at work, as plain values.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        return {"dampings": self._dampings, "at_work": self._at_work, "chi": self.chi}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`checkpoint_state` returned.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._dampings = np.array(state["dampings"], dtype=float)
        self._at_work = np.array(state["at_work"], dtype=bool)
        self.chi = np.array(state["chi"], dtype=float)

    def _steps(self) -> np.ndarray:
        """Steps of the working members at their dampings, (working, n)."""
        mu = as_tensor(self._dampings[self._working] * self._scales, self._rows.device)
        r = as_tensor(self._residual, self._rows.device)
        along = (self._vectors.transpose(1, 2) @ r[..., None])[..., 0] / (self._values + mu[:, None])
        return -as_numpy(((self._vectors @ along[..., None]).transpose(1, 2) @ self._rows)[:, 0])

    def _residuals(self) -> list[np.ndarray]:
        """Residuals of every misfit over the uncertainties, each (n_members, n_data), from the last data."""
        parts, start = [], 0
        for misfit in self._misfits:
            n = misfit.simulation.survey.nD
            residual = misfit.W @ (self.parent.dpred[start : start + n] - misfit.data.dobs)
            parts.append(residual.reshape(self.n_members, -1))
            start += n
        return parts

    def _chi(self) -> np.ndarray:
        """Misfit per datum, (n_members, n_misfits)."""
        return np.stack([np.mean(one**2, axis=1) for one in self._residuals()], axis=1)

    def _weighted_residual(self) -> np.ndarray:
        """Residuals of the working members with their weights, (n_working, n_data)."""
        parts = [one[self._working] for one in self._residuals()]
        return np.concatenate([self._weights[:, [i]] * one for i, one in enumerate(parts)], axis=1)

    @staticmethod
    def _sizes(residual: np.ndarray) -> np.ndarray:
        """Squared norm of each member's residuals."""
        return np.sum(residual**2, axis=1)
