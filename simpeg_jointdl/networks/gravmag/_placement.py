"""Where gravity and magnetic data lie, as `GravMagUNet.predict` is told."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Placement:
    """Where gravity and magnetic data lie, and what else a network must know of them beside their values.

    All of it is optional for SimPEG's data, which know their stations: then only what differs from the default is
    given. See :meth:`GravMagUNet.predict` for the defaults.

    Parameters
    ----------
    cell_size : float or (dx, dy), optional
        Width of the network's cells in m.
    height : float or (gravity, magnetics), optional
        Height of the data above the ground in m.
    ground : float, optional
        Elevation of the ground in m, which is the top of the network's mesh.
    origin : (west, south)
        Corner of an array of data in m.
    inducing_field : (amplitude, inclination, declination), optional
        Inducing field in nT, degrees down from the horizontal, and degrees east of north.
    gravity_noise, magnetic_noise : float or array_like, optional
        Standard deviations in mGal and nT; those of the data if not given.

    Examples
    --------
    >>> from simpeg_jointdl.networks import Placement
    >>> Placement(cell_size=50.0, height=30.0).options()["height"]
    30.0
    """

    cell_size: float | tuple[float, float] | None = None
    height: float | tuple[float, float] | None = None
    ground: float | None = None
    origin: tuple[float, float] = (0.0, 0.0)
    inducing_field: tuple[float, float, float] | None = None
    gravity_noise: float | ArrayLike | None = None
    magnetic_noise: float | ArrayLike | None = None

    def options(self) -> dict[str, Any]:
        """Return the keywords of :meth:`GravMagUNet.predict`, {name: value}."""
        return {one.name: getattr(self, one.name) for one in fields(self)}
