"""An inversion over a network's weights, and over cells for what the weights leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...networks import GravMagUNet
from .._recipe import Recipe


@dataclass
class FinetunedRecipe(Recipe):
    """A network fitted to data; then, if data are still above their noise, the least change of cells that fits them.

    The last tenths of a misfit ask for what the weights, which change all places at once, can only give with much that
    is wrong elsewhere; cells can.

    Attributes
    ----------
    make_finishing : callable or None
        Makes the inversion over cells, a `Recipe`, of what `run` has found over the weights, {name: (n_active,)}. None
        where the network alone counts.
    limit : float
        Misfit per datum; that inversion runs if any data set is above it.
    network : simpeg_jointdl.networks.GravMagUNet or None
        The fine-tuned one, after `run`; predicts the models of ``properties(model)``, before cells were changed.
    finishing : Recipe or None
        The inversion over cells, if there was one; `run` returns its properties, and `chi` is its own.
    """

    make_finishing: Callable | None = None
    limit: float = np.inf
    network: GravMagUNet | None = field(default=None, init=False)
    finishing: Recipe | None = field(default=None, init=False)

    @property
    def chi(self) -> np.ndarray:
        """Misfit per datum of each data set after the last iteration, (n_misfits,)."""
        return super().chi if self.finishing is None else self.finishing.chi

    def run(self) -> dict[str, np.ndarray]:
        """Both inversions; properties on the active cells, {name: (n_active,)}."""
        self.finishing = None
        return self._finish(super().run())

    def resume(self) -> dict[str, np.ndarray]:
        """Go on from the checkpoint of a run that was cut off, see `Recipe.resume`."""
        self.finishing = None
        return self._finish(super().resume())

    def _finish(self, found) -> dict[str, np.ndarray]:
        self.network = self.network_map.module_from(self.model)
        if self.make_finishing is None or not (self.chi > self.limit).any():
            return found
        finishing = self.make_finishing(found)
        if not self.inversion.opt.printers:
            finishing.inversion.opt.printers = []
        found = found | finishing.run()
        self.finishing = finishing
        return found
