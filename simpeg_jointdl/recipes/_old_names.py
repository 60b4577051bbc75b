"""Keywords of version 0.1 that recipes still accept: the one table of what became of them.

A recipe is decorated with :func:`accept_old_names`. Its signature and documentation show the new names only. A call
with an old name is translated here; a name that is neither new nor old is refused by the recipe itself.

In version 0.1 ``create_finetuned_inversion`` did what three functions do now, and its ``mode`` said which. A call with
``mode`` is forwarded to the function that does it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from .._core import validation as check

P = ParamSpec("P")
R = TypeVar("R")

NO_EFFECT = ""  # the keyword did nothing in this mode
REFUSED = "-"  # the keyword was refused in this mode unless it was None or empty
SPREAD = "cells.*"  # a dict, whose entries are fields of the group

_PLACE = ("cell_size", "height", "ground", "origin", "inducing_field", "gravity_noise", "magnetic_noise")
_PLACEMENT = {name: f"placement.{name}" for name in _PLACE}
_TUNING = {
    name: f"tuning.{name}"
    for name in ("trained", "rank", "learning_rate", "device", "dtype", "optimizer", "finish", "misfit")
}
_TRAINING = {name: f"training.{name}" for name in ("trained", "rank", "learning_rate", "device", "dtype")}
_CELLS = {
    "ratio": "coupling_ratios",
    "mesh_options": SPREAD,
    "misfit": "cells.misfit",
    "max_iterations": "cells.max_iterations",
    "optimizer": REFUSED,
    **dict.fromkeys(("anchor", "held_to", "finish"), NO_EFFECT),
    **_PLACEMENT,
}

#: What became of each old keyword, by recipe and mode: another name, or "group.field" of an options object.
RENAMED: dict[str, dict[str, str]] = {
    "create_joint_inversion": {"ratios": "coupling_ratios"},
    "create_inr_inversion": {"ratio": "coupling_ratios"},
    "create_finetuned_inversion": {
        "ratio": "coupling_ratios",
        "held_to": "anchor.target",
        "sparse_share": "anchor.sparse_share",
        "mesh_options": REFUSED,
        **dict.fromkeys(("rounds", "tolerance"), NO_EFFECT),
        **_TUNING,
        **_PLACEMENT,
    },
    "mode='mesh'": {
        **_CELLS,
        **dict.fromkeys(("trained", "rank", "learning_rate", "random_seed", "rounds", "tolerance"), NO_EFFECT),
    },
    "mode='retrain'": {**_CELLS, **_TRAINING, "checkpoint": REFUSED, "log": REFUSED},
}

#: Old values of options that have others now.
VALUES: dict[str, dict[Any, Any]] = {"anchor.target": {"mesh": "mesh_inversion"}}


def accept_old_names(
    *, groups: Mapping[str, type] | None = None, modes: Mapping[str, Callable] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a recipe so that calls with keywords of version 0.1 are translated by `RENAMED`.

    Parameters
    ----------
    groups : dict of str to type, optional
        Class of the options that each group is, by the name of its argument.
    modes : dict of str to callable, optional
        Function that a call is forwarded to, by the value of ``mode``.
    """

    def decorate(recipe: Callable[P, R]) -> Callable[P, R]:
        name = recipe.__name__

        @functools.wraps(recipe)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            function, table = recipe, RENAMED[name]
            if modes and "mode" in kwargs:
                mode = check.one_of(f"{name}.mode", kwargs.pop("mode"), ("network", *modes))
                if mode in modes:
                    function, table = modes[mode], RENAMED[f"mode={mode!r}"]
            return function(*args, **translated(name, kwargs, table, groups or {}))

        return call

    return decorate


def translated(who: str, given: dict[str, Any], table: Mapping[str, str], groups: Mapping[str, type]) -> dict[str, Any]:
    """Return keywords with every old name of a table replaced."""
    kwargs = {name: value for name, value in given.items() if name not in table}
    fields: dict[str, dict[str, Any]] = {}
    for old, value in given.items():
        new = table.get(old)
        if new is None or new == NO_EFFECT:
            continue
        if new == REFUSED:
            if value:
                msg = f"{who}.{old}: got {value!r:.60} in a mode that does not take it; leave it out."
                raise ValueError(msg)
        elif new == SPREAD:
            known = [one.name for one in dataclasses.fields(groups["cells"])]
            check.known_names(f"{who}.{old}", value or {}, known)
            fields.setdefault("cells", {}).update(value or {})
        elif "." in new:
            group, _, field = new.partition(".")
            if value is not None or field not in ("max_iterations",):
                fields.setdefault(group, {})[field] = VALUES.get(new, {}).get(value, value) if new in VALUES else value
        elif new in given:
            msg = f"{who}() got both {new!r} and {old!r}, its name in version 0.1; give {new!r} alone."
            raise TypeError(msg)
        else:
            kwargs[new] = value
    for group, values in fields.items():
        kwargs[group] = _with_fields(groups[group], kwargs.get(group), values)
    return kwargs


def _with_fields(kind: type, given, values: dict[str, Any]):
    """Options of a kind with some fields set; a number that is given stands for the first field."""
    if given is None:
        return kind(**values)
    if not isinstance(given, kind):
        given = kind(given)
    return dataclasses.replace(given, **values)
