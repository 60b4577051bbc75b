"""The recipe of a fine-tuned network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...networks import GravMagUNet
from .._base import BaseRecipe
from .._recipe import Recipe


@dataclass
class FinetunedRecipe(BaseRecipe):
    """A network fitted to data, and an inversion over cells for what the network leaves.

    The weights change the models everywhere at once. What they would do elsewhere to fit the last tenths of a misfit is
    mostly wrong; cells can fit them alone.

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
    make_finishing : callable or None
        Makes the inversion over cells, a `Recipe`, from the models that `run` found over the weights,
        {name: (n_active,)}. None where there is no such inversion.
    limit : float
        Misfit per datum above which a data set asks for that inversion.

    Attributes
    ----------
    model : (nP,) numpy.ndarray or None
        Final weights; None before `run`.
    network : networks.GravMagUNet or None
        The fine-tuned network, after `run`. It predicts the models of ``properties(model)``, before cells were changed.
    finishing : Recipe or None
        The inversion over cells, if there was one; then `run` returns its properties, and `chi` is its own.
    """

    make_finishing: Callable[[dict[str, np.ndarray]], Recipe] | None = None
    limit: float = np.inf
    network: GravMagUNet | None = field(default=None, init=False)
    finishing: Recipe | None = field(default=None, init=False)

    @property
    def chi(self) -> np.ndarray:
        """Misfit per datum of each data set after the last iteration, (n_misfits,).

        Raises
        ------
        ValueError
            Before the inversion has run.
        """
        return super().chi if self.finishing is None else self.finishing.chi

    def run(self) -> dict[str, np.ndarray]:
        """Run the inversion over the weights, and that over cells if data are above their noise.

        Returns
        -------
        dict of str to (n_active,) numpy.ndarray
            Values of each property on the active cells.
        """
        self.finishing = None
        return self._finish(self._run())

    def resume(self) -> dict[str, np.ndarray]:
        """Continue an interrupted run over the weights from its checkpoint, and finish as `run`.

        Returns
        -------
        dict of str to (n_active,) numpy.ndarray
            Values of each property on the active cells.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file belongs to another problem or is damaged.
        FileNotFoundError
            If nothing has been saved yet.
        """
        self.finishing = None
        return self._finish(self._resume())

    def _finish(self, model: np.ndarray) -> dict[str, np.ndarray]:
        found = self.properties(model)
        self.network = self.network_map.module_from(model)
        if self.make_finishing is None or not (self.chi > self.limit).any():
            return found
        finishing = self.make_finishing(found)
        found = found | finishing.run()
        self.finishing = finishing
        return found
