r"""A prediction and a sparse inversion of the same data, mixed where the prediction leaves much of them unexplained.

A network's error shows in the data: of unlike models, a prediction that explains all but a few per cent of a data set
is mostly nearer to the truth than a sparse inversion is, and one that misses it by a fifth mostly not. The errors of
both are of different kinds, so that their mean is better than either where they are about as large. Thresholds were
chosen on 36 models drawn for it (seeds of their own, 12 of each kind of shared structure), by the rms of the mixture.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np
from simpeg.maps import IdentityMap, Wires

from ..._problem.simulations import looking_through
from ..joint import create_joint_inversion

MOST = 0.5  # of the sparse inversion
_FROM, _TO = 0.1, 0.2  # of the rms of the data: unexplained, where the mixture begins and where it is full
_NORMS = (0, 1, 1, 1)


def unexplained(ground, properties: dict) -> dict[str, float]:
    r"""Rms of what residuals have beyond the noise, over the rms of the data, of each property's data set.

    .. math::
        \sqrt{\frac{\max \left( 0, \sum_i (r_i^2 - \sigma_i^2) \right)}{\sum_i d_i^2}}
    """
    found = {}
    for name, key, simulation, some in zip(ground.names, ground.keys, ground.simulations, ground.observed, strict=True):
        predicted = looking_through(simulation, key, getattr(simulation, key)).dpred(properties[name])
        excess = np.sum((predicted - some.dobs) ** 2) - np.sum(np.asarray(some.standard_deviation) ** 2)
        size = np.sum(some.dobs**2)
        found[name] = float(np.sqrt(max(excess, 0.0) / size)) if size > 0 else 0.0
    return found


def share_of_sparse(residual: float, most: float) -> float:
    r"""Share of the sparse inversion: none below 10 % of unexplained data, `most` above 20 %, linear between."""
    return most * float(np.clip((residual - _FROM) / (_TO - _FROM), 0.0, 1.0))


def mixed(ground, predicted: dict, most: float, *, bounds: dict, chifact: float) -> dict:
    """Models to hold to, {name: (n_active,)}; inversions run only where there is something to mix."""
    residuals = unexplained(ground, predicted) if most else {}
    models = dict(predicted)
    for i, name in enumerate(ground.names):
        share = share_of_sparse(residuals.get(name, 0.0), most)
        if share:
            sparse = _sparse_inversion(ground, i, bounds, chifact)
            models[name] = (1.0 - share) * predicted[name] + share * sparse
    return models


def _sparse_inversion(ground, i: int, bounds: dict, chifact: float) -> np.ndarray:
    """One property from its own data, from nothing."""
    name, n = ground.names[i], int(ground.active.sum())
    alone = {other: IdentityMap(nP=n) for other in ground.names}
    recipe = create_joint_inversion(
        ground.mesh,
        [ground.misfits(alone)[i]],
        Wires((name, n)),
        active_cells=ground.active,
        bounds={key: value for key, value in bounds.items() if key == name},
        norms=_NORMS,
        chifact=chifact,
        progress=False,
    )
    return run_quietly(recipe)[name]


def run_quietly(recipe) -> dict:
    """Properties of an inversion that is a part of another one, without SimPEG's table."""
    recipe.inversion.opt.printers = []
    with contextlib.redirect_stdout(io.StringIO()):
        return recipe.run()
