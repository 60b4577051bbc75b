"""Contract checks for couplings, maps, simulations, recipes, operators and derivatives, for tests of any plugin.

A check returns nothing, or raises an AssertionError that says what the result is, what was wanted, and how large the
difference is. `check_coupling`, `check_map` and `check_simulation` run all checks of one object at one model,
`check_recipe` all checks of a recipe.
Differences are relative to the largest entry of what is wanted.
"""

from ._couplings import check_cell_values, check_coupling, check_diagonal, check_hessian, check_ownership, check_value
from ._laws import check_close, check_derivative_order, check_operator
from ._maps import check_map
from ._recipes import check_recipe
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
    "check_recipe",
    "check_simulation",
    "check_value",
]
