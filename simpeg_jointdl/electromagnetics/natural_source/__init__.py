"""Magnetotellurics: layered columns under all stations at once, and the rest of SimPEG's natural sources as it is."""

from simpeg.electromagnetics.natural_source import Data, Simulation1DRecursive, Survey, receivers, sources

from ._receivers import DeterminantImpedance
from ._simulation import Simulation1DStitched
from ._survey import create_survey

__all__ = [
    "DeterminantImpedance",
    "Simulation1DStitched",
    "create_survey",
    # SimPEG's own, so that a script changes one import
    "Data",
    "Simulation1DRecursive",
    "Survey",
    "receivers",
    "sources",
]
