"""Surveys to invert: synthetic ones with a known answer, two of them published, and field data.

EDI files, and ``load("ynp_mt")``, need mt_metadata: ``pip install "simpeg_jointdl[mt]"``.

==========================  =====================================================================
`load`                      a dataset by name: ``"two_blocks"``, ``"camp_blocks"``, ``"two_bodies"``,
                            ``"ernest_henry"``, ``"raglan_mag"``, ``"stair_block"`` or ``"ynp_mt"``
`make_geology`              random geology on a mesh: layers, folds, faults, dykes and bodies
`synthetic`                 that and `sample_geology`, the same in batches on a device
`make_two_blocks`           synthetic gravity and magnetics over two blocks, in any size and unit
`remove_trend`              polynomial regional trend, robust against the anomalies themselves
`upward_continue`           the field some way higher, where short wavelengths have died
`GravityData`               stations, gz and its uncertainty
`MagneticData`              stations, total-field anomaly, its uncertainty and the inducing field
`GravityMagneticDataset`    both or one of them, with the mesh and the true models where they are known
`read_edi`                  magnetotelluric impedances from EDI files, a whole folder in one call
`MTStations`                impedance tensors with errors: turned, masked, and made into soundings
`MTSoundings`               apparent resistivity and phase with errors, to and from SimPEG's data
==========================  =====================================================================
"""

from __future__ import annotations

from typing import Any, Literal, overload

from ..data import (
    GravityData,
    GravityMagneticDataset,
    MagneticData,
    MTSoundings,
    MTStations,
    remove_trend,
    upward_continue,
)
from ..io import read_edi
from . import synthetic
from .catalogue import load_camp_blocks, load_ernest_henry, load_raglan, load_two_bodies, load_ynp_mt, make_stair_block
from .synthetic import make_geology, make_two_blocks

__all__ = [
    "load",
    "synthetic",
    "make_geology",
    "make_two_blocks",
    "remove_trend",
    "upward_continue",
    "GravityData",
    "MagneticData",
    "GravityMagneticDataset",
    "read_edi",
    "MTStations",
    "MTSoundings",
]

_LOADERS = {
    "camp_blocks": load_camp_blocks,
    "ernest_henry": load_ernest_henry,
    "raglan_mag": load_raglan,
    "stair_block": make_stair_block,
    "two_blocks": make_two_blocks,
    "two_bodies": load_two_bodies,
    "ynp_mt": load_ynp_mt,
}


_GravityMagnetic = Literal["camp_blocks", "ernest_henry", "raglan_mag", "stair_block", "two_blocks", "two_bodies"]


@overload
def load(name: _GravityMagnetic, **options: Any) -> GravityMagneticDataset: ...


@overload
def load(name: Literal["ynp_mt"], **options: Any) -> MTStations: ...


@overload
def load(name: str, **options: Any) -> GravityMagneticDataset | MTStations: ...


def load(name: str, **options: Any) -> GravityMagneticDataset | MTStations:
    """Dataset by name.

    Parameters
    ----------
    name : {"camp_blocks", "ernest_henry", "raglan_mag", "stair_block", "two_blocks", "two_bodies", "ynp_mt"}
        ``"two_blocks"`` is made here, with its true models. ``"camp_blocks"`` and ``"two_bodies"`` are
        published synthetic surveys with their true models; the first comes with the models that others have
        recovered, too. ``"ernest_henry"`` is real gravity and magnetics, 36 x 36 km around the Ernest Henry
        deposit in Queensland. ``"raglan_mag"`` is the real magnetic survey of the Raglan nickel deposit with the
        susceptibility that others have recovered from it; it has no gravity. Public files are downloaded once, or
        read from the folder that the environment variable ``SIMPEG_JOINTDL_DATA`` names.
        ``"stair_block"`` is a published synthetic gravity survey, made here with its true model. ``"ynp_mt"`` is
        broadband magnetotellurics at 44 stations around Yellowstone; it needs
        ``pip install "simpeg_jointdl[mt]"``.
    **options
        ``"stair_block"``: `noise` (0.01) and `random_seed`. ``"two_blocks"``: the arguments of
        `make_two_blocks`. ``"camp_blocks"``: `size` (``"full"``, or
        ``"small"`` for every third station each way). ``"two_bodies"``, ``"raglan_mag"``: none. ``"ernest_henry"``:
        `remove_trend` (bool, True), `trend_order` (0, 1 or 2; 1), `upward_continuation` (metres, 0.0),
        `every` (keep every n-th row and column, 1) and `gravity_uncertainty` (mGal, 1.0). ``"ynp_mt"``: `flags`
        (leave out the 77 points that were flagged as bad, True).

    Returns
    -------
    GravityMagneticDataset
        Or `MTStations`, of ``"ynp_mt"``.

    Raises
    ------
    ValueError
        For an unknown name, or a file that is not the published one.
    ImportError
        Without the optional library that a dataset needs; the message says how to have it.
    FileNotFoundError
        If the data are neither in the folder nor to be had from their public address.

    Examples
    --------
    >>> from simpeg_jointdl import datasets
    >>> blocks = datasets.load("two_blocks", shape=(12, 12, 6), n_stations=(5, 4))
    >>> blocks.gravity.gz.shape, sorted(blocks.true_models)
    ((20,), ['density', 'susceptibility'])
    """
    if name not in _LOADERS:
        msg = f"datasets.load: got name={name!r}, wanted one of {sorted(_LOADERS)}. Use one of those."
        raise ValueError(msg)
    return _LOADERS[name](**options)
