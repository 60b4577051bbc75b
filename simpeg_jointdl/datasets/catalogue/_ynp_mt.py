"""Broadband magnetotellurics around Yellowstone, with flags of bad values."""

from __future__ import annotations

import numpy as np

from ...data import MTStations
from ...io import read_edi
from ._sources import fetch
from ._ynp_files import EDI_SHA256

# Values with use_flag = 0 in ynp_mt/mt_impedance.csv, as indices among the 37 ascending frequencies. They are listed
# here because that table is not published; only the EDI files can be downloaded.
_FLAGGED = {
    "YNP01": "0 24",
    "YNP02": "0",
    "YNP04": "14",
    "YNP06": "2",
    "YNP08": "0 16",
    "YNP14": "1 3-4",
    "YNP15": "7-8 10-36",
    "YNP16": "18-19",
    "YNP21": "2",
    "YNP22": "0-9 35-36",
    "YNP23": "3-4",
    "YNP24": "0-1 3-6",
    "YNP25": "3-4",
    "YNP30": "1-2",
    "YNP32": "35-36",
    "YNP40": "0-7",
    "YNP43": "2",
}


def load_ynp_mt(flags: bool = True) -> MTStations:
    """Return impedances of 44 stations around the Yellowstone caldera at 37 frequencies, 1/1024 to 256 Hz.

    The data were acquired in 2017 by the U.S. Geological Survey. Source:
    github.com/simpeg-research/earthscope-mt-course, data/transfer_functions/broadband (MIT License).

    Parameters
    ----------
    flags : bool
        Whether to leave out 77 values of 17 stations that were flagged as bad on inspection: spikes, phases in the
        wrong quadrant, errors above 50 %. One value of YNP15 remains.

    Returns
    -------
    MTStations
        Impedances in ohm with x to geographic north, and locations in UTM zone 12N (EPSG:32612). Errors are the formal
        errors of 0.1 to 0.5 %, much smaller than the errors of a layered model; call `soundings` with an error floor of
        0.05.

    Notes
    -----
    The structure below the caldera is three-dimensional. In published 3-D models a conductive layer (a few ohm m, clay
    and brine) lies over resistive rock and a deep conductor.
    """
    names = list(EDI_SHA256)
    paths = [fetch(f"ynp_mt/{name}") for name in names]
    stations = read_edi(paths, names=names, units="mV/km/nT", crs="EPSG:32612", report=False)
    return stations.masked(_flagged(stations)) if flags else stations


def _flagged(stations: MTStations) -> np.ndarray:
    """Return which values are bad, (n, n_f) of bool."""
    bad = np.zeros((len(stations), len(stations.frequencies)), dtype=bool)
    for name, runs in _FLAGGED.items():
        for run in runs.split():
            first, _, last = run.partition("-")
            bad[stations.names.index(name), int(first) : int(last or first) + 1] = True
    return bad
