"""Preconditioners of the conjugate gradients."""

from ._data_space import UpdateDataSpacePreconditioner
from ._jacobi import UpdateJointPreconditioner

__all__ = ["UpdateDataSpacePreconditioner", "UpdateJointPreconditioner"]
