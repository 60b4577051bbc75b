"""An ensemble of networks that all fit the data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from discretize import TensorMesh
from numpy.typing import ArrayLike
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.maps import Projection
from simpeg.regularization import Smallness
from simpeg.simulation import BaseSimulation

from ... import optimization
from ..._core import validation as check
from ..._core.protocols import HasTensorJacobian
from ..._problem.simulations import PairedData, paired_data
from ...maps import EnsembleMap
from .._assemble import assemble, checked_records
from .._base import BaseRecipe
from ._ensemble_simulation import EnsembleSimulation, repeated
from ._model import implicit_model, sees_one
from ._result import Ensemble

CONTRAST_SPREAD = 0.5  # standard deviation of the members' first contrasts, as raw parameters of the network


@dataclass
class EnsembleRecipe(BaseRecipe):
    """A SimPEG inversion for all members of an ensemble at once, ready to run.

    The model is the weights of all members, one member after the other.

    Parameters
    ----------
    inversion : simpeg.inversion.BaseInversion
        A plain SimPEG inversion; anything of it may be changed before it runs.
    initial_model : (nP,) numpy.ndarray
        Starting model.
    maps : dict of str to simpeg.maps.IdentityMap
        Maps from the whole model to each property on the active cells, those of member 1, then those of member 2.
    log : simpeg_jointdl.directives.SaveLog
        Record of the run: ``log.history`` holds χ, trade-off parameters, coupling weights and values of each
        iteration; see :func:`simpeg_jointdl.plotting.plot_convergence`.
    network_map : simpeg_jointdl.maps.EnsembleMap
        Map from the weights of all members to their properties.

    Attributes
    ----------
    model : (nP,) numpy.ndarray or None
        Final model; None before `run`.
    """

    @property
    def names(self) -> list[str]:
        """Names of the properties."""
        return list(self.maps)

    @property
    def chi(self) -> np.ndarray:
        """Misfit per datum of every member and data set, (n_members, n_misfits).

        Raises
        ------
        ValueError
            Before the inversion has run.
        """
        if self.inversion.opt.chi is None:
            msg = "EnsembleRecipe.chi: there is none before the inversion has run; call run() first."
            raise ValueError(msg)
        return self.inversion.opt.chi

    def properties(self, model: ArrayLike) -> dict[str, np.ndarray]:
        """Return every property of all members on the active cells, {name: (n_members, n_active)}.

        Parameters
        ----------
        model : (nP,) array_like
            Weights of all members.

        Returns
        -------
        dict of str to (n_members, n_active) numpy.ndarray
            Values of each property by its name.

        Raises
        ------
        ValueError
            If the model has another shape.
        """
        values = self.network_map.members(self._checked_model(model))
        return {name: values[:, i] for i, name in enumerate(self.names)}

    def run(self) -> Ensemble:
        """Fit all members to the data.

        Returns
        -------
        Ensemble
            Models of all members, and their misfits.
        """
        return Ensemble(self.properties(self._run()), self.chi)

    def resume(self) -> Ensemble:
        """Continue a run that was interrupted, from its checkpoint.

        Returns
        -------
        Ensemble
            Models of all members, and their misfits.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file belongs to another problem or is damaged.
        FileNotFoundError
            If nothing has been saved yet.
        """
        return Ensemble(self.properties(self._resume()), self.chi)


def create_inr_ensemble(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    n_members: int = 8,
    names: Sequence[str] | None = None,
    bounds: Sequence[Any] | None = None,
    units: int | None = 1,
    contrasts: ArrayLike | None = None,
    network: torch.nn.Module | None = None,
    chifact: float = 1.0,
    max_iterations: int = 60,
    points_per_cell: int | Sequence[int] = 1,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> EnsembleRecipe:
    """Set up an ensemble of networks with different starting weights, each fitted to the data.

    All members are inverted for in one batch. They start from weights and first contrasts of their own seeds and end
    where the data are fitted. Their spread says where the data leave the network a choice. It is not a posterior
    distribution: the benchmarks of implicit models say how often its bands contain the truth.

    Parameters
    ----------
    data, simulation
        As in :func:`create_inr_inversion`. The simulations must be of this package, since their sensitivities are
        needed as tensors.
    n_members : int
        Number of members, at least 2.
    names, bounds, units, contrasts, network, chifact, max_iterations, points_per_cell
        As in :func:`create_inr_inversion`.
    random_seed : int
        Seed of the first member; the others count on from it.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        As in :func:`create_inr_inversion`.

    Returns
    -------
    EnsembleRecipe
        The inversion of all members, ready to run.

    Raises
    ------
    ValueError, TypeError
        As :func:`create_inr_inversion`, and for simulations without sensitivities on tensors.
    OSError
        If `checkpoint` or `log` cannot be written.

    Examples
    --------
    >>> from simpeg.maps import IdentityMap
    >>> from simpeg_jointdl import datasets, recipes
    >>> from simpeg_jointdl.potential_fields import gravity
    >>> blocks = datasets.load("two_blocks", shape=(8, 8, 4), n_stations=(6, 6))
    >>> survey = blocks.gravity.survey()
    >>> simulation = gravity.Simulation3DIntegral(blocks.mesh, survey=survey, rhoMap=IdentityMap(nP=256))
    >>> options = {"n_members": 2, "bounds": (-1, 1), "progress": False}
    >>> recipe = recipes.create_inr_ensemble(blocks.gravity.data(), simulation, **options)
    >>> recipe.properties(recipe.initial_model)["density"].shape
    (2, 256)
    """
    check.positive("create_inr_ensemble.chifact", chifact)
    check.whole("create_inr_ensemble.n_members", n_members, 2)
    check.whole("create_inr_ensemble.max_iterations", max_iterations)
    records = checked_records("create_inr_ensemble", progress, checkpoint, log)
    paired = paired_data("create_inr_ensemble", data, simulation)
    for i, one in enumerate(paired.simulations):
        if not isinstance(one, HasTensorJacobian):
            msg = (
                f"create_inr_ensemble.simulation: number {i} ({type(one).__module__}) has no sensitivities on "
                "tensors; take the simulation of the same name from simpeg_jointdl.potential_fields."
            )
            raise TypeError(msg)
    inr, parts, _ = implicit_model(
        "create_inr_ensemble", paired, names, units=units, contrasts=contrasts, bounds=bounds, network=network,
        points_per_cell=points_per_cell, random_seed=random_seed, device=device, dtype=dtype,
    )  # fmt: skip
    ensemble = EnsembleMap(inr, range(random_seed, random_seed + n_members))
    misfits = [_misfit(paired, i, ensemble) for i in range(len(paired.data))]
    minimizer = optimization.EnsembleLevenbergMarquardt(maxIter=max_iterations, target_chi=chifact)
    inversion, record = assemble(misfits, Smallness(TensorMesh([ensemble.nP])), minimizer, records, beta=0.0)
    maps = {name: _map_to_property(ensemble, i) for i, name in enumerate(parts)}
    return EnsembleRecipe(inversion, _start(ensemble, random_seed), maps, record, network_map=ensemble)


def _misfit(paired: PairedData, i: int, ensemble: EnsembleMap) -> L2DataMisfit:
    n = paired.n_active
    part = slice(i * n, (i + 1) * n) if sees_one(paired, i, ensemble.n_properties) else slice(None)
    whole = EnsembleSimulation(paired.simulations[i], paired.map_names[i], part, ensemble)
    return L2DataMisfit(data=repeated(paired.data[i], whole.survey, ensemble.n_members), simulation=whole)


def _map_to_property(ensemble: EnsembleMap, i: int):
    """Map from the weights of all members to one property, all cells of member 1 first."""
    n_values = ensemble.inr.shape[0]
    n = n_values // ensemble.n_properties
    cells = np.arange(ensemble.n_members)[:, None] * n_values + i * n + np.arange(n)
    return Projection(ensemble.n_members * n_values, cells.ravel()) * ensemble


def _start(ensemble: EnsembleMap, random_seed: int) -> np.ndarray:
    """Weights of all members, with different first contrasts."""
    model = ensemble.initial_model().reshape(ensemble.n_members, -1)
    parameters, start = ensemble.inr._parameters, 0
    rng = np.random.default_rng(random_seed)
    for name, size in zip(parameters.names, parameters.sizes, strict=True):
        if name == "outputs.contrasts":
            model[:, start : start + size] += CONTRAST_SPREAD * rng.standard_normal((ensemble.n_members, size))
        start += size
    return model.ravel()
