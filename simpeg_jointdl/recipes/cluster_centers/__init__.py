"""Search for cluster centres without a petrophysical table."""

from ._result import CenterSearch
from ._search import find_centers

__all__ = ["CenterSearch", "find_centers"]
