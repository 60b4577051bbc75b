"""What a recipe hands over: a plain SimPEG inversion, and the way from its model to properties."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from simpeg.inversion import BaseInversion

from .. import directives
from .._problem.misfits import chi_factors
from ..maps import TorchMap


@dataclass
class Recipe:
    """A ready inversion and what belongs to it.

    Attributes
    ----------
    inversion : simpeg.inversion.BaseInversion
        Plain SimPEG; change what you like before running.
    initial_model : (nP,) numpy.ndarray
        Where it starts.
    maps : dict of str to simpeg.maps.BaseMap
        From the whole model to each property on the active cells.
    log : simpeg_jointdl.directives.SaveLog
        ``log.history`` holds χ, betas, coupling weights and values of each iteration; see
        :func:`simpeg_jointdl.plotting.plot_convergence`.
    network_map : simpeg_jointdl.maps.TorchMap or None
        Where the model is the weights of a network.
    model : (nP,) numpy.ndarray or None
        Final model, after `run`.
    """

    inversion: BaseInversion
    initial_model: np.ndarray
    maps: dict
    log: directives.SaveLog
    network_map: TorchMap | None = None
    model: np.ndarray | None = field(default=None, init=False)

    def properties(self, model) -> dict[str, np.ndarray]:
        """Every property on the active cells, {name: (n_active,)}, of a model of shape (nP,).

        Raises
        ------
        ValueError
            If the model has another shape.
        """
        model = np.asarray(model, dtype=float)
        if model.shape != self.initial_model.shape:
            msg = f"Recipe.properties: got a model of shape {model.shape}, wanted {self.initial_model.shape}."
            raise ValueError(msg)
        return {name: np.asarray(one * model) for name, one in self.maps.items()}

    @property
    def chi(self) -> np.ndarray:
        """Misfit per datum of each data set after the last iteration, (n_misfits,)."""
        for directive in self.inversion.directiveList:
            if isinstance(directive, directives.JointBetaSchedule):
                return directive.chi
        problem = self.inversion.invProb
        return chi_factors(problem.dmisfit, problem.dpred)

    def run(self) -> dict[str, np.ndarray]:
        """Run the inversion from `initial_model`; properties on the active cells, {name: (n_active,)}."""
        self.model = self.inversion.run(self.initial_model.copy())
        return self.properties(self.model)

    def resume(self) -> dict[str, np.ndarray]:
        """Go on from the checkpoint of a run that was cut off.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file is of another problem or damaged.
        FileNotFoundError
            If nothing has been saved yet; then `run`.
        """
        found = [d for d in self.inversion.directiveList if isinstance(d, directives.SaveCheckpoint)]
        if not found:
            msg = "Recipe.resume: no checkpoint was kept; make the recipe with checkpoint='a_file.npz'."
            raise ValueError(msg)
        self.model = directives.resume(self.inversion, found[0].path)
        return self.properties(self.model)
