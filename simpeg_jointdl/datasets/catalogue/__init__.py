"""Loaders of public data sets and benchmarks; `simpeg_jointdl.datasets.load` calls them by name.

==========================  =====================================================================
`load_camp_blocks`          published gravity and magnetics over a block with a core
`load_ernest_henry`         field gravity and magnetics around the Ernest Henry deposit
`load_raglan`               field magnetics over the Raglan deposit
`load_two_bodies`           published gravity and magnetics over bodies of opposite contrasts
`load_ynp_mt`               field magnetotellurics around Yellowstone
`make_stair_block`          published gravity problem with a stair-shaped block
==========================  =====================================================================
"""

from ._camp_blocks import load_camp_blocks
from ._ernest_henry import load_ernest_henry
from ._raglan import load_raglan
from ._stair_block import make_stair_block
from ._two_bodies import load_two_bodies
from ._ynp_mt import load_ynp_mt

__all__ = ["load_camp_blocks", "load_ernest_henry", "load_raglan", "load_two_bodies", "load_ynp_mt", "make_stair_block"]
