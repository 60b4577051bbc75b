"""Surveys to invert: a synthetic one with a known answer, and public field data.

==========================  =====================================================================
`load`                      a dataset by name: ``"two_blocks"`` or ``"ernest_henry"``
`make_two_blocks`           synthetic gravity and magnetics over two blocks, in any size and unit
`remove_trend`              polynomial regional trend, robust against the anomalies themselves
`upward_continue`           the field some way higher, where short wavelengths have died
`GravityData`               stations, gz and its uncertainty
`MagneticData`              stations, total-field anomaly, its uncertainty and the inducing field
`GravityMagneticDataset`    both, with the mesh and the true models where they are known
==========================  =====================================================================
"""

from ._continuation import upward_continue
from ._ernest_henry import load_ernest_henry
from ._survey import GravityData, GravityMagneticDataset, MagneticData
from ._synthetic import make_two_blocks
from ._trend import remove_trend

__all__ = [
    "load",
    "make_two_blocks",
    "remove_trend",
    "upward_continue",
    "GravityData",
    "MagneticData",
    "GravityMagneticDataset",
]

_LOADERS = {"ernest_henry": load_ernest_henry, "two_blocks": make_two_blocks}


def load(name: str, **options) -> GravityMagneticDataset:
    """Dataset by name.

    Parameters
    ----------
    name : {"ernest_henry", "two_blocks"}
        ``"ernest_henry"`` is real gravity and magnetics, 36 x 36 km around the Ernest Henry deposit in
        Queensland. It is downloaded once, or read from the folder that the environment variable
        ``SIMPEG_JOINTDL_DATA`` names. ``"two_blocks"`` is synthetic, with its true models.
    **options
        ``"ernest_henry"``: `remove_trend` (bool, True), `trend_order` (0, 1 or 2; 1), `upward_continuation`
        (metres, 0.0), `every` (keep every n-th row and column, 1) and `gravity_uncertainty` (mGal, 1.0).
        ``"two_blocks"``: the arguments of `make_two_blocks`.

    Returns
    -------
    GravityMagneticDataset

    Raises
    ------
    ValueError
        For an unknown name, or a file that is not the published one.
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
