"""Change from a reference model."""

from ._model_change import ModelChange

__all__ = ["ModelChange"]
