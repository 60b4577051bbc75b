"""Directives a joint inversion cannot do without."""

from ._balance_misfits import BalanceMisfits
from ._checkpoint import SaveCheckpoint, resume
from ._cool_couplings import CoolCouplings
from ._coupling_weights import EstimateCouplingWeights
from ._data_space import UpdateDataSpacePreconditioner
from ._fuzzy_clusters import UpdateFuzzyClusters
from ._joint_beta import JointBetaSchedule
from ._joint_irls import UpdateJointIRLS
from ._preconditioner import UpdateJointPreconditioner
from ._save_log import SaveLog, read_log
from ._sensitivity_weights import UpdateJointSensitivityWeights
from ._show_progress import ShowProgress
from ._take_turns import TakeTurns

__all__ = [
    "BalanceMisfits",
    "CoolCouplings",
    "EstimateCouplingWeights",
    "JointBetaSchedule",
    "SaveCheckpoint",
    "SaveLog",
    "ShowProgress",
    "TakeTurns",
    "UpdateDataSpacePreconditioner",
    "UpdateFuzzyClusters",
    "UpdateJointIRLS",
    "UpdateJointPreconditioner",
    "UpdateJointSensitivityWeights",
    "read_log",
    "resume",
]
