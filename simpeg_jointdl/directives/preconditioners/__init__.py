"""Preconditioners of the conjugate gradients."""

from ._data_space import UpdateDataSpacePreconditioner
from ._jacobi import UpdateJointPreconditioner, misfit_diagonal

__all__ = ["UpdateDataSpacePreconditioner", "UpdateJointPreconditioner", "misfit_diagonal"]
