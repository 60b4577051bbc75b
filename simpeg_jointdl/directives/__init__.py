"""Directives a joint inversion cannot do without."""

from ._coupling_weights import EstimateCouplingWeights
from ._fuzzy_clusters import UpdateFuzzyClusters
from ._joint_beta import JointBetaSchedule
from ._preconditioner import UpdateJointPreconditioner
from ._sensitivity_weights import UpdateJointSensitivityWeights

__all__ = [
    "EstimateCouplingWeights",
    "JointBetaSchedule",
    "UpdateFuzzyClusters",
    "UpdateJointPreconditioner",
    "UpdateJointSensitivityWeights",
]
