"""Optimizers and schedulers of torch by their names, and what they need that the minimizer knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.optim import LBFGS, Optimizer, lr_scheduler

from ._checks import WHO, positive

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
# what such a schedule calls its length
_LENGTHS = {
    lr_scheduler.OneCycleLR: "total_steps",
    lr_scheduler.CosineAnnealingLR: "T_max",
    lr_scheduler.LinearLR: "total_iters",
    lr_scheduler.PolynomialLR: "total_iters",
}
# one step of it at a time, and of a length that is found: lr is 1 then; its tolerances are absolute, in units unknown
_LBFGS = {
    "max_iter": 1,
    "max_eval": 26,
    "line_search_fn": "strong_wolfe",
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
}


def is_lbfgs(kind) -> bool:
    """Whether an optimizer evaluates the function itself."""
    return isinstance(kind, type) and issubclass(kind, LBFGS)


def find_optimizer(optimizer) -> Callable:
    """Class of an optimizer by its name, in any case; anything callable is what it is."""
    return _find("optimizer", optimizer, _OPTIMIZERS, "torch.optim.Adam")


def find_scheduler(scheduler) -> Callable | None:
    """Class of a scheduler by its name, with or without LR at its end; None stays None."""
    if scheduler is None:
        return None
    if isinstance(scheduler, str):
        scheduler = scheduler.lower().removesuffix("lr")
    return _find("scheduler", scheduler, _SCHEDULERS | _SHORT, "torch.optim.lr_scheduler.OneCycleLR")


def _find(argument, given, known, example):
    if isinstance(given, str):
        if given.lower() in known:
            return known[given.lower()]
        near = difflib.get_close_matches(given.lower(), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        msg = f"{WHO}.{argument}: got {given!r}{hint}, wanted one of {', '.join(sorted(known))}."
        raise ValueError(msg)
    if not callable(given):
        msg = f"{WHO}.{argument}: got {type(given).__name__}, wanted a name, or a class or function such as {example}."
        raise TypeError(msg)
    return given


def make_optimizer(kind: Callable, groups: list[dict], lr: float | None, options: Mapping) -> Optimizer:
    """Optimizer of groups of tensors; ValueError where torch refuses it."""
    defaults = dict(_LBFGS) if is_lbfgs(kind) else {}
    if isinstance(kind, type) or lr is not None:
        defaults["lr"] = (1.0 if is_lbfgs(kind) else 1e-2) if lr is None else lr
    if is_lbfgs(kind) and len(groups) == 1:
        groups = groups[0]["params"]  # it takes no groups
    optimizer = _call(kind, "optimizer", groups, {**defaults, **options})
    if not isinstance(optimizer, Optimizer):
        msg = f"{WHO}.optimizer: made a {type(optimizer).__name__}, wanted a torch.optim.Optimizer of what it is given."
        raise TypeError(msg)
    return optimizer


def make_scheduler(kind: Callable | None, optimizer: Optimizer, n_steps: int, options: Mapping):
    """Scheduler of an optimizer that takes at most `n_steps`; ValueError where torch refuses it."""
    if kind is None:
        return None
    defaults = {}
    if kind in _LENGTHS and "epochs" not in options:
        defaults[_LENGTHS[kind]] = n_steps
    if kind is lr_scheduler.OneCycleLR:
        defaults["max_lr"] = [group["lr"] for group in optimizer.param_groups]
    scheduler = _call(kind, "scheduler", optimizer, {**defaults, **options})
    if not hasattr(scheduler, "step"):
        msg = f"{WHO}.scheduler: made a {type(scheduler).__name__}, wanted a scheduler of torch.optim.lr_scheduler."
        raise TypeError(msg)
    return scheduler


def try_options(kind, lr, options, schedule, n_steps, schedule_options):
    """See that torch takes them, before there is anything to optimize; of functions nothing is known."""
    if isinstance(kind, type):
        trial = make_optimizer(kind, [{"params": [torch.zeros(1)]}], lr, options)
        if isinstance(schedule, type):
            make_scheduler(schedule, trial, n_steps, schedule_options)


def _call(kind, argument, first, options):
    try:
        return kind(first, **options)
    except (TypeError, ValueError, KeyError) as error:
        name = getattr(kind, "__name__", type(kind).__name__)
        text = ", ".join(f"{key}={value!r:.30}" for key, value in options.items())
        msg = f"{WHO}.{argument}_options: {name}({text}) was refused ({error}); see its documentation in torch."
        raise ValueError(msg) from error


def checked_groups(groups: Sequence | None, size: int | None = None) -> list[tuple[list[slice], dict]]:
    """Slices and options of each group of parameters; those in no group come first, as a group without options.

    Parameters
    ----------
    groups : sequence of dict or None
        Each with a slice under ``parameters``.
    size : int, optional
        Number of parameters; slices are only checked for what they are without.
    """
    groups = [] if groups is None else groups
    if not isinstance(groups, Sequence) or not all(
        isinstance(one, Mapping) and isinstance(one.get("parameters"), slice) for one in groups
    ):
        msg = (
            f"{WHO}.parameter_groups: got {groups!r:.80}, wanted a list of dicts such as "
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
                f"{WHO}.parameter_groups[{place}]: got {group['parameters']} of {size} parameters, wanted a slice "
                "without steps that holds some, none of them in another group."
            )
            raise ValueError(msg)
        if "lr" in group:
            positive(f"parameter_groups[{place}]['lr']", group["lr"])  # torch checks only that of all
        taken[start:stop] = True
        found.append(([slice(start, stop)], {key: value for key, value in group.items() if key != "parameters"}))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~taken, [False]]).astype(int)))
    rest = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return [(rest, {}), *found] if rest else found
