"""Checks of layer thicknesses and conductivities."""

from __future__ import annotations

import numpy as np


def checked_thicknesses(who: str, value) -> np.ndarray:
    """Return layer thicknesses, finite and above zero, for all stations or for each."""
    thicknesses = np.array(value, dtype=float)
    if thicknesses.ndim not in (1, 2):
        msg = f"{who}.thicknesses: got shape {thicknesses.shape}, wanted (n_layers - 1,) or (n_stations, n_layers - 1)."
        raise ValueError(msg)
    bad = np.flatnonzero(~((thicknesses.ravel() > 0.0) & np.isfinite(thicknesses.ravel())))
    if bad.size:
        msg = (
            f"{who}.thicknesses: {bad.size} of {thicknesses.size} are not finite numbers above zero, the first is "
            f"{thicknesses.ravel()[bad[0]]}; give the thickness of each layer in m, from the surface down."
        )
        raise ValueError(msg)
    return thicknesses


def check_stations(who: str, thicknesses: np.ndarray, n_stations: int):
    """Raise ValueError unless there is one row of thicknesses, or one for each station."""
    if thicknesses.ndim == 2 and len(thicknesses) != n_stations:
        msg = (
            f"{who}.thicknesses: got {len(thicknesses)} rows for {n_stations} stations, which are the distinct "
            "receiver locations of the survey; give one row each, or one for all."
        )
        raise ValueError(msg)


def checked_conductivity(who: str, value, n_stations: int, n_layers: int) -> np.ndarray:
    """Return conductivities, (n_stations, n_layers), finite and above zero."""
    sigma = np.asarray(value, dtype=float).ravel()
    if sigma.size != n_stations * n_layers:
        msg = (
            f"{who}: the model has {sigma.size} conductivities (or resistivities) after its map, wanted "
            f"{n_stations} stations x {n_layers} layers = {n_stations * n_layers}, layers fastest. There is one "
            "more layer than thicknesses."
        )
        raise ValueError(msg)
    bad = np.flatnonzero(~((sigma > 0.0) & np.isfinite(sigma)))
    if bad.size:
        msg = (
            f"{who}: {bad.size} of {sigma.size} conductivities (or resistivities) are not finite numbers above zero, "
            f"the first in layer {bad[0] % n_layers} of station {bad[0] // n_layers}; use maps.ExpMap, which makes "
            "them positive for every model."
        )
        raise ValueError(msg)
    return sigma.reshape(n_stations, n_layers)
