"""What all recipes have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from simpeg.inversion import BaseInversion
from simpeg.maps import IdentityMap

from .. import directives
from .._problem.misfits import chi_factors
from ..maps import TorchMap


@dataclass
class BaseRecipe(ABC):
    """A SimPEG inversion that is ready to run, and the maps from its model to properties.

    Parameters
    ----------
    inversion : simpeg.inversion.BaseInversion
        A plain SimPEG inversion; anything of it may be changed before it runs.
    initial_model : (nP,) numpy.ndarray
        Starting model.
    maps : dict of str to simpeg.maps.IdentityMap
        Maps from the whole model to each property on the active cells.
    log : simpeg_jointdl.directives.SaveLog
        Record of the run: ``log.history`` holds χ, trade-off parameters, coupling weights and values of each
        iteration; see :func:`simpeg_jointdl.plotting.plot_convergence`.
    network_map : simpeg_jointdl.maps.TorchMap or None
        Map of the network, where the model is the weights or the input of a network.

    Attributes
    ----------
    model : (nP,) numpy.ndarray or None
        Final model; None before `run`.
    """

    inversion: BaseInversion
    initial_model: np.ndarray
    maps: dict[str, IdentityMap]
    log: directives.SaveLog
    network_map: TorchMap | None = None
    model: np.ndarray | None = field(default=None, init=False)

    @abstractmethod
    def run(self) -> Any:
        """Run the inversion from `initial_model` and return what it found."""

    @abstractmethod
    def resume(self) -> Any:
        """Continue a run that was interrupted, from its checkpoint, and return what it found.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file belongs to another problem or is damaged.
        FileNotFoundError
            If nothing has been saved yet.
        """

    @property
    def chi(self) -> np.ndarray:
        """Misfit per datum of each data set after the last iteration, (n_misfits,).

        Raises
        ------
        ValueError
            Before the inversion has run.
        """
        for directive in self.inversion.directiveList:
            if isinstance(directive, directives.JointBetaSchedule) and directive.chi is not None:
                return directive.chi
        problem = self.inversion.invProb
        if getattr(problem, "dpred", None) is None:
            msg = f"{type(self).__name__}.chi: there is none before the inversion has run; call run() first."
            raise ValueError(msg)
        return chi_factors(problem.dmisfit, problem.dpred)

    def properties(self, model: ArrayLike) -> dict[str, np.ndarray]:
        """Return every property on the active cells of a model.

        Parameters
        ----------
        model : (nP,) array_like
            Model of this inversion, such as `model` or `initial_model`.

        Returns
        -------
        dict of str to (n_active,) numpy.ndarray
            Values of each property by its name.

        Raises
        ------
        ValueError
            If the model has another shape.
        """
        model = self._checked_model(model)
        return {name: np.asarray(one * model) for name, one in self.maps.items()}

    def _checked_model(self, model: ArrayLike) -> np.ndarray:
        model = np.asarray(model, dtype=float)
        if model.shape != self.initial_model.shape:
            name = type(self).__name__
            msg = f"{name}.properties: got a model of shape {model.shape}, wanted {self.initial_model.shape}."
            raise ValueError(msg)
        return model

    def _run(self) -> np.ndarray:
        """Run the inversion and keep the final model."""
        self.model = self.inversion.run(self.initial_model.copy())
        return self.model

    def _resume(self) -> np.ndarray:
        """Continue from the checkpoint and keep the final model."""
        found = [one for one in self.inversion.directiveList if isinstance(one, directives.SaveCheckpoint)]
        if not found:
            name = type(self).__name__
            msg = f"{name}.resume: no checkpoint was kept; make the recipe with checkpoint='a_file.npz'."
            raise ValueError(msg)
        self.model = directives.resume(self.inversion, found[0].path)
        return self.model
