"""Contract checks for couplings, operators, derivatives and simulations, for the tests of this package and of others.

Every check returns nothing or raises AssertionError that says what came, what was wanted and how far apart
they are. `check_coupling` and `check_simulation` run all of them on one coupling or simulation at one model.
Differences are relative to the largest entry wanted.
"""

from ._couplings import (
    check_cell_values,
    check_close,
    check_coupling,
    check_derivative_order,
    check_diagonal,
    check_hessian,
    check_operator,
    check_ownership,
    check_value,
)
from ._simulations import check_simulation

__all__ = [
    "check_cell_values",
    "check_close",
    "check_coupling",
    "check_derivative_order",
    "check_diagonal",
    "check_hessian",
    "check_operator",
    "check_ownership",
    "check_simulation",
    "check_value",
]
