"""Centres of cluster couplings that move with the model."""

from __future__ import annotations

import numpy as np
from simpeg.directives import InversionDirective

from ..._core.tensors import as_numpy
from ..._problem.terms import couplings
from ...kernels import find_clusters, have_moved, match_clusters
from .._base import JointTerms

_STAYS = 0.1  # of the range of the clusters: a target that has moved less is left where it is


class UpdateFuzzyClusters(JointTerms, InversionDirective):
    r"""Move the free and guided centres of every cluster coupling to where the current model has them.

    Serves each coupling that has ``update(model)``, such as
    :class:`~simpeg_jointdl.regularization.GuidedFuzzyCMeans`, which moves the centre of cluster :math:`k` to

    .. math::
        v_{kp} = \frac{\sum_j w_{jp} V_j \, u_{jk}^q \, p_{jp} + \eta_{kp} \, t_{kp}}
                      {\sum_j w_{jp} V_j \, u_{jk}^q + \eta_{kp}}

    with memberships :math:`u`, weights :math:`w` and volumes :math:`V` of cells :math:`j`; the guidance :math:`\eta`
    says how far it may leave its target :math:`t`. Fixed centres stay.

    With `adaptive`, targets and the number of clusters follow the model too, for want of a petrophysical table.
    Clusters are found anew from the local density of the model's cross-plot: the background, the weighted median of
    each property, and the density peaks of the directions from it [1]_, cells of large

    .. math::
        \rho_i \delta_i, \qquad \rho_i = \sum_j w_j |\mathbf p_j| \, e^{-(d_{ij} / 0.3)^2}, \qquad
        \delta_i = \min_{\rho_j > \rho_i} d_{ij}

    over cells off the background, with :math:`|\mathbf p_j|` the distance from it, each property in units of about its
    largest value, and :math:`d_{ij}` the chord between the directions of two cells; a cell's weight :math:`w_j` is that
    in the coupling, volume included. Clusters are changed with hysteresis. Another number is taken over when it has
    been found `patience` times in a row, and a target moves if its new place is farther than a tenth of the range of
    all clusters. Fixed centres, of infinite guidance, are known: they stay, and nothing is put beside them. New
    clusters are guided as the others are on average.

    Parameters
    ----------
    every : int
        Iterations between updates.
    adaptive : bool
        Find clusters anew.
    search_every : int
        Iterations between searches.
    max_clusters : int
        Largest number of clusters, the background and fixed ones among them.
    patience : int
        Searches in a row that must find another number of clusters.

    Raises
    ------
    ValueError
        For numbers below 1, or `max_clusters` below 2; when the inversion begins, without any cluster coupling.
    TypeError
        When the inversion begins, with `adaptive` where no cluster coupling has ``set_clusters``, and for a
        regularization with sums among its terms; for a `dmisfit` or `reg` given.

    References
    ----------
    .. [1] Rodriguez, A. and Laio, A. (2014). Clustering by fast search and find of density peaks. Science, 344,
       1492-1496. https://doi.org/10.1126/science.1242072
    """

    def __init__(
        self,
        every: int = 1,
        adaptive: bool = False,
        *,
        search_every: int = 3,
        max_clusters: int = 5,
        patience: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        given = {"every": (every, 1), "search_every": (search_every, 1), "patience": (patience, 1)}
        for name, (value, least) in (given | {"max_clusters": (max_clusters, 2)}).items():
            if int(value) < least:
                msg = f"UpdateFuzzyClusters.{name}: got {value!r}, wanted a whole number of at least {least}."
                raise ValueError(msg)
            setattr(self, name, int(value))
        self.adaptive = bool(adaptive)
        self._waiting: dict[int, list[int]] = {}

    def initialize(self):
        """Make sure that there is something to update."""
        clusters = self._clusters()
        if not clusters:
            msg = "UpdateFuzzyClusters: the regularization has no cluster coupling; add one, or leave this out."
            raise ValueError(msg)
        if self.adaptive and not any(hasattr(one, "set_clusters") for one in clusters.values()):
            msg = (
                "UpdateFuzzyClusters.adaptive: no cluster coupling has set_clusters(centers, guidance), as "
                "GuidedFuzzyCMeans has; use one, or adaptive=False."
            )
            raise TypeError(msg)
        self._waiting = {}

    def endIter(self):
        """Update the centres at the new model."""
        model = self.invProb.model
        for place, coupling in self._clusters().items():
            if self.adaptive and self.opt.iter % self.search_every == 0 and hasattr(coupling, "set_clusters"):
                self._adapt(place, coupling, model)
            if self.opt.iter % self.every == 0:
                coupling.update(model)

    def _clusters(self):
        terms = {i: self.reg.objfcts[i] for i in couplings(self.reg)}
        return {i: term for i, term in terms.items() if hasattr(term, "update") and hasattr(term, "memberships")}

    def _adapt(self, place, coupling, model):
        """Replace the clusters that are not fixed, if the model has others."""
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
        stay = taken[~have_moved(targets[free][places >= 0], found[taken], _STAYS)]
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
        """Whether this number is the one there is, or has been found often enough."""
        before, times = self._waiting.get(place, [0, 0])
        times = times + 1 if number == before else 1
        self._waiting[place] = [int(number), times]
        return bool(number == now or times >= self.patience)
