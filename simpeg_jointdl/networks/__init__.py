"""Networks and their weights.

==========================  =====================================================================
`save_weights`              a module's weights as safetensors, with a card that says what they are
`load_weights`              the same back, whole and of the right architecture, or refused
`read_card`                 the card alone
==========================  =====================================================================
"""

from ._weights import load_weights, read_card, save_weights

__all__ = ["save_weights", "load_weights", "read_card"]
