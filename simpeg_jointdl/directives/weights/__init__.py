"""Weights between iterations: trade-off parameters, couplings, data sets, and sensitivity weights of cells."""

from ._balance_misfits import BalanceMisfits
from ._cool_couplings import CoolCouplings
from ._coupling_weights import EstimateCouplingWeights
from ._joint_beta import JointBetaSchedule, beta_schedule
from ._sensitivity_weights import UpdateJointSensitivityWeights

__all__ = [
    "BalanceMisfits",
    "CoolCouplings",
    "EstimateCouplingWeights",
    "JointBetaSchedule",
    "UpdateJointSensitivityWeights",
    "beta_schedule",
]
