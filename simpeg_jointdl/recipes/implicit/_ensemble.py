"""Many networks that all fit the data: a mean, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from discretize import TensorMesh
from simpeg import data_misfit, inverse_problem, inversion
from simpeg.regularization import Smallness

from ... import directives, optimization
from ...maps import EnsembleMap
from .._checks import check_positive
from ._create import prepare
from ._ensemble_simulation import EnsembleSimulation, repeated

WHO = "create_inr_ensemble"
_APART = 0.5  # standard deviation of the members' first contrasts, as raw parameters


@dataclass
class Ensemble:
    """Models of all members that fit the data.

    Attributes
    ----------
    members : dict of str to (n_members, n_active) numpy.ndarray
        By property.
    chi : (n_members, n_misfits) numpy.ndarray
        Misfit per datum of every member.
    """

    members: dict[str, np.ndarray]
    chi: np.ndarray

    @property
    def mean(self) -> dict[str, np.ndarray]:
        """Of the members, (n_active,) by property."""
        return {name: values.mean(axis=0) for name, values in self.members.items()}

    @property
    def spread(self) -> dict[str, np.ndarray]:
        """Standard deviation of the members, (n_active,) by property."""
        return {name: values.std(axis=0, ddof=1) for name, values in self.members.items()}

    def band(self, level: float = 0.9, inflation: float = 1.0) -> dict[str, np.ndarray]:
        r"""Lower and upper edge of what holds a part of the members, (2, n_active) by property.

        Quantiles of few members are their extremes. Members share what the network prefers, so their band is too
        narrow; `inflation` widens it about the mean by a factor that was found on models with known truth.
        """
        result = {}
        for name, values in self.members.items():
            edges = np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
            mean = values.mean(axis=0)
            result[name] = mean + inflation * (edges - mean)
        return result

    def coverage(self, truth, level: float = 0.9, *, cells=None, inflation: float = 1.0, tolerance=0.0) -> dict:
        """Part of the cells whose truth lies within the band, by property.

        Parameters
        ----------
        truth : dict of str to (n_active,) array_like
        level : float
        cells : (n_active,) array_like of bool, optional
            Cells that count; all if not given.
        inflation : float
            See :meth:`band`.
        tolerance : float
            How far outside the band, in the property's unit, still counts as within it: memberships are never quite
            zero, so no band around them holds a background of exactly zero.
        """
        bands = self.band(level, inflation)
        inside = {
            name: (np.asarray(truth[name]) >= low - tolerance) & (np.asarray(truth[name]) <= high + tolerance)
            for name, (low, high) in bands.items()
        }
        return {name: float(np.mean(one if cells is None else one[cells])) for name, one in inside.items()}


@dataclass
class EnsembleRecipe:
    """A ready inversion for all members at once.

    Attributes
    ----------
    inversion : simpeg.inversion.BaseInversion
    initial_model : (nP,) numpy.ndarray
        The members' weights, one member after the other.
    network_map : simpeg_jointdl.maps.EnsembleMap
    names : list of str
        Of the properties.
    log : simpeg_jointdl.directives.SaveLog
    model : (nP,) numpy.ndarray or None
        After `run`.
    """

    inversion: inversion.BaseInversion
    initial_model: np.ndarray
    network_map: EnsembleMap
    names: list[str]
    log: directives.SaveLog
    model: np.ndarray | None = None

    def run(self) -> Ensemble:
        """Fit all members."""
        self.model = self.inversion.run(self.initial_model.copy())
        values = self.network_map.members(self.model)
        members = {name: values[:, i] for i, name in enumerate(self.names)}
        return Ensemble(members, self.inversion.opt.chi)


def create_inr_ensemble(
    data,
    simulation,
    *,
    n_members: int = 8,
    names=None,
    bounds=None,
    units: int = 1,
    contrasts=None,
    network=None,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell=1,
    random_seed: int = 0,
    progress: bool = True,
    log=None,
    device=None,
    dtype=None,
) -> EnsembleRecipe:
    """Ensemble of networks that differ in what they start from, each fitted to the noise; all trained in one batch.

    Members start from weights, and first contrasts, of their own seeds and end where the data are fitted. Their spread
    says where data leave the network a choice. It is no posterior: the tutorial and the README say how often its bands
    hold the truth.

    Parameters
    ----------
    data, simulation, names, bounds, units, contrasts, network, chifact, max_iterations, points_per_cell, device, dtype
        As for :func:`create_inr_inversion`. Simulations must be of this package, whose sensitivities are at hand.
    n_members : int
    random_seed : int
        Of the first member; others count on from it.
    progress : bool
        Show a table.
    log : path, optional

    Returns
    -------
    EnsembleRecipe

    Raises
    ------
    ValueError, TypeError
        As :func:`create_inr_inversion`, and for simulations without sensitivities on tensors.
    """
    check_positive("chifact", chifact, 1, "number")
    if int(n_members) != n_members or n_members < 2:
        msg = f"{WHO}.n_members: got {n_members!r}, wanted two or more."
        raise ValueError(msg)
    simulations = list(simulation) if isinstance(simulation, (list, tuple)) else [simulation]
    observed = list(data) if isinstance(data, (list, tuple)) else [data]
    for i, one in enumerate(simulations):
        if not hasattr(one, "tensor_jacobian"):
            msg = (
                f"{WHO}.simulation: number {i} ({type(one).__module__}) has no sensitivities on tensors; take the like "
                "of it from simpeg_jointdl.potential_fields."
            )
            raise TypeError(msg)
    inr, _, parts = prepare(
        observed, simulations, names, data_misfit.L2DataMisfit,
        bounds=bounds, units=units, contrasts=contrasts, network=network, points_per_cell=points_per_cell,
        random_seed=random_seed, device=device, dtype=dtype,
    )  # fmt: skip
    ensemble = EnsembleMap(inr, range(random_seed, random_seed + int(n_members)))
    misfits = [
        _misfit(one, simulation, i, ensemble)
        for i, (one, simulation) in enumerate(zip(observed, simulations, strict=True))
    ]
    optimizer = optimization.EnsembleLevenbergMarquardt(maxIter=max_iterations, target_chi=chifact)
    problem = inverse_problem.BaseInvProblem(
        reduce(add, misfits), Smallness(TensorMesh([ensemble.nP])), optimizer, beta=0.0, init_bfgs=False,
        print_version=False,
    )  # fmt: skip
    record = directives.SaveLog(log)
    steps = [record, directives.ShowProgress()] if progress else [record]
    return EnsembleRecipe(
        inversion.BaseInversion(problem, directiveList=steps),
        _start(ensemble, random_seed),
        ensemble,
        list(parts),
        record,
    )


def _misfit(observed, simulation, i, ensemble):
    (key,) = (k for k in sorted(simulation._all_map_names) if getattr(simulation, k, None) is not None)
    n = int(ensemble.inr.active_cells.sum())
    sees_one = getattr(simulation, key).nP in (n, "*") and ensemble.n_properties > 1
    whole = EnsembleSimulation(simulation, key, slice(i * n, (i + 1) * n) if sees_one else slice(None), ensemble)
    return data_misfit.L2DataMisfit(data=repeated(observed, whole.survey, ensemble.n_members), simulation=whole)


def _start(ensemble, random_seed) -> np.ndarray:
    """Members' weights, their first contrasts apart."""
    model = ensemble.initial_model().reshape(ensemble.n_members, -1)
    parameters, start = ensemble.inr._parameters, 0
    rng = np.random.default_rng(random_seed)
    for name, size in zip(parameters.names, parameters.sizes, strict=True):
        if name == "outputs.contrasts":
            model[:, start : start + size] += _APART * rng.standard_normal((ensemble.n_members, size))
        start += size
    return model.ravel()
