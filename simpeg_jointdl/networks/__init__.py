"""Networks, their weights, and the command that trains them.

==========================  =====================================================================
`GeologyVAE`                a learned prior on geology: latent vectors to density and susceptibility
`train`                     ``python -m simpeg_jointdl.networks.train geology``
`save_weights`              a module's weights as safetensors, with a card that says what they are
`load_weights`              the same back, whole and of the right architecture, or refused
`read_card`                 the card alone
==========================  =====================================================================
"""

from ._geology_vae import GeologyVAE
from ._weights import load_weights, read_card, save_weights

__all__ = ["GeologyVAE", "save_weights", "load_weights", "read_card"]
