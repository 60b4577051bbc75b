"""Directives that change norms, clusters, and which property moves, between iterations."""

from ._fuzzy_clusters import UpdateFuzzyClusters
from ._joint_irls import UpdateJointIRLS
from ._take_turns import TakeTurns

__all__ = ["TakeTurns", "UpdateFuzzyClusters", "UpdateJointIRLS"]
