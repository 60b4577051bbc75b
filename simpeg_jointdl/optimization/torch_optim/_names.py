"""Optimizers and schedulers of torch by their names, with the arguments that the minimizer knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.optim import LBFGS, Optimizer, lr_scheduler

from ..._core import validation as check

_WHO = "TorchMinimize"
_OPTIMIZERS = {
    name.lower(): kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
_SCHEDULERS = {
    name.lower().removesuffix("lr"): kind
    for name, kind in vars(lr_scheduler).items()
    if isinstance(kind, type) and issubclass(kind, lr_scheduler.LRScheduler) and kind is not lr_scheduler.LRScheduler
}
_SHORT = {
    "cosine": lr_scheduler.CosineAnnealingLR,
    "cosine_restarts": lr_scheduler.CosineAnnealingWarmRestarts,
    "plateau": lr_scheduler.ReduceLROnPlateau,
}
# name of the argument for the number of steps
_LENGTHS = {
    lr_scheduler.OneCycleLR: "total_steps",
    lr_scheduler.CosineAnnealingLR: "T_max",
    lr_scheduler.LinearLR: "total_iters",
    lr_scheduler.PolynomialLR: "total_iters",
}
# one step at a time, with a line search, and so a learning rate of 1; tolerances off, since they are absolute
_LBFGS = {
    "max_iter": 1,
    "max_eval": 26,
    "line_search_fn": "strong_wolfe",
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
}


def is_lbfgs(kind: Any) -> bool:
    """Whether this is the class of an optimizer that evaluates the function itself."""
    return isinstance(kind, type) and issubclass(kind, LBFGS)


def find_optimizer(optimizer: str | Callable) -> Callable:
    """Return the class of an optimizer by its name, in upper or lower case; a class or function as it is."""
    return _find("optimizer", optimizer, _OPTIMIZERS, "torch.optim.Adam")


def find_scheduler(scheduler: str | Callable | None) -> Callable | None:
    """Return the class of a scheduler by its name, with or without LR at its end; None for None."""
    if scheduler is None:
        return None
    if isinstance(scheduler, str):
        scheduler = scheduler.lower().removesuffix("lr")
    return _find("scheduler", scheduler, _SCHEDULERS | _SHORT, "torch.optim.lr_scheduler.OneCycleLR")


def _find(argument: str, given: Any, known: Mapping[str, type], example: str) -> Callable:
    if isinstance(given, str):
        if given.lower() in known:
            return known[given.lower()]
        near = difflib.get_close_matches(given.lower(), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        msg = f"{_WHO}.{argument}: got {given!r}{hint}, wanted one of {', '.join(sorted(known))}."
        raise ValueError(msg)
    if not callable(given):
        msg = f"{_WHO}.{argument}: got {type(given).__name__}, wanted a name, or a class or function such as {example}."
        raise TypeError(msg)
    return given


def make_optimizer(kind: Callable, groups: list[dict], lr: float | None, options: Mapping) -> Optimizer:
    """Make the optimizer for groups of tensors; ValueError if torch refuses the options."""
    defaults = dict(_LBFGS) if is_lbfgs(kind) else {}
    if isinstance(kind, type) or lr is not None:
        defaults["lr"] = (1.0 if is_lbfgs(kind) else 1e-2) if lr is None else lr
    if is_lbfgs(kind) and len(groups) == 1:
        groups = groups[0]["params"]  # LBFGS takes no groups
    optimizer = _call(kind, "optimizer", groups, {**defaults, **options})
    if not isinstance(optimizer, Optimizer):
        msg = f"{_WHO}.optimizer: made a {type(optimizer).__name__}, wanted a torch.optim.Optimizer."
        raise TypeError(msg)
    return optimizer


def make_scheduler(kind: Callable | None, optimizer: Optimizer, n_steps: int, options: Mapping) -> Any:
    """Make the scheduler for an optimizer that takes at most `n_steps`; ValueError if torch refuses the options."""
    if kind is None:
        return None
    defaults: dict[str, Any] = {}
    if kind in _LENGTHS and "epochs" not in options:
        defaults[_LENGTHS[kind]] = n_steps
    if kind is lr_scheduler.OneCycleLR:
        defaults["max_lr"] = [group["lr"] for group in optimizer.param_groups]
    scheduler = _call(kind, "scheduler", optimizer, {**defaults, **options})
    if not callable(getattr(scheduler, "step", None)):
        msg = f"{_WHO}.scheduler: made a {type(scheduler).__name__}, wanted a scheduler of torch.optim.lr_scheduler."
        raise TypeError(msg)
    return scheduler


def try_options(
    kind: Callable,
    lr: float | None,
    options: Mapping,
    schedule: Callable | None,
    n_steps: int,
    schedule_options: Mapping,
) -> None:
    """Raise ValueError if torch refuses the options of a class, before there is anything to optimize."""
    if isinstance(kind, type):
        trial = make_optimizer(kind, [{"params": [torch.zeros(1)]}], lr, options)
        if isinstance(schedule, type):
            make_scheduler(schedule, trial, n_steps, schedule_options)


def _call(kind: Callable, argument: str, first: Any, options: Mapping) -> Any:
    """Call a class or function of the user, with an error that names the argument."""
    try:
        return kind(first, **options)
    except (TypeError, ValueError, KeyError) as error:
        name = getattr(kind, "__name__", type(kind).__name__)
        text = ", ".join(f"{key}={value!r:.30}" for key, value in options.items())
        msg = f"{_WHO}.{argument}_options: {name}({text}) was refused ({error}); see the documentation of torch."
        raise ValueError(msg) from error


def checked_groups(groups: Sequence[Mapping] | None, size: int | None = None) -> list[tuple[list[slice], dict]]:
    """Return slices and options of each group of parameters.

    Parameters that belong to no group come first, as a group without options.

    Parameters
    ----------
    groups : sequence of dict or None
        Groups, each with a slice under ``parameters``.
    size : int, optional
        Number of parameters. Without it only the types are checked, and the result is empty.
    """
    groups = [] if groups is None else groups
    if not isinstance(groups, Sequence) or not all(
        isinstance(one, Mapping) and isinstance(one.get("parameters"), slice) for one in groups
    ):
        msg = (
            f"{_WHO}.parameter_groups: got {groups!r:.80}, wanted a list of dicts such as "
            '{"parameters": slice(0, 100), "lr": 1e-3}.'
        )
        raise TypeError(msg)
    if size is None:
        return []
    taken = np.zeros(size, dtype=bool)
    found = []
    for place, group in enumerate(groups):
        start, stop, step = group["parameters"].indices(size)
        if step != 1 or stop <= start or taken[start:stop].any():
            msg = (
                f"{_WHO}.parameter_groups[{place}]: got {group['parameters']} of {size} parameters, wanted a slice "
                "without steps that contains at least one parameter, and none of another group."
            )
            raise ValueError(msg)
        if "lr" in group:
            # torch checks only the common learning rate
            check.positive(f"{_WHO}.parameter_groups[{place}]['lr']", group["lr"])
        taken[start:stop] = True
        found.append(([slice(start, stop)], {key: value for key, value in group.items() if key != "parameters"}))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~taken, [False]]).astype(int)))
    rest = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return [(rest, {}), *found] if rest else found
