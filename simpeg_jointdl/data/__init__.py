"""Measured data as a user holds them."""

from ._continuation import upward_continue, white_noise_factor
from ._potential_fields import GravityData, GravityMagneticDataset, MagneticData
from ._property_model import PropertyModel
from ._soundings import MTSoundings
from ._stations import MTStations
from ._trend import remove_trend

__all__ = [
    "GravityData",
    "GravityMagneticDataset",
    "MTSoundings",
    "MTStations",
    "MagneticData",
    "PropertyModel",
    "remove_trend",
    "upward_continue",
    "white_noise_factor",
]
