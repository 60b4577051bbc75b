"""Directives for joint inversion.

Weights
    :class:`JointBetaSchedule`, one trade-off parameter per property; :class:`EstimateCouplingWeights` and
    :class:`CoolCouplings`, weights of couplings; :class:`BalanceMisfits`, weights of data sets;
    :class:`UpdateJointSensitivityWeights`, weights of cells.
Models
    :class:`UpdateJointIRLS`, sparse norms; :class:`UpdateFuzzyClusters`, cluster centres; :class:`TakeTurns`,
    sequential and cooperative inversion.
Preconditioners
    :class:`UpdateJointPreconditioner`; :class:`UpdateDataSpacePreconditioner` for strong data.
Records
    :class:`SaveLog` and :func:`read_log`; :class:`ShowProgress`.
Checkpoints
    :class:`SaveCheckpoint` and :func:`resume`.
"""

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
