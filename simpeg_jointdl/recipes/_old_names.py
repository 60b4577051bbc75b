"""Keywords of version 0.1 that recipes still accept: the one table of what became of them.

A recipe is decorated with :func:`accept_old_names`. Its signature and documentation show the new names only; a call
with an old name is translated here, and a name that is neither new nor old is refused by the recipe itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: For each recipe, the new name of each old keyword; "group.field" is a field of an options dataclass.
RENAMED: dict[str, dict[str, str]] = {
    "create_joint_inversion": {"ratios": "coupling_ratios"},
    "create_inr_inversion": {"ratio": "coupling_ratios"},
    "create_finetuned_inversion": {
        "ratio": "coupling_ratios",
        "held_to": "anchor.target",
        "sparse_share": "anchor.sparse_share",
        **{
            name: f"tuning.{name}"
            for name in ("trained", "rank", "finish", "learning_rate", "misfit", "optimizer", "device", "dtype")
        },
        **{
            name: f"placement.{name}"
            for name in (
                "cell_size", "height", "ground", "origin", "inducing_field", "gravity_noise", "magnetic_noise",
            )
        },
    },
}  # fmt: skip


def accept_old_names(recipe: Callable[P, R]) -> Callable[P, R]:
    """Decorate a recipe so that calls with keywords of version 0.1 are translated by `RENAMED`."""
    renamed = RENAMED[recipe.__name__]

    @functools.wraps(recipe)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for old in [name for name in kwargs if name in renamed]:
            new = renamed[old]
            if new in kwargs:
                msg = f"{recipe.__name__}() got both {new!r} and {old!r}, its name in version 0.1; give {new!r} alone."
                raise TypeError(msg)
            kwargs[new] = kwargs.pop(old)
        return recipe(*args, **kwargs)

    return call
