"""Engines that multiply by the sensitivities of potential fields, and the choice between them."""

from ._choice import ENGINES, make_engine
from ._geometry import Geometry, Stations
from ._operator import AmplitudeDirections, EngineLink, EngineOperator, Jacobian
from ._protocol import Engine

__all__ = [
    "AmplitudeDirections",
    "ENGINES",
    "Engine",
    "EngineLink",
    "EngineOperator",
    "Geometry",
    "Jacobian",
    "Stations",
    "make_engine",
]
