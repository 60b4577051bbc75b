"""Measured data, and models with their name and unit.

==========================  =====================================================================
`GravityData`               vertical gravity anomaly at stations
`MagneticData`              total-field magnetic anomaly at stations, with the inducing field
`GravityMagneticDataset`    gravity, magnetics or both, with mesh and true models if known
`MTStations`                magnetotelluric impedance tensors at stations
`MTSoundings`               apparent resistivity and phase at stations, to and from SimPEG's data
`PropertyModel`             a property on the active cells, with name and unit, for figures
`remove_trend`              removal of a polynomial regional trend
`upward_continue`           upward continuation of a gridded potential field
`white_noise_factor`        effect of upward continuation on white noise
==========================  =====================================================================
"""

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
