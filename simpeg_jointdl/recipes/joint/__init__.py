"""Joint inversion of any number of data sets."""

from ._create import create_joint_inversion

__all__ = ["create_joint_inversion"]
