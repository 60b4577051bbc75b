"""Checks of what a joint inversion is given, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..._core import validation as check


def by_property(who: str, given, names: Sequence[str]) -> Mapping:
    """Return a mapping whose keys are properties, empty for None."""
    given = {} if given is None else given
    check.instance(who, given, Mapping, f"{{property: value}} with {', '.join(names)}")
    check.known_names(who, given, names)
    return given


def checked_bounds(who: str, bounds, names: Sequence[str], n_active: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bound of the whole model, each (nP,)."""
    bounds = by_property(f"{who}.bounds", bounds, names)
    pairs = [check.bounds(f"{who}.bounds[{name!r}]", bounds.get(name), n_active) for name in names]
    lower, upper = zip(*pairs, strict=True)
    return np.concatenate(lower), np.concatenate(upper)


def whole_model(who: str, given, names: Sequence[str], n_active: int, default=None) -> np.ndarray:
    """Return the models of all properties, (nP,), with a default where none is given."""
    given = by_property(who, given, names)
    default = np.zeros(len(names) * n_active) if default is None else default
    blocks = np.split(default, len(names))
    return np.concatenate(
        [
            check.per_cell(f"{who}[{name!r}]", given[name], n_active) if name in given else block
            for name, block in zip(names, blocks, strict=True)
        ]
    )


def checked_norms(who: str, norms, names: Sequence[str], dim: int) -> dict[str, list[float] | None]:
    """Return the norms of every property, None where all of them are 2."""
    given = dict.fromkeys(names, norms)
    if isinstance(norms, Mapping):
        given = {name: by_property(f"{who}.norms", norms, names).get(name) for name in names}
    return {name: None if some is None else _norms(who, some, dim) for name, some in given.items()}


def _norms(who, norms, dim) -> list[float] | None:
    try:
        values = np.array(norms, dtype=float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape != (dim + 1,) or not ((values >= 0.0) & (values <= 2.0)).all():
        msg = f"{who}.norms: got {norms!r:.60}, wanted {dim + 1} numbers from 0 to 2: smallness and one per axis."
        raise ValueError(msg)
    return None if (values == 2.0).all() else values.tolist()
