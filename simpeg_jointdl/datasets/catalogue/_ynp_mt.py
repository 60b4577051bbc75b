"""Real broadband magnetotellurics around Yellowstone, and which of its points are bad."""

from __future__ import annotations

import numpy as np

from ...data import MTStations
from ...io import read_files
from ._sources import fetch
from ._ynp_files import EDI_SHA256

# Points of use_flag = 0 in ynp_mt/mt_impedance.csv, as indices among the 37 ascending frequencies. They stand here
# because that table is nobody's publication: the EDIs alone can be downloaded.
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
    """Impedances of 44 stations around the Yellowstone caldera, 2017: 37 frequencies from 1/1024 to 256 Hz.

    github.com/simpeg-research/earthscope-mt-course, data/transfer_functions/broadband; U.S. Geological Survey, and
    the repository's MIT License.

    Parameters
    ----------
    flags : bool
        Leave out 77 points of 17 stations that were flagged as bad when the data were looked through: spikes, phases
        in the wrong quadrant, errors beyond 50 %. One point of YNP15 is left.

    Returns
    -------
    MTStations
        In ohm, x to geographic north, locations in UTM zone 12N (EPSG:32612). Errors are the formal ones, 0.1 to
        0.5 %: far below what a layered earth can mean, so take soundings with a floor of 0.05.

    Notes
    -----
    Caldera stations are three-dimensional. A conductive layer (a few ohm m: clay, brine) lies over resistive rock
    and a deep conductor, in the published three-dimensional models.
    """
    names = list(EDI_SHA256)
    paths = [fetch(f"ynp_mt/{name}") for name in names]
    stations, _ = read_files(paths, names, "mV/km/nT", 0.0, None, "EPSG:32612")
    return stations.masked(_flagged(stations)) if flags else stations


def _flagged(stations: MTStations) -> np.ndarray:
    """(n, n_f) True at bad points."""
    bad = np.zeros((len(stations), len(stations.frequencies)), dtype=bool)
    for name, runs in _FLAGGED.items():
        for run in runs.split():
            first, _, last = run.partition("-")
            bad[stations.names.index(name), int(first) : int(last or first) + 1] = True
    return bad
