"""Checks of arguments, each written once.

The first argument of every check, `who`, is the whole name that an error shows: the function or class that the user
called and its argument, such as ``"create_inr_inversion.chifact"`` or ``"GeologyVAE.widths"``. A message reads
``who: got X, wanted Y.`` and may end with `mend`, a sentence that says what to do instead. A wrong kind of object is a
TypeError, a wrong value of the right kind a ValueError. A bool is not a number here, NaN never is one unless a check
says so, and numpy arrays with masked entries are refused, since the mask would be lost.

Use it as ``from .._core import validation as check``, then ``check.positive("Class.argument", value)``.
"""

from ._arrays import bounds, finite_array, gappy_array, per_cell, per_item
from ._meshes import active_cells, discretize_mesh
from ._values import (
    distinct_names,
    instance,
    known_names,
    listed,
    non_negative,
    number,
    one_of,
    positive,
    several,
    share,
    whole,
    widths,
)

__all__ = [
    # one value
    "number",
    "positive",
    "non_negative",
    "share",
    "whole",
    "one_of",
    "instance",
    # several values
    "several",
    "listed",
    "widths",
    "distinct_names",
    "known_names",
    # arrays
    "finite_array",
    "gappy_array",
    "per_item",
    "per_cell",
    "bounds",
    # meshes
    "discretize_mesh",
    "active_cells",
]
