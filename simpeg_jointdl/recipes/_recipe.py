"""The recipe of an inversion for properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._base import BaseRecipe


@dataclass
class Recipe(BaseRecipe):
    """A SimPEG inversion that is ready to run, and the way from its model to properties.

    See :class:`BaseRecipe` for its attributes.
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
