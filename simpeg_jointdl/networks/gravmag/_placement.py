"""Where gravity and magnetic data lie, for `GravMagUNet.predict`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Placement:
    """Where gravity and magnetic data lie, their inducing field and their noise.

    All fields are optional for data of SimPEG, which contain the locations of their stations. Give only those that
    differ from the defaults of :meth:`GravMagUNet.predict`.

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
        Inducing field: amplitude in nT, inclination in degrees down from the horizontal, and declination in degrees
        east of north.
    gravity_noise, magnetic_noise : float or array_like, optional
        Standard deviations in mGal and nT; by default those of the data.

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
        """Return the keyword arguments of :meth:`GravMagUNet.predict`.

        Returns
        -------
        dict of str to object
            Fields by name.
        """
        return {one.name: getattr(self, one.name) for one in fields(self)}
