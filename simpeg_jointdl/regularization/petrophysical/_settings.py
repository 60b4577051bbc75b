"""Settings of a cluster coupling that can be read, replaced and saved in a checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._core import validation as check
from ._centers import check_centers, check_guidance


class ClusterSettings:
    """Mixin of cluster couplings: centres, targets, guidance, scales and strengths."""

    @property
    def centers(self) -> np.ndarray:
        """Current centres, (n_clusters, n_properties)."""
        return self._centers.copy()

    @centers.setter
    def centers(self, value: ArrayLike) -> None:
        self._centers = check_centers(value, self.n_properties, self.n_clusters)
        self._forget()

    def set_clusters(self, centers: ArrayLike, guidance: ArrayLike | None = None) -> None:
        """Replace all clusters, possibly by another number of clusters.

        Parameters
        ----------
        centers : (n_clusters, n_properties) array_like
            New centres and targets. Scales stay as they are. Another number of clusters resets the balance.
        guidance : float or (n_clusters,) array_like, optional
            Guidance of the new clusters; by default as before. Needed if the number of clusters changes and the
            guidance was not the same for all clusters.
        """
        targets = check_centers(centers, self.n_properties)
        if guidance is None:
            is_one = len(np.unique(self._guidance)) == 1
            guidance = self._guidance[0] if is_one else self._guidance
        guidance = check_guidance(guidance, len(targets))
        if len(targets) != self.n_clusters:
            self._factors = np.ones(len(targets))
        self._targets, self._guidance, self._held = targets, guidance, None
        self.centers = targets

    @property
    def targets(self) -> np.ndarray:
        """Targets of the guided centres, (n_clusters, n_properties)."""
        return self._targets.copy()

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the settings that change with the model, for a checkpoint."""
        state = {"centers": self.centers, "targets": self.targets, "guidance": self.guidance, "held": self._held}
        return state | {"factors": self._factors.copy(), "strengths": self.strengths}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore the settings that :meth:`checkpoint_state` returned."""
        self.set_clusters(state["targets"], state.get("guidance"))
        self._factors = np.array(state.get("factors", np.ones(self.n_clusters)))
        self._strengths, self._held = np.array(state.get("strengths", self._strengths)), state.get("held")
        self.centers = state["centers"]

    @property
    def strengths(self) -> np.ndarray:
        """Strength of each property, (n_properties,), finite and above 0."""
        return self._strengths.copy()

    @strengths.setter
    def strengths(self, value: ArrayLike) -> None:
        self._strengths = check.finite_array("GuidedFuzzyCMeans.strengths", value, (self.n_properties,), above=0.0)
        self._forget()

    @property
    def fuzziness(self) -> float:
        """Exponent q of the memberships."""
        return self._fuzziness

    @property
    def balance(self) -> float:
        """Exponent that strengthens small clusters, 0 to 1."""
        return self._balance

    @property
    def guidance(self) -> np.ndarray:
        """Strength with which each centre is held to its target, (n_clusters,)."""
        return self._guidance.copy()

    @property
    def scales(self) -> np.ndarray:
        """Difference that matters in each property, (n_properties,)."""
        return self._scales.copy()

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self._targets)
