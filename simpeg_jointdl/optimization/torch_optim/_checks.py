"""Checks of arguments of the minimizer with torch's optimizers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check


def targets(who: str, value: ArrayLike | None) -> np.ndarray | None:
    """Return target misfits, one or (n_misfits,) of them, all above 0; None for None."""
    if value is None:
        return None
    found = check.finite_array(who, np.atleast_1d(value), (None,), above=0.0)
    return np.asarray(found[0]) if np.ndim(value) == 0 else found


def check_closure(who: str, has_closure: bool, is_bounded: bool, max_norm: float | None) -> None:
    """Raise ValueError for bounds or shortened gradients with an optimizer that searches along lines itself."""
    if has_closure and (is_bounded or max_norm is not None):
        what = "bounds" if is_bounded else "max_gradient_norm"
        msg = (
            f"{who}: 'lbfgs' searches for its steps itself and takes no {what}; leave them out, or use 'adam', or "
            "ProjectedGNCG."
        )
        raise ValueError(msg)


def check_start(who: str, x0: np.ndarray) -> None:
    """Raise ValueError unless the starting model is a vector of finite numbers."""
    if x0.ndim != 1 or not x0.size or not np.isfinite(x0).all():
        bad = int((~np.isfinite(x0)).sum())
        msg = f"{who}: got x0 of shape {x0.shape} with {bad} NaN or infinite, wanted finite numbers, (nP,)."
        raise ValueError(msg)
