"""The recipe of an inversion for properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._base import BaseRecipe


@dataclass
class Recipe(BaseRecipe):
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

    Examples
    --------
    >>> from simpeg import data_misfit, maps
    >>> from simpeg_jointdl import datasets, recipes
    >>> from simpeg_jointdl.potential_fields import gravity
    >>> blocks = datasets.load("two_blocks", shape=(6, 6, 4), n_stations=(6, 6))
    >>> wires = maps.Wires(("density", 144))
    >>> simulation = gravity.Simulation3DIntegral(blocks.mesh, survey=blocks.gravity.survey(), rhoMap=wires.density)
    >>> misfit = data_misfit.L2DataMisfit(data=blocks.gravity.data(), simulation=simulation)
    >>> recipe = recipes.create_joint_inversion(blocks.mesh, [misfit], wires, progress=False)
    >>> type(recipe).__name__, recipe.properties(recipe.initial_model)["density"].shape
    ('Recipe', (144,))
    """

    def run(self) -> dict[str, np.ndarray]:
        """Run the inversion from `initial_model`.

        Returns
        -------
        dict of str to (n_active,) numpy.ndarray
            Values of each property on the active cells.
        """
        return self.properties(self._run())

    def resume(self) -> dict[str, np.ndarray]:
        """Continue a run that was interrupted, from its checkpoint.

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
        return self.properties(self._resume())
