"""Training of networks: the loop and the devices."""

from ._fabric import make_fabric
from ._loop import Plan, Training

__all__ = ["Plan", "Training", "make_fabric"]
