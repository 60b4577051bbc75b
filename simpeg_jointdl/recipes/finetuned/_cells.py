"""Inversions over cells that start from a prediction, and its mixture with sparse inversions.

A network's error shows in the data. On models that it has not seen, a prediction that explains all but a few per cent
of a data set is mostly nearer to the truth than a sparse inversion is, and one that misses it by a fifth mostly not.
The errors of both are of different kinds, so that their mean is better than either where they are about as large.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from simpeg.maps import IdentityMap, Wires
from simpeg.objective_function import ComboObjectiveFunction

from ...maps import GravMagMap
from .._assemble import QUIET, Records
from .._recipe import Recipe
from ..joint import CellOptions, CellProblem, build, cell_settings
from ._data import NetworkData
from ._tuning import TUNING

BOUNDS = {"susceptibility": (0.0, np.inf)}  # where the user gives none
SPARSE_NORMS = (0.0, 1.0, 1.0, 1.0)


def predictions(latent: GravMagMap) -> dict[str, np.ndarray]:
    """Return what a network predicts before it is changed, {name: (n_active,)}."""
    model = latent.initial_model()
    return dict(zip(latent.property_names, (part * model for part in latent.properties), strict=True))


def warm_started(
    who: str,
    data: NetworkData,
    predicted: dict[str, np.ndarray],
    options: CellOptions,
    *,
    sparse_share: float,
    couplings=(),
    coupling_ratios=1.0,
    chifact: float,
    records: Records = QUIET,
) -> Recipe:
    """Set up the inversion for the smallest change of a prediction that fits the data.

    Parameters
    ----------
    who : str
        Name of the function that the user has called.
    data : NetworkData
        Data and simulations.
    predicted : dict of str to (n_active,) numpy.ndarray
        Prediction of each property.
    options : CellOptions
        Options of the inversion.
    sparse_share : float
        Largest share of sparse inversions in the reference model.
    couplings, coupling_ratios, chifact
        As of :func:`create_joint_inversion`.
    records : Records
        What is shown and kept.
    """
    predicted = {name: predicted[name] for name in data.names}
    if options.bounds is not None:
        own = {name: BOUNDS[name] for name in data.names if name in BOUNDS}
        options = dataclasses.replace(options, bounds=own | dict(options.bounds))
    start = predicted if options.starting_models is None else options.starting_models
    problem = _problem(data, data.names)
    settings = cell_settings(
        who, problem, dataclasses.replace(options, starting_models=start), couplings=couplings,
        coupling_ratios=coupling_ratios, chifact=chifact, options_name=f"{who}.cells",
    )  # fmt: skip
    if options.reference_models is None:
        reference = mixed(data, predicted, sparse_share, bounds=options.bounds or {}, chifact=chifact)
        settings = dataclasses.replace(settings, reference=np.concatenate([reference[name] for name in data.names]))
    return build(problem, settings, records, reference_in_smooth=True)


def _problem(data: NetworkData, names: list[str]) -> CellProblem:
    """The data of some properties, over one parameter per active cell of each."""
    n = data.paired.n_active
    wires = Wires(*((name, n) for name in names))
    parts = {name: getattr(wires, name) for name in names}
    anywhere = {name: parts.get(name, IdentityMap(nP=n)) for name in data.names}
    misfits = [one for name, one in zip(data.names, data.misfits(anywhere), strict=True) if name in names]
    return CellProblem(
        data.paired.mesh, data.paired.active_cells, parts, ComboObjectiveFunction(misfits, [1.0] * len(misfits))
    )


# the mixture --------------------------------------------------------------------------------------------
def unexplained(data: NetworkData, properties: dict[str, np.ndarray]) -> dict[str, float]:
    r"""Return the part of each property's data that models leave unexplained beyond the noise.

    .. math::
        \sqrt{\frac{\max \left( 0, \sum_i (r_i^2 - \sigma_i^2) \right)}{\sum_i d_i^2}}

    with data :math:`d_i`, residuals :math:`r_i` and standard deviations :math:`\sigma_i`.
    """
    found = {}
    for name, some, predicted in zip(data.names, data.paired.data, data.paired.predict(properties), strict=True):
        excess = np.sum((predicted - some.dobs) ** 2) - np.sum(np.asarray(some.standard_deviation) ** 2)
        size = np.sum(some.dobs**2)
        found[name] = float(np.sqrt(max(excess, 0.0) / size)) if size > 0 else 0.0
    return found


def share_of_sparse(residual: float, most: float) -> float:
    """Return the share of the sparse inversion, up to `most`, for a part of unexplained data."""
    width = TUNING.mixed_to - TUNING.mixed_from
    return most * float(np.clip((residual - TUNING.mixed_from) / width, 0.0, 1.0))


def mixed(
    data: NetworkData, predicted: dict[str, np.ndarray], most: float, *, bounds: dict, chifact: float
) -> dict[str, np.ndarray]:
    """Return mixtures of a prediction with sparse inversions, {name: (n_active,)}."""
    residuals = unexplained(data, predicted) if most else {}
    models = dict(predicted)
    for name in data.names:
        share = share_of_sparse(residuals.get(name, 0.0), most)
        if share:
            sparse = _sparse_inversion(data, name, bounds, chifact)
            models[name] = (1.0 - share) * predicted[name] + share * sparse
    return models


def _sparse_inversion(data: NetworkData, name: str, bounds: dict, chifact: float) -> np.ndarray:
    """Invert for one property from its own data, starting from zero."""
    problem = _problem(data, [name])
    options = CellOptions(
        bounds={key: value for key, value in bounds.items() if key == name},
        norms=SPARSE_NORMS,
        alpha_s=1e-3,
        sensitivity_weights=True,
    )
    settings = cell_settings("create_warm_started_inversion", problem, options, chifact=chifact)
    return build(problem, settings, QUIET).run()[name]
