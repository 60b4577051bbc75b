"""Magnetotellurics: layered earths under all stations at once, and SimPEG's natural-source module unchanged."""

from simpeg.electromagnetics.natural_source import Data, Simulation1DRecursive, Survey, receivers, sources

from ._receivers import DeterminantImpedance
from ._simulation import Simulation1DStitched
from ._survey import create_survey

__all__ = [
    "DeterminantImpedance",
    "Simulation1DStitched",
    "create_survey",
    # SimPEG's own objects, so that a script needs to change only one import
    "Data",
    "Simulation1DRecursive",
    "Survey",
    "receivers",
    "sources",
]
