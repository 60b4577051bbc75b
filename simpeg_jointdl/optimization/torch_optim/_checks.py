"""Validation of what a minimizer with torch's optimizers is given."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np

WHO = "TorchMinimize"


def whole(name: str, value) -> int:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        msg = f"{WHO}.{name}: got {value!r}, wanted a whole number of at least 1."
        raise ValueError(msg)
    return int(value)


def positive(name: str, value) -> float:
    """A positive finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < value < math.inf:
        msg = f"{WHO}.{name}: got {value!r}, wanted a positive finite number."
        raise ValueError(msg)
    return float(value)


def one_of(name: str, value, known) -> str:
    """One of the known ones."""
    if value not in known:
        msg = f"{WHO}.{name}: got {value!r}, wanted one of {', '.join(known)}."
        raise ValueError(msg)
    return value


def targets(value) -> np.ndarray | None:
    """χ of one or of each data misfit; None stays None."""
    if value is None:
        return None
    try:
        found = np.array(value, dtype=float)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim > 1 or not np.isfinite(found).all() or not (found > 0.0).all() or not found.size:
        msg = f"{WHO}.target_chi: got {value!r:.60}, wanted a positive number, one per data misfit, or None."
        raise ValueError(msg)
    return found


def check_closure(has_closure: bool, is_bounded: bool, max_norm):
    """An optimizer that searches along lines of its own must see the function as it is."""
    if has_closure and (is_bounded or max_norm is not None):
        what = "bounds" if is_bounded else "max_gradient_norm"
        msg = (
            f"{WHO}: 'lbfgs' searches for its steps itself and takes no {what}; leave them out, or take 'adam', or "
            "ProjectedGNCG."
        )
        raise ValueError(msg)


def check_start(x0: np.ndarray):
    """A vector of finite numbers."""
    if x0.ndim != 1 or not x0.size or not np.isfinite(x0).all():
        bad = int((~np.isfinite(x0)).sum())
        msg = f"{WHO}.minimize: got x0 of shape {x0.shape} with {bad} NaN or infinite, wanted finite numbers, (nP,)."
        raise ValueError(msg)
