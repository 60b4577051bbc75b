"""Damped Gauss-Newton for many models at once, each at its own pace."""

from __future__ import annotations

import numpy as np
import torch
from simpeg.optimization import IterationPrinters, Minimize, StoppingCriteria

from ..._core.tensors import as_numpy, as_tensor, explain_out_of_memory
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of

WHO = "EnsembleLevenbergMarquardt"
_EASE, _STIFFEN, _HOLD_BACK = 0.4, 4.0, 2.0  # as LevenbergMarquardt
_LEAST = 1e-2  # of the weight a data set keeps while it is fitted better than its noise allows


class EnsembleLevenbergMarquardt(OptionalTables, Minimize):
    r"""The steps of :class:`LevenbergMarquardt` in the space of the data, for all members of an ensemble.

    The model is the members' models, one after the other, and every misfit is of a simulation that sees each member by
    itself (`member_rows`). Each member has its own damping, rests once its data are fitted, and, with several data
    sets, weighs them by :math:`\min(1, \chi^4)` as :class:`~simpeg_jointdl.directives.BalanceMisfits` does. There must
    be no regularization: what is minimized are the misfits.

    Parameters
    ----------
    damping : float
        To begin with.
    target_chi, tolerance, max_tries
        As of :class:`LevenbergMarquardt`, for every member.
    maxIter : int
        Largest number of steps.
    **kwargs
        Of :class:`simpeg.optimization.Minimize`.

    Attributes
    ----------
    chi : (n_members, n_misfits) numpy.ndarray
        :math:`\chi` of every member and data set at the model; None before a run.
    n_members : int
        As the first simulation has it, in a run.

    Raises
    ------
    ValueError
        For numbers out of range, and no `target_chi`.
    MemoryError
        When it runs, where the device has no memory left; says what helps.
    """

    name = "Levenberg-Marquardt, ensemble"

    def __init__(self, *, damping=1.0, target_chi=1.0, tolerance=0.05, max_tries=12, maxIter=60, **kwargs):
        super().__init__(maxIter=maxIter, **kwargs)
        if target_chi is None or not (damping > 0.0 and target_chi > 0.0 and 0.0 <= tolerance < 1.0 and max_tries >= 1):
            msg = (
                f"{WHO}: got damping={damping!r}, target_chi={target_chi!r}, tolerance={tolerance!r}, "
                f"max_tries={max_tries!r}; wanted positive numbers, and a tolerance from 0 up to 1."
            )
            raise ValueError(msg)
        self.damping, self.target_chi, self.tolerance = float(damping), float(target_chi), float(tolerance)
        self.max_tries = int(max_tries)
        self.chi = None
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, _AT_WORK]

    def minimize(self, evalFunction, x0):
        """SimPEG's."""
        with explain_out_of_memory(WHO, self.parent.dmisfit.objfcts[0].simulation.device):
            return super().minimize(evaluation_of(evalFunction), x0)

    def startup(self, x0):
        """SimPEG's, and every member at work."""
        super().startup(x0)
        self._misfits = self.parent.dmisfit.objfcts
        self.n_members = self._misfits[0].simulation.n_members
        self._dampings = np.full(self.n_members, self.damping)
        self._at_work = np.ones(self.n_members, dtype=bool)
        self.chi = np.full((self.n_members, len(self._misfits)), np.inf)

    @property
    def n_at_work(self) -> int:
        """Members whose data are not fitted yet."""
        return int(self._at_work.sum())

    def findSearchDirection(self):
        """Sensitivities of the members at work; the steps follow in :meth:`modifySearchDirection`."""
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

    def modifySearchDirection(self, p):
        """For every member the first step that lowers its misfit and does not fit its noise."""
        old, pending = self._sizes(self._residual), np.ones(len(self._working), dtype=bool)
        accepted = self.xc.reshape(self.n_members, -1).copy()
        for _ in range(self.max_tries):
            trial = accepted.copy()
            trial[self._working[pending]] += self._steps()[pending]
            try:
                self._LS_ft = float(self.evalFunction(trial.ravel(), return_g=False, return_H=False))
            except FloatingPointError:  # some member's outputs are not finite there, and nobody says whose
                self._dampings[self._working[pending]] *= _STIFFEN
                continue
            chi = self._chi()[self._working]
            too_far = (chi < (1.0 - self.tolerance) * self.target_chi).all(axis=1)
            better = self._sizes(self._weighted_residual()) < old
            good = pending & better & ~too_far
            accepted[self._working[good]] = trial[self._working[good]]
            self._dampings[self._working[good]] *= _EASE
            pending &= ~good
            self._dampings[self._working[pending]] *= np.where(too_far, _HOLD_BACK, _STIFFEN)[pending]
            if not pending.any():
                break
        x = accepted.ravel()
        self._LS_ft = float(self.evalFunction(x, return_g=False, return_H=False))
        self._rest(pending)
        return x, True

    def _rest(self, stuck):
        """Members that are fitted, or cannot be improved, rest."""
        self.chi = self._chi()
        fitted = (self.chi <= (1.0 + self.tolerance) * self.target_chi).all(axis=1)
        self._at_work &= ~fitted
        lost = self._working[stuck & ~fitted[self._working]]
        self._at_work[lost] = False
        if len(lost):
            self._remark(f"{WHO}: no step improves members {lost.tolist()} any more.")
        self._rows = self._vectors = self._values = None
        if not self._at_work.any():
            self.stopNextIteration = True

    def checkpoint_state(self) -> dict:
        """Return the dampings, misfits and which members are at work, as plain values."""
        return {"dampings": self._dampings, "at_work": self._at_work, "chi": self.chi}

    def restore_checkpoint_state(self, state: dict) -> None:
        """Put back what :meth:`checkpoint_state` returned."""
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
        """Of every misfit over the uncertainties, (n_members, n_data), from the last data."""
        parts, start = [], 0
        for misfit in self._misfits:
            n = misfit.simulation.survey.nD
            residual = misfit.W @ (self.parent.dpred[start : start + n] - misfit.data.dobs)
            parts.append(residual.reshape(self.n_members, -1))
            start += n
        return parts

    def _chi(self) -> np.ndarray:
        return np.stack([np.mean(one**2, axis=1) for one in self._residuals()], axis=1)

    def _weighted_residual(self) -> np.ndarray:
        parts = [one[self._working] for one in self._residuals()]
        return np.concatenate([self._weights[:, [i]] * one for i, one in enumerate(parts)], axis=1)

    @staticmethod
    def _sizes(residual):
        return np.sum(residual**2, axis=1)


_AT_WORK = {"title": "at work", "value": lambda M: M.n_at_work, "width": 9, "format": lambda v: f"{v:d}"}
