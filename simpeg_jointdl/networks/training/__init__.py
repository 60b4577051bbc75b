"""Training of networks: the training loop, and where it runs."""

from ._fabric import make_fabric
from ._loop import Training
from ._task import Plan, Task

__all__ = ["Plan", "Task", "Training", "make_fabric"]
