"""Contract checks for couplings, operators, derivatives, maps and simulations, for any plugin's tests.

Every check returns nothing or raises AssertionError that says what came, what was wanted and how far apart
they are. `check_coupling`, `check_map` and `check_simulation` run all of them on one object at one model.
Differences are relative to the largest entry wanted.
"""

from ._couplings import check_cell_values, check_coupling, check_diagonal, check_hessian, check_ownership, check_value
from ._laws import check_close, check_derivative_order, check_operator
from ._maps import check_map
from ._simulations import check_simulation

__all__ = [
    "check_cell_values",
    "check_close",
    "check_coupling",
    "check_derivative_order",
    "check_diagonal",
    "check_hessian",
    "check_map",
    "check_operator",
    "check_ownership",
    "check_simulation",
    "check_value",
]
