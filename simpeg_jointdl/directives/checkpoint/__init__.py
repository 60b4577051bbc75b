"""Checkpoints: saving the state of a run, and resuming it."""

from ._checkpoint import SaveCheckpoint, resume

__all__ = ["SaveCheckpoint", "resume"]
