"""Real aeromagnetics over the Raglan nickel deposit, and the model that a drill hole was guided by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...data import GravityMagneticDataset, MagneticData
from ._sources import fetch

if TYPE_CHECKING:
    pass

_DESCRIPTION = (
    "Total-field aeromagnetics over the Raglan nickel deposit, Quebec, in local coordinates, and the susceptibility "
    "that UBC's MAG3D recovered from it in 1997. github.com/simpeg/transform-2021-simpeg, data/Raglan_1997."
)
_LICENSE = "MIT License"


def load_raglan() -> GravityMagneticDataset:
    """Magnetics of a real survey along flight lines, and a published model of it.

    Two ultramafic outcrops are strongly magnetic. The published model joins them at depth, and a hole drilled there
    hit mineralised rock.

    Returns
    -------
    GravityMagneticDataset
        1638 stations about 100 m apart at z = 40 m, of 2 % plus 5 nT; no gravity, no truth. On the published
        `TensorMesh` of 40 x 40 x 10 cells of 100 m, all active: the surface is flat at z = 0. `published_models` holds
        ``"MAG3D"``.

    Notes
    -----
    The published inversion asked for a misfit of 27 per datum in these uncertainties, so its model leaves more of the
    data than noise.
    """
    from discretize import TensorMesh

    mesh = TensorMesh.read_UBC(str(fetch("raglan_mesh")))
    return GravityMagneticDataset(
        name="raglan_mag",
        gravity=None,
        magnetics=_magnetics(),
        mesh=mesh,
        published_models={"MAG3D": {"susceptibility": _susceptibility(mesh.shape_cells)}},
        description=_DESCRIPTION,
        license=_LICENSE,
    )


def _magnetics() -> MagneticData:
    path = fetch("raglan_magnetics")
    inclination, declination, amplitude = np.loadtxt(path, max_rows=1, comments="!")
    rows = np.loadtxt(path, skiprows=3)
    return MagneticData(rows[:, :3], rows[:, 3], rows[:, 4], (amplitude, inclination, declination))


def _susceptibility(shape: tuple[int, int, int]) -> np.ndarray:
    """In discretize's order, x fastest and z up; the file counts z fastest, downwards, then x.

    discretize reads such a file too, but not a compressed one.
    """
    n_x, n_y, n_z = shape
    values = np.loadtxt(fetch("raglan_susceptibility")).reshape((n_y, n_x, n_z))
    return values[:, :, ::-1].transpose(2, 0, 1).ravel()
