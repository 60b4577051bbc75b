"""The run of the minimizer with torch's optimizers: steps, the state that is kept, and the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from simpeg.optimization import Bounded, Minimize, Remember
from simpeg.utils import get_logger

from ..._core.tensors import explain_out_of_memory
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of
from . import _names as names
from ._checks import check_closure, check_start
from ._noise_watch import Keep, NoiseWatch
from ._objective import Objective
from ._steps import TorchSteps
from ._tables import AT_NOISE


class BaseTorchMinimizer(OptionalTables, Bounded, Minimize, Remember):
    """Base class of minimizers that take the steps of an optimizer of torch."""

    steps: int
    stopped_because: str
    patience: int
    stall: int | None
    steps_per_iteration: int
    device: torch.device
    dtype: torch.dtype
    _kind: Callable
    _schedule: Callable | None
    _has_closure: bool
    _lr: float | None
    _groups: Sequence[Mapping[str, Any]] | None
    _options: dict[str, Any]
    _scheduler_options: dict[str, Any]
    _target_chi: np.ndarray | None
    _keep: Keep
    _max_norm: float | None
    _watch: NoiseWatch
    _moves: TorchSteps | None
    _objective: Objective | None

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Present learning rate of each group of parameters; empty before a run."""
        return () if self._moves is None else self._moves.learning_rates

    @property
    def steps_at_target(self) -> int:
        """Number of fitted states in a row, up to the present one."""
        return self._watch.held

    @property
    def kept_step(self) -> int:
        """Number of steps before the state that is returned, 0 for the starting model."""
        return self._watch.step

    @property
    def evaluations(self) -> int:
        """Number of evaluations of function and gradient so far."""
        return 0 if self._objective is None else self._objective.evaluations

    def minimize(self, evalFunction: Callable, x0: np.ndarray) -> np.ndarray:
        """Minimize a function from a starting model.

        Parameters
        ----------
        evalFunction : callable
            ``evalFunction(x, return_g=True, return_H=False)`` gives the value and the gradient, (nP,).
        x0 : (nP,) numpy.ndarray
            Starting model.

        Returns
        -------
        (nP,) numpy.ndarray
            Model of the state that `keep` chooses.
        """
        self.evalFunction = evaluation_of(evalFunction)
        x0 = np.array(x0, dtype=float)
        check_start("TorchMinimize.minimize", x0)
        with explain_out_of_memory("TorchMinimize", self.device):
            self.startup(x0)
            self.printInit()
            self._begin()
            self.printIter()
            while True:
                self.doStartIteration()
                if self.stoppingCriteria() or not self._take_steps() or self.stopNextIteration:
                    break
            self._end()
            self.printDone()
            self.finish()
        return self.xc

    def _begin(self) -> None:
        """Make optimizer and scheduler, and evaluate the function at the start."""
        check_closure("TorchMinimize", self._has_closure, self._is_bounded(), self._max_norm)
        n_steps = self.maxIter * self.steps_per_iteration
        self._moves = TorchSteps(
            self.xc,
            names.checked_groups(self._groups, self.xc.size),
            partial(names.make_optimizer, self._kind, lr=self._lr, options=self._options),
            partial(names.make_scheduler, self._schedule, n_steps=n_steps, options=self._scheduler_options),
            self.device,
            self.dtype,
            self._max_norm,
        )
        self._objective = Objective(self.evalFunction, self.parent, self._target_chi, "TorchMinimize")
        self._watch, self.steps, self.stopped_because = NoiseWatch(self._keep, self.patience, self.stall), 0, ""
        self.x0 = self.x_last = self.xc = self._inside(self._moves.values)  # rounded to the dtype
        self.f, self.g = self._objective(self.xc)
        if not self._objective.is_finite:
            msg = (
                "TorchMinimize: the function or its gradient is NaN or infinite at the starting model; begin at "
                "another one."
            )
            raise ValueError(msg)
        self._watch.see(0, self.xc, self.f, self._objective.excess())

    def _take_steps(self) -> bool:
        """Take the steps of one iteration; return False if one is not finite."""
        objective = self._objective
        if objective.again_if_changed():
            self._watch.forget_value()
            self.f = objective.value
        for _ in range(self.steps_per_iteration):
            if self._has_closure:
                x = self._moves.move_by_closure(objective)
            else:
                x = self._inside(self._moves.move(objective.gradient))
            self.steps += 1
            f, _ = objective(x)
            if not objective.is_finite:
                return self._give_up()
            self._moves.advance(f)
            self._watch.see(self.steps, x, f, objective.excess())
            self.stopped_because = self._watch.reason_to_stop(AT_NOISE in self.stoppers)
            if self.stopped_because:
                self.stopNextIteration = True
                break
        self._LS_ft, self.g = f, objective.gradient  # SimPEG reads the value of a step there
        self.doEndIteration(x)
        return True

    def _give_up(self) -> bool:
        """End the run after a step that is not finite."""
        self.stopNextIteration, self.stopped_because = True, "nonfinite"
        get_logger().warning(
            f"TorchMinimize: NaN or infinite model, value or gradient at step {self.steps}; back to the state after "
            f"step {self.kept_step}. A smaller lr, or max_gradient_norm, may help."
        )
        return False

    def _end(self) -> None:
        """Return to the state that was kept."""
        if not self.stopped_because:
            ends = "directive" if self.stopNextIteration else "maxIter" if self.iter >= self.maxIter else "tolerance"
            self.stopped_because = self._watch.reason_to_stop(AT_NOISE in self.stoppers) or ends
        self.xc = self._watch.model
        self.f, self.g = self._objective(self.xc)

    def _inside(self, x: np.ndarray) -> np.ndarray:
        """Return the nearest model within bounds, from which the optimizer continues."""
        if not self._is_bounded():
            return x
        inside = self.projection(x)
        if not np.array_equal(inside, x):
            self._moves.put(inside)
        return inside

    def _is_bounded(self) -> bool:
        return any(one is not None and np.isfinite(one).any() for one in (self.lower, self.upper))
