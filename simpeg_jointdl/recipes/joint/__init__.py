"""Joint inversion of any number of data sets."""

from ._build import CellProblem, build, cell_settings
from ._create import create_joint_inversion
from ._options import CellOptions

__all__ = ["CellOptions", "CellProblem", "build", "cell_settings", "create_joint_inversion"]
