"""Any optimizer of torch in the place of SimPEG's minimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import torch
from numpy.typing import ArrayLike
from simpeg.optimization import IterationPrinters, StoppingCriteria

from ..._core import validation as check
from ..._core.tensors import resolve_device, resolve_dtype
from . import _names as names
from ._checks import targets
from ._noise_watch import Keep, NoiseWatch
from ._objective import Objective
from ._run import BaseTorchMinimizer
from ._steps import TorchSteps
from ._tables import AT_NOISE, LEARNING_RATE, STOPPERS


class TorchMinimize(BaseTorchMinimizer):
    r"""Minimize with any optimizer of ``torch.optim``, in SimPEG's inversions and with its directives.

    Every step is taken: there is no line search. The function and its gradient are evaluated once per step, at the new
    model, and serve the next step. If directives change a trade-off parameter or a multiplier, they are evaluated again
    there. Other changes, such as those of weights, take effect from the next model on.

    **Stopping.** A state is *fitted* if :math:`\chi \leq` `target_chi` for each data misfit whose multiplier is not
    zero. :math:`\chi` is the squared norm of the residual over its uncertainties per datum, or the robust measure of a
    misfit that leaves outliers out. The run ends

    - when the last `patience` states in a row were fitted (`stopped_because` is ``"target"``),
    - when `stall` states in a row were no better than the best one before ("stall"). A fitted state is better than one
      that is not fitted, and among equals the one with the lower function is better,
    - at a NaN or infinite model, value or gradient ("nonfinite"), with a warning that names the step,
    - after `maxIter` iterations ("maxIter"), if a directive stops it ("directive"), or by SimPEG's `tolF`, `tolX`,
      `tolG` or `eps` ("tolerance"). These count only if they are given, because their defaults suit longer steps.

    `keep` decides which state, the starting one or one after a step, is returned. The inverse problem is then at it.

    - ``"best"``: the fitted state with the lowest function, or, if none was fitted, that of all states. After
      trade-off parameters or multipliers have changed, the next state that is fitted (or, before any is, the next one)
      replaces it;
    - ``"first"``: the first state of the last unbroken row of fitted states, which is the closest to the noise level;
      if none was fitted, the best one;
    - ``"last"``: the last finite state.

    Parameters
    ----------
    optimizer : str or callable
        Name of a class of ``torch.optim`` in upper or lower case ("adam", "adamw", "sgd", "rmsprop", "nadam", "radam",
        "lbfgs"), such a class, or any function of parameters and ``lr=`` that returns an optimizer.
    lr : float, optional
        Learning rate. By default 0.01, and 1 for "lbfgs", whose steps are found by a strong Wolfe line search unless
        `optimizer_options` say otherwise.
    maxIter : int
        Largest number of iterations.
    scheduler : str or callable, optional
        Scheduler of the learning rate, which acts after every step: the name of a class of
        ``torch.optim.lr_scheduler`` with or without LR at its end ("onecycle", "cosine", "plateau", "exponential",
        ...), such a class, or a function of the optimizer. Schedulers with a length get that of the whole run, and
        "onecycle" gets the learning rate as its maximum.
    optimizer_options, scheduler_options : dict, optional
        Further arguments of the two, such as ``{"betas": (0.9, 0.99)}``.
    parameter_groups : sequence of dict, optional
        Parts of the model with options of their own, such as ``[{"parameters": slice(0, 100), "lr": 1e-3}]``.
    target_chi : float or sequence of float, optional
        Target :math:`\chi`, one for all data misfits, or one each. With None the run does not stop at the noise level.
        It has no effect if another function than that of an inverse problem is minimized, or together with a
        :class:`~simpeg_jointdl.directives.JointBetaSchedule`, which decides itself.
    patience : int
        Number of fitted states in a row after which the run ends.
    stall : int, optional
        Number of states without improvement after which the run ends; by default it does not.
    keep : {"best", "first", "last"}
        State that is returned.
    steps_per_iteration : int
        Number of steps between calls of directives and printed lines. The target is checked after every step.
    max_gradient_norm : float, optional
        Norm to which longer gradients are shortened before a step.
    lower, upper : float or (nP,) array_like, optional
        Bounds; the model is projected onto them after every step.
    device : str or torch.device, optional
        Device of the optimizer's state; torch's default device if not given.
    dtype : torch.dtype or str, optional
        Type of the parameters, float64 (default) or float32; with float32 the function sees models rounded to it.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    **kwargs
        Further keywords of :class:`simpeg.optimization.Minimize`: ``tolF``, ``tolX``, ``tolG``, ``eps``, ...

    Attributes
    ----------
    steps : int
        Number of steps so far.
    stopped_because : str
        Reason why the run ended, as listed above; empty before the end.
    device : torch.device
        Device of the optimizer's state.
    dtype : torch.dtype
        Type of the parameters.
    patience, stall, steps_per_iteration
        As given.

    Raises
    ------
    ValueError, TypeError
        For names that torch does not know, options that it refuses, numbers out of range, "lbfgs" with bounds or
        shortened gradients, a function that is NaN or infinite at the start, and data misfits without a simulation.
    MemoryError
        During a run, if the memory of the device is not enough; the message says what helps.

    Notes
    -----
    :class:`~simpeg_jointdl.directives.SaveCheckpoint` saves the state of optimizer and scheduler. A run that has ended
    by `maxIter` can be resumed with a larger one; its scheduler keeps the length that it began with.

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
        optimizer: str | Callable = "adam",
        lr: float | None = None,
        *,
        maxIter: int = 500,
        scheduler: str | Callable | None = None,
        optimizer_options: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
        parameter_groups: Sequence[Mapping[str, Any]] | None = None,
        target_chi: float | Sequence[float] | None = 1.0,
        patience: int = 10,
        stall: int | None = None,
        keep: Keep = "best",
        steps_per_iteration: int = 1,
        max_gradient_norm: float | None = None,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str | None = None,
        print_tables: bool = True,
        **kwargs: Any,
    ):
        who = "TorchMinimize"
        self._kind, self._schedule = names.find_optimizer(optimizer), names.find_scheduler(scheduler)
        self._has_closure = names.is_lbfgs(self._kind)
        self.steps: int = 0
        self.stopped_because: str = ""
        self._moves: TorchSteps | None = None
        self._objective: Objective | None = None
        maxIter = check.whole(f"{who}.maxIter", maxIter)
        super().__init__(lower=lower, upper=upper, maxIter=maxIter, print_tables=bool(print_tables), **kwargs)
        self._lr = None if lr is None else check.positive(f"{who}.lr", lr)
        self._groups = parameter_groups
        self._options, self._scheduler_options = dict(optimizer_options or {}), dict(scheduler_options or {})
        self._target_chi = targets(f"{who}.target_chi", target_chi)
        self.patience: int = check.whole(f"{who}.patience", patience)
        self.stall: int | None = None if stall is None else check.whole(f"{who}.stall", stall)
        self._keep = check.one_of(f"{who}.keep", keep, get_args(Keep))
        self._watch = NoiseWatch(keep, self.patience, self.stall)
        self.steps_per_iteration: int = check.whole(f"{who}.steps_per_iteration", steps_per_iteration)
        norm = max_gradient_norm
        self._max_norm = None if norm is None else check.positive(f"{who}.max_gradient_norm", norm)
        self.device: torch.device = resolve_device(device)
        self.dtype: torch.dtype = resolve_dtype(dtype)
        self.name = f"{who}, {getattr(self._kind, '__name__', type(self._kind).__name__)}"
        at_noise = [] if target_chi is None else [AT_NOISE]
        self.stoppers = [StoppingCriteria.iteration, *at_noise, *(STOPPERS[one] for one in STOPPERS if one in kwargs)]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, IterationPrinters.norm_g, LEARNING_RATE]
        names.checked_groups(parameter_groups)
        if not parameter_groups:
            names.try_options(
                self._kind, self._lr, self._options, self._schedule, self.maxIter, self._scheduler_options
            )

    def __getstate__(self) -> dict[str, Any]:
        # the next run makes them anew; tensors of an optimizer share memory, which a copy does not keep
        return super().__getstate__() | {"_moves": None, "_objective": None}

    # checkpoints --------------------------------------------------------------------------------------
    def checkpoint_state(self) -> dict[str, Any]:
        """Return the state of optimizer and scheduler, the last evaluation, and the state that is kept.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        parts = {key: getattr(self, f"_{key}").state() for key in ("moves", "objective", "watch")}
        return {"optimizer": self.name, "steps": self.steps, "stopped_because": self.stopped_because, **parts}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`checkpoint_state` returned, in a run that has begun.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        if state["optimizer"] != self.name:
            msg = (
                f"{type(self).__name__}: the checkpoint is of {state['optimizer']}, this is {self.name}; use that one."
            )
            raise ValueError(msg)
        self.steps, self.stopped_because = state["steps"], state["stopped_because"]
        if self._moves is not None:
            for key in ("moves", "objective", "watch"):
                getattr(self, f"_{key}").restore(state[key])
            self.g = self._objective.gradient
