"""Couplings between physical properties, and the change from a reference model."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from ._base import BaseCoupling
from ._linearization import Linearization
from .petrophysical import GuidedFuzzyCMeans
from .reference import ModelChange
from .structural import CrossGradient, Gramian, LocalPearson

__all__ = [
    "BaseCoupling",
    "CrossGradient",
    "Gramian",
    "GuidedFuzzyCMeans",
    "Linearization",
    "LocalPearson",
    "ModelChange",
]

_MOVED = ("SharedStructure", "shared_structure", "structural_similarity")


def __getattr__(name: str) -> Any:
    """Names that moved to `simpeg_jointdl.diagnostics` in 0.2.0, with a DeprecationWarning."""
    if name in _MOVED:
        msg = f"simpeg_jointdl.regularization.{name} has moved: use simpeg_jointdl.diagnostics.{name}."
        warnings.warn(msg, DeprecationWarning, stacklevel=2)
        # by name, since this room lies below diagnostics and does not import it
        return getattr(importlib.import_module("simpeg_jointdl.diagnostics"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MOVED])
