"""Any optimizer of torch in the place of SimPEG's minimizers."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from simpeg.optimization import Bounded, IterationPrinters, Minimize, Remember, StoppingCriteria
from simpeg.utils import get_logger

from ..._core.tensors import explain_out_of_memory, resolve_device, resolve_dtype
from ..._problem.minimizers import OptionalTables
from .._evaluation import evaluation_of
from . import _names as names
from ._checks import WHO, check_closure, check_start, one_of, positive, targets, whole
from ._noise_watch import KEEP, NoiseWatch
from ._objective import Objective
from ._steps import TorchSteps
from ._tables import AT_NOISE, LEARNING_RATE, STOPPERS


class TorchMinimize(OptionalTables, Bounded, Minimize, Remember):
    r"""Minimize with any optimizer of ``torch.optim``, under SimPEG's inversions, printers, stoppers and directives.

    Every step is taken: there is no line search. The function and its gradient are evaluated once per step, at the new
    model; both serve the next step. When directives change a trade-off parameter or a multiplier they are evaluated
    again there; other changes, of weights say, count from the next model on.

    **Stopping.** A state is *fitted* when :math:`\chi \leq` `target_chi` for each data misfit whose multiplier
    is not zero: the squared norm of the residual over its uncertainties per datum, or what a robust misfit has
    for it, which leaves outliers out. The run ends

    - when the last `patience` states in a row were fitted (`stopped_because` ``"target"``),
    - when `stall` states in a row were no better than the best before ("stall"): a fitted one is better than one that
      is not, and among equals that with the lower function,
    - at a NaN or infinite model, value or gradient ("nonfinite"), with a warning that says at which step,
    - after `maxIter` iterations ("maxIter"), when a directive says so ("directive"), or by SimPEG's `tolF`, `tolX`,
      `tolG` or `eps` ("tolerance"), which count only if given here: they are made for longer steps.

    What comes back, ``invProb`` then being at it, is the state after a step, or the starting one, that `keep` says:

    - ``"best"``: of the fitted states that with the lowest function; where none was fitted, of all. When trade-off
      parameters or multipliers change, the next state that is fitted (or, before any is, the next one) takes its place;
    - ``"first"``: the one with which the last unbroken row of fitted states began, so the one closest to the noise;
      where none was fitted, the best;
    - ``"last"``: the last finite one.

    Parameters
    ----------
    optimizer : str or callable
        Name of a class of ``torch.optim`` in any case ("adam", "adamw", "sgd", "rmsprop", "nadam", "radam", "lbfgs"),
        such a class, or any function of parameters and ``lr=`` that returns an optimizer.
    lr : float, optional
        Learning rate; 0.01 when not given, and 1 of "lbfgs", whose steps are found by a strong Wolfe search unless
        `optimizer_options` say otherwise.
    maxIter : int
        Largest number of iterations.
    scheduler : str or callable, optional
        Of the learning rate after every step: "onecycle", "cosine", "plateau", "exponential", ..., any class
        of ``torch.optim.lr_scheduler`` by its name with or without LR, such a class, or a function of the optimizer.
        Those that need a length get that of the whole run, and "onecycle" the learning rate as its largest.
    optimizer_options, scheduler_options : dict, optional
        Further arguments of the two, ``{"betas": (0.9, 0.99)}``.
    parameter_groups : sequence of dict, optional
        Parts of the model with options of their own, ``[{"parameters": slice(0, 100), "lr": 1e-3}]``.
    target_chi : float or sequence of float, optional
        Target χ of all data misfits or one each. None: not looked at; nor is it when a plain function is
        minimized, or beside a :class:`~simpeg_jointdl.directives.JointBetaSchedule`, which decides itself.
    patience : int
        States in a row at which the target must hold.
    stall : int, optional
        States without improvement that end the run; none do if not given.
    keep : {"best", "first", "last"}
        Which state to give back.
    steps_per_iteration : int
        Steps between calls of directives and printers. The target is looked at after every step.
    max_gradient_norm : float, optional
        Longer gradients are cut to this length before a step.
    lower, upper : float or (nP,) numpy.ndarray, optional
        Bounds; every step is projected onto them.
    device : str or torch.device, optional
        Where optimizers keep their state. Torch's default device when not given.
    dtype : optional
        float64 (default) or float32, of the parameters: the function then sees models rounded to it.
    **kwargs
        Of :class:`simpeg.optimization.Minimize`.

    Attributes
    ----------
    steps : int
        Taken so far.
    stopped_because : str
        See above; empty before the end.
    device, dtype : torch.device, torch.dtype
        Of the parameters and the optimizer's state.

    Raises
    ------
    ValueError, TypeError
        For names that torch does not know, options it refuses, numbers out of range, "lbfgs" with bounds or cut
        gradients, a function that is NaN or infinite at the start, data misfits without a simulation.

    Notes
    -----
    The state of optimizer and scheduler is saved by :class:`~simpeg_jointdl.directives.SaveCheckpoint`. A run that has
    ended by `maxIter` may go on with a larger one, while a schedule keeps the length it was begun with.

    References
    ----------
    Kingma, D. P. and Ba, J. (2015). Adam: a method for stochastic optimization.
    https://doi.org/10.48550/arXiv.1412.6980

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg_jointdl.optimization import TorchMinimize
    >>> def bowl(x, return_g=True, return_H=True):
    ...     return np.sum((x - 1) ** 2), 2 * (x - 1)
    >>> minimizer = TorchMinimize("adam", lr=0.1, maxIter=300, scheduler="cosine", print_tables=False)
    >>> minimizer.minimize(bowl, np.zeros(2)).round(4)
    array([1., 1.])
    """

    def __init__(
        self,
        optimizer="adam",
        lr: float | None = None,
        *,
        maxIter: int = 500,
        scheduler=None,
        optimizer_options: dict | None = None,
        scheduler_options: dict | None = None,
        parameter_groups=None,
        target_chi=1.0,
        patience: int = 10,
        stall: int | None = None,
        keep: str = "best",
        steps_per_iteration: int = 1,
        max_gradient_norm: float | None = None,
        lower=None,
        upper=None,
        device: str | torch.device | None = None,
        dtype=None,
        **kwargs,
    ):
        self._kind, self._schedule = names.find_optimizer(optimizer), names.find_scheduler(scheduler)
        self._has_closure = names.is_lbfgs(self._kind)
        self.steps, self.stopped_because = 0, ""
        self._moves = self._objective = None
        super().__init__(lower=lower, upper=upper, maxIter=whole("maxIter", maxIter), **kwargs)
        self._lr, self._groups = None if lr is None else positive("lr", lr), parameter_groups
        self._options, self._scheduler_options = dict(optimizer_options or {}), dict(scheduler_options or {})
        self._target_chi, self.patience = targets(target_chi), whole("patience", patience)
        self.stall = None if stall is None else whole("stall", stall)
        self._keep = one_of("keep", keep, KEEP)
        self._watch = NoiseWatch(keep, self.patience, self.stall)
        self.steps_per_iteration = whole("steps_per_iteration", steps_per_iteration)
        self._max_norm = None if max_gradient_norm is None else positive("max_gradient_norm", max_gradient_norm)
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self.name = f"{WHO}, {getattr(self._kind, '__name__', type(self._kind).__name__)}"
        at_noise = [] if target_chi is None else [AT_NOISE]
        self.stoppers = [StoppingCriteria.iteration, *at_noise, *(STOPPERS[one] for one in STOPPERS if one in kwargs)]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, IterationPrinters.norm_g, LEARNING_RATE]
        names.checked_groups(parameter_groups)
        if not parameter_groups:
            names.try_options(
                self._kind, self._lr, self._options, self._schedule, self.maxIter, self._scheduler_options
            )

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Of each group of parameters, now."""
        return self._moves.learning_rates

    @property
    def steps_at_target(self) -> int:
        """States in a row, up to this one, that were fitted."""
        return self._watch.held

    @property
    def kept_step(self) -> int:
        """Step after which the model was the one that is given back, 0 for the starting one."""
        return self._watch.step

    @property
    def evaluations(self) -> int:
        """Of function and gradient so far."""
        return 0 if self._objective is None else self._objective.evaluations

    def minimize(self, evalFunction, x0: np.ndarray) -> np.ndarray:
        """Minimize ``evalFunction(x, return_g=True, return_H=False) -> value, gradient`` from `x0`, (nP,)."""
        self.evalFunction = evaluation_of(evalFunction)
        x0 = np.array(x0, dtype=float)
        check_start(x0)
        with explain_out_of_memory(WHO, self.device):
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

    def _begin(self):
        """Optimizer, scheduler, and the function at the start."""
        check_closure(self._has_closure, self._is_bounded(), self._max_norm)
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
        self._objective = Objective(self.evalFunction, self.parent, self._target_chi, WHO)
        self._watch, self.steps, self.stopped_because = NoiseWatch(self._keep, self.patience, self.stall), 0, ""
        self.x0 = self.x_last = self.xc = self._inside(self._moves.values)  # as the dtype has them
        self.f, self.g = self._objective(self.xc)
        if not self._objective.is_finite:
            msg = f"{WHO}: the function or its gradient is NaN or infinite at the starting model; begin at another one."
            raise ValueError(msg)
        self._watch.see(0, self.xc, self.f, self._objective.excess())

    def _take_steps(self) -> bool:
        """Steps of one iteration; False if one led nowhere."""
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
        self._LS_ft, self.g = f, objective.gradient  # the value where SimPEG looks for it
        self.doEndIteration(x)
        return True

    def _give_up(self) -> bool:
        self.stopNextIteration, self.stopped_because = True, "nonfinite"
        get_logger().warning(
            f"{WHO}: NaN or infinite model, value or gradient at step {self.steps}; back to the state after step "
            f"{self.kept_step}. A smaller lr, or max_gradient_norm, may help."
        )
        return False

    def _end(self):
        """Go back to the state that was kept."""
        if not self.stopped_because:
            ends = "directive" if self.stopNextIteration else "maxIter" if self.iter >= self.maxIter else "tolerance"
            self.stopped_because = self._watch.reason_to_stop(AT_NOISE in self.stoppers) or ends
        self.xc = self._watch.model
        self.f, self.g = self._objective(self.xc)

    def _inside(self, x):
        """The nearest model within bounds, which the optimizer then goes on from."""
        if not self._is_bounded():
            return x
        inside = self.projection(x)
        if not np.array_equal(inside, x):
            self._moves.put(inside)
        return inside

    def _is_bounded(self) -> bool:
        return any(one is not None and np.isfinite(one).any() for one in (self.lower, self.upper))

    # checkpoints --------------------------------------------------------------------------------------
    def checkpoint_state(self) -> dict:
        """State of the optimizer, the scheduler, the last evaluation and the state that is kept, as plain values."""
        parts = {key: getattr(self, f"_{key}").state() for key in ("moves", "objective", "watch")}
        return {"optimizer": self.name, "steps": self.steps, "stopped_because": self.stopped_because, **parts}

    def restore_checkpoint_state(self, state: dict):
        """Put back what :meth:`checkpoint_state` gave, in a run that has begun."""
        if state["optimizer"] != self.name:
            msg = f"{WHO}: the checkpoint is of {state['optimizer']}, this is {self.name}; take the same optimizer."
            raise ValueError(msg)
        self.steps, self.stopped_because = state["steps"], state["stopped_because"]
        if self._moves is not None:
            for key in ("moves", "objective", "watch"):
                getattr(self, f"_{key}").restore(state[key])
            self.g = self._objective.gradient
