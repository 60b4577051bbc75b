"""Data sets by name: synthetic surveys with true models, published benchmarks and field data.

EDI files, and ``load("ynp_mt")``, need mt_metadata: ``pip install "simpeg_jointdl[mt]"``.

==========================  =====================================================================
`load`                      a data set by name: ``"two_blocks"``, ``"camp_blocks"``, ``"two_bodies"``,
                            ``"ernest_henry"``, ``"raglan_mag"``, ``"stair_block"`` or ``"ynp_mt"``
`make_geology`              random geology on a mesh: layers, folds, faults, dykes and bodies
`make_two_blocks`           synthetic gravity and magnetics over two blocks, in any size and unit
`synthetic`                 module of all synthetic models and surveys
`catalogue`                 module of the loaders of public data
==========================  =====================================================================

Classes of data moved to :mod:`simpeg_jointdl.data`, and `read_edi` to :mod:`simpeg_jointdl.io`; they can still be
imported from here.
"""

from __future__ import annotations

from typing import Any, Literal, overload

from .._core import validation as check
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
from . import catalogue, synthetic
from .catalogue import load_camp_blocks, load_ernest_henry, load_raglan, load_two_bodies, load_ynp_mt, make_stair_block
from .synthetic import make_geology, make_two_blocks

__all__ = [
    "load",
    "synthetic",
    "catalogue",
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
    """Return a data set by name.

    Parameters
    ----------
    name : {"camp_blocks", "ernest_henry", "raglan_mag", "stair_block", "two_blocks", "two_bodies", "ynp_mt"}
        ``"two_blocks"`` is computed with its true models. ``"camp_blocks"`` and ``"two_bodies"`` are published
        synthetic surveys with their true models; the first includes models that others have recovered.
        ``"ernest_henry"`` is field gravity and magnetics, 36 x 36 km around the Ernest Henry deposit in Queensland.
        ``"raglan_mag"`` is the magnetic survey of the Raglan nickel deposit with a published susceptibility model; it
        has no gravity. ``"stair_block"`` is a published synthetic gravity survey, computed with its true model.
        ``"ynp_mt"`` is broadband magnetotellurics at 44 stations around Yellowstone; it needs ``pip install
        "simpeg_jointdl[mt]"``. Public files are downloaded once, or read from the folder in the environment variable
        ``SIMPEG_JOINTDL_DATA``.
    **options
        Options of the data set. ``"two_blocks"``: the arguments of `make_two_blocks`. ``"stair_block"``: `noise` (0.01)
        and `random_seed`. ``"camp_blocks"``: `size` (``"full"``, or ``"small"`` for every third station along each
        axis). ``"ernest_henry"``: `remove_trend` (True), `trend_order` (0, 1 or 2; 1), `upward_continuation` (0.0 m),
        `every` (keep every n-th row and column; 1) and `gravity_uncertainty` (1.0 mGal). ``"ynp_mt"``: `flags` (leave
        out 77 values that were flagged as bad; True). ``"two_bodies"``, ``"raglan_mag"``: none.

    Returns
    -------
    GravityMagneticDataset or MTStations
        The data set; MTStations for ``"ynp_mt"``.

    Raises
    ------
    ValueError
        If the name is unknown, or a file is not the published one.
    ImportError
        If an optional library is missing; the message says how to install it.
    FileNotFoundError
        If the data are neither in the folder nor available at their public address.

    Examples
    --------
    >>> from simpeg_jointdl import datasets
    >>> blocks = datasets.load("two_blocks", shape=(12, 12, 6), n_stations=(5, 4))
    >>> blocks.gravity.gz.shape, sorted(blocks.true_models)
    ((20,), ['density', 'susceptibility'])
    """
    check.one_of("datasets.load.name", name, sorted(_LOADERS))
    return _LOADERS[name](**options)
