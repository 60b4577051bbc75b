"""Aeromagnetics over the Raglan nickel deposit, and the model that guided a drill hole."""

from __future__ import annotations

import numpy as np

from ...data import GravityMagneticDataset, MagneticData
from ._sources import fetch

_DESCRIPTION = (
    "Total-field aeromagnetics over the Raglan nickel deposit, Quebec, in local coordinates, and the susceptibility "
    "that UBC's MAG3D recovered from it in 1997. github.com/simpeg/transform-2021-simpeg, data/Raglan_1997."
)
_LICENSE = "MIT License"


def load_raglan() -> GravityMagneticDataset:
    """Return magnetic data along the flight lines of a field survey, and a published model.

    Two ultramafic outcrops are strongly magnetic. The published model connects them at depth, where a drill hole hit
    mineralised rock.

    Returns
    -------
    GravityMagneticDataset
        Magnetic data at 1638 stations about 100 m apart at z = 40 m, with uncertainties of 2 % plus 5 nT, without
        gravity and true models. The published `TensorMesh` has 40 x 40 x 10 cells of 100 m, all active, since the
        surface is flat at z = 0. `published_models` contains ``"MAG3D"``.

    Notes
    -----
    The target misfit of the published inversion was 27 per datum with these uncertainties, so that its model does not
    fit the data to their noise.
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
    """Return the model in discretize's order, x fastest and z up; in the file z is fastest, downward, then x.

    discretize can read such a file, but not a compressed one.
    """
    n_x, n_y, n_z = shape
    values = np.loadtxt(fetch("raglan_susceptibility")).reshape((n_y, n_x, n_z))
    return values[:, :, ::-1].transpose(2, 0, 1).ravel()
