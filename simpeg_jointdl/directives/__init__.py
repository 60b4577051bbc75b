"""Directives a joint inversion cannot do without."""

from .checkpoint import SaveCheckpoint, resume
from .models import TakeTurns, UpdateFuzzyClusters, UpdateJointIRLS
from .preconditioners import UpdateDataSpacePreconditioner, UpdateJointPreconditioner
from .records import SaveLog, ShowProgress, read_log
from .weights import (
    BalanceMisfits,
    CoolCouplings,
    EstimateCouplingWeights,
    JointBetaSchedule,
    UpdateJointSensitivityWeights,
)

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
