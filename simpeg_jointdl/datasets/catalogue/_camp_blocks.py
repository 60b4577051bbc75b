"""Published benchmark: a serpentinised block with a carbonated core, with published models."""

from __future__ import annotations

import numpy as np

from ...data import GravityData, GravityMagneticDataset, MagneticData
from ._sources import fetch, find_in_folder

_STEPS = {"full": 1, "small": 3}
_PUBLISHED = "camp_blocks/published_models.npz"
_METHODS = {"L2": "L2", "Lp": "Lp", "joint PGI": "jointPGI"}  # our name and that in the file

_DESCRIPTION = (
    "Synthetic gravity and magnetics over a serpentinised block (-0.2 g/cc, 0.15 SI) with a carbonated core "
    "(0.1 g/cc, 0.05 SI), noise of 0.05 mGal and 1 nT. Geophysical Inversions to Delineate Rocks with CO2 "
    "Sequestration Potential Through Carbon Mineralization, FastTIMES; "
    "github.com/simpeg-research/Fast-Times-2021-Carbon-Mineralization."
)
_LICENSE = "MIT License, Copyright (c) 2022 UBC GIF"


def load_camp_blocks(*, size: str = "full") -> GravityMagneticDataset:
    """Return gravity and magnetic data over a block with a core, whose contrasts differ in sign.

    The block is 5 x 10 km wide and extends from 300 to 1300 m depth. The core extends along its whole length and
    widens in two steps from 1 km in the south to 2 km in the north.

    Parameters
    ----------
    size : {"full", "small"}
        ``"full"``: 70 x 86 stations every 250 m. ``"small"``: every third station along each axis, 24 x 29.

    Returns
    -------
    GravityMagneticDataset
        Data set on the published `TreeMesh` of 135 944 cells, all active, since the surface is flat at z = 0. gz is
        positive upward as in SimPEG, with the sign of the published data reversed. `published_models` contains
        ``"L2"``, ``"Lp"`` and ``"joint PGI"`` if the folder in ``SIMPEG_JOINTDL_DATA`` has the file
        ``camp_blocks/published_models.npz``, which is not at the public address; otherwise it is None.

    Notes
    -----
    The published script states an inducing field of 50 000 nT, the header of the published data 55 000 nT. The data
    were computed with 55 000 nT: the residual of a forward calculation is then pure noise.
    """
    if size not in _STEPS:
        msg = f"camp_blocks.size: got {size!r}, wanted one of {sorted(_STEPS)}. Use one of those."
        raise ValueError(msg)
    from discretize import TreeMesh

    mesh = TreeMesh.read_UBC(str(fetch("camp_mesh")))
    true_models = {key: mesh.read_model_UBC(str(fetch(f"camp_{key}"))) for key in ("density", "susceptibility")}
    return GravityMagneticDataset(
        name="camp_blocks",
        gravity=_gravity(_STEPS[size]),
        magnetics=_magnetics(_STEPS[size]),
        mesh=mesh,
        true_models=true_models,
        published_models=_published_models(),
        description=_DESCRIPTION,
        license=_LICENSE,
    )


def _gravity(step: int) -> GravityData:
    rows = _thinned(np.loadtxt(fetch("camp_gravity"), skiprows=1), step)
    return GravityData(rows[:, :3], -rows[:, 3], rows[:, 4])


def _magnetics(step: int) -> MagneticData:
    path = fetch("camp_magnetics")
    inclination, declination, amplitude = np.loadtxt(path, max_rows=1)
    rows = _thinned(np.loadtxt(path, skiprows=3), step)
    return MagneticData(rows[:, :3], rows[:, 3], rows[:, 4], (amplitude, inclination, declination))


def _thinned(rows: np.ndarray, step: int) -> np.ndarray:
    """Return every `step`-th column and row of stations, in their order."""
    columns, lines = (np.unique(rows[:, axis])[::step] for axis in (0, 1))
    return rows[np.isin(rows[:, 0], columns) & np.isin(rows[:, 1], lines)]


def _published_models() -> dict[str, dict[str, np.ndarray]] | None:
    path = find_in_folder(_PUBLISHED)
    if path is None:
        return None
    with np.load(path) as models:
        return {
            name: {"density": models[f"{key}_density"], "susceptibility": models[f"{key}_sus"]}
            for name, key in _METHODS.items()
        }
