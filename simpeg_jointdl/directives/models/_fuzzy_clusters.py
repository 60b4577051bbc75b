"""Centres of cluster couplings that follow the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from simpeg.directives import InversionDirective

from ..._core import validation as check
from ..._core.protocols import IsCluster, TakesClusters
from ..._core.tensors import as_numpy
from ..._problem.terms import couplings
from ...kernels import find_clusters, have_moved, match_clusters
from .._base import JointTerms

_LEAST_MOVE = 0.1  # part of the range of the clusters; a target that would move less is left where it is


class UpdateFuzzyClusters(JointTerms, InversionDirective):
    r"""Move the free and guided centres of every cluster coupling to the clusters of the current model.

    It calls ``update(model)`` of each cluster coupling. :class:`~simpeg_jointdl.regularization.GuidedFuzzyCMeans` then
    moves the centre of cluster :math:`k` to

    .. math::
        v_{kp} = \frac{\sum_j w_{jp} V_j \, u_{jk}^q \, p_{jp} + \eta_{kp} \, t_{kp}}
                      {\sum_j w_{jp} V_j \, u_{jk}^q + \eta_{kp}}

    with memberships :math:`u`, weights :math:`w` and volumes :math:`V` of cells :math:`j`. The guidance :math:`\eta`
    says how strongly a centre is held at its target :math:`t`. Fixed centres stay.

    With `adaptive`, targets and the number of clusters follow the model too, where no petrophysical table is known.
    Clusters are found anew from the local density of the model's cross-plot: the background, which is the weighted
    median of each property, and the density peaks of the directions from it [1]_, cells of large

    .. math::
        \rho_i \delta_i, \qquad \rho_i = \sum_j w_j |\mathbf p_j| \, e^{-(d_{ij} / 0.3)^2}, \qquad
        \delta_i = \min_{\rho_j > \rho_i} d_{ij}

    over cells that differ from the background. :math:`|\mathbf p_j|` is the distance from the background, with each
    property in units of about its largest value, :math:`d_{ij}` the chord between the directions of two cells, and
    :math:`w_j` the weight of a cell in the coupling, which includes its volume. Clusters change with hysteresis: a new
    number of clusters is used when it has been found `patience` times in a row, and a target moves if its new place is
    farther away than a tenth of the range of all clusters. Centres with infinite guidance are known: they stay, and no
    new cluster is put beside them. The guidance of new clusters is the mean of the others.

    Parameters
    ----------
    every : int
        Iterations between updates of the centres.
    adaptive : bool
        Whether to find targets and the number of clusters anew.
    search_every : int
        Iterations between searches for clusters.
    max_clusters : int
        Largest number of clusters, with the background and fixed clusters, at least 2.
    patience : int
        Number of searches in a row that must find another number of clusters before it is used.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    every, adaptive, search_every, max_clusters, patience
        As given.

    Raises
    ------
    ValueError, TypeError
        For numbers that are not whole or too small, and if a `dmisfit` or `reg` is given; when the inversion begins,
        without any cluster coupling, with `adaptive` where no cluster coupling has ``set_clusters``, and for a
        regularization with sums among its terms.

    References
    ----------
    .. [1] Rodriguez, A. and Laio, A. (2014). Clustering by fast search and find of density peaks. Science, 344,
       1492-1496. https://doi.org/10.1126/science.1242072

    Examples
    --------
    >>> from simpeg_jointdl.directives import UpdateFuzzyClusters
    >>> UpdateFuzzyClusters(every=2, adaptive=True, max_clusters=3).patience
    2
    """

    def __init__(
        self,
        every: int = 1,
        adaptive: bool = False,
        *,
        search_every: int = 3,
        max_clusters: int = 5,
        patience: int = 2,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = "UpdateFuzzyClusters"
        self.every: int = check.whole(f"{who}.every", every)
        self.search_every: int = check.whole(f"{who}.search_every", search_every)
        self.patience: int = check.whole(f"{who}.patience", patience)
        self.max_clusters: int = check.whole(f"{who}.max_clusters", max_clusters, 2)
        self.adaptive: bool = bool(adaptive)
        self._waiting: dict[int, list[int]] = {}

    def initialize(self) -> None:
        """Check that there is a coupling to update."""
        clusters = self._clusters()
        if not clusters:
            msg = (
                "UpdateFuzzyClusters: the regularization has no cluster coupling; add one, or leave this directive out."
            )
            raise ValueError(msg)
        if self.adaptive and not any(isinstance(one, TakesClusters) for one in clusters.values()):
            msg = (
                "UpdateFuzzyClusters.adaptive: no cluster coupling has set_clusters(centers, guidance), as "
                "GuidedFuzzyCMeans has; use one, or adaptive=False."
            )
            raise TypeError(msg)
        self._waiting = {}

    def endIter(self) -> None:
        """Update the centres at the new model."""
        model = self.invProb.model
        for place, coupling in self._clusters().items():
            if self.adaptive and self.opt.iter % self.search_every == 0 and isinstance(coupling, TakesClusters):
                self._adapt(place, coupling, model)
            if self.opt.iter % self.every == 0:
                coupling.update(model)

    def _clusters(self) -> dict[int, Any]:
        """Cluster couplings by their positions in the regularization."""
        terms = {i: self.reg.objfcts[i] for i in couplings(self.reg)}
        return {i: term for i, term in terms.items() if isinstance(term, IsCluster)}

    def _adapt(self, place, coupling, model):
        """Replace clusters that are not fixed, if the model has other ones."""
        targets, guidance = coupling.targets, coupling.guidance
        fixed = np.isinf(guidance)
        weights = as_numpy(coupling.cell_weights())
        if fixed.all() or not weights.any():
            return
        found = find_clusters(coupling.properties(model), weights, self.max_clusters, targets[fixed])
        if len(found) == 0 or len(found) + fixed.sum() < 2 or not self._is_sure(place, len(found), (~fixed).sum()):
            return
        free = np.flatnonzero(~fixed)
        places = match_clusters(targets[free], found)
        taken = places[places >= 0]
        stay = taken[~have_moved(targets[free][places >= 0], found[taken], _LEAST_MOVE)]
        if len(stay) == len(found) == len(free):
            return
        kept = targets.copy()
        kept[free[places >= 0]] = found[taken]
        kept[free[np.isin(places, stay)]] = targets[free[np.isin(places, stay)]]
        survive = np.ones(len(targets), dtype=bool)
        survive[free[places < 0]] = False
        new = found[np.setdiff1d(np.arange(len(found)), taken)]
        strength = np.concatenate([guidance[survive], np.full(len(new), guidance[~fixed].mean())])
        coupling.set_clusters(np.vstack([kept[survive], new]), strength)

    def _is_sure(self, place, number, now) -> bool:
        """Whether this number of clusters is the present one, or has been found often enough in a row."""
        before, times = self._waiting.get(place, [0, 0])
        times = times + 1 if number == before else 1
        self._waiting[place] = [int(number), times]
        return bool(number == now or times >= self.patience)
