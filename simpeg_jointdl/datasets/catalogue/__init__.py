"""Loaders of public data sets and benchmarks, and the list of their files."""

from ._camp_blocks import load_camp_blocks
from ._ernest_henry import load_ernest_henry
from ._raglan import load_raglan
from ._stair_block import make_stair_block
from ._two_bodies import load_two_bodies
from ._ynp_mt import load_ynp_mt

__all__ = ["load_camp_blocks", "load_ernest_henry", "load_raglan", "load_two_bodies", "load_ynp_mt", "make_stair_block"]
