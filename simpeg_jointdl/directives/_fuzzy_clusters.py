"""Centres of cluster couplings that move with the model."""

from __future__ import annotations

from simpeg.directives import InversionDirective

from ._problem import JointTerms, couplings


class UpdateFuzzyClusters(JointTerms, InversionDirective):
    """Move the free and guided centres of every cluster coupling to where the current model has them.

    Serves each coupling that has ``update(model)``, such as
    :class:`~simpeg_jointdl.regularization.GuidedFuzzyCMeans`, whose guidance says how far a centre may leave its
    target; fixed centres stay.

    Parameters
    ----------
    every : int
        Iterations between updates.
    """

    def __init__(self, every: int = 1, **kwargs):
        super().__init__(**kwargs)
        if int(every) < 1:
            msg = f"UpdateFuzzyClusters.every: got {every!r}, wanted a whole number of at least 1."
            raise ValueError(msg)
        self.every = int(every)

    def initialize(self):
        """Make sure that there is something to update."""
        if not self._clusters():
            msg = "UpdateFuzzyClusters: the regularization has no cluster coupling; add one, or leave this out."
            raise ValueError(msg)

    def endIter(self):
        """Update the centres at the new model."""
        if self.opt.iter % self.every == 0:
            for coupling in self._clusters():
                coupling.update(self.invProb.model)

    def _clusters(self):
        terms = [self.reg.objfcts[i] for i in couplings(self.reg)]
        return [term for term in terms if hasattr(term, "update") and hasattr(term, "memberships")]
