"""Published benchmark of Gramian inversion: bodies of opposite contrasts, one of them dipping."""

from __future__ import annotations

import numpy as np

from ...data import GravityData, GravityMagneticDataset, MagneticData
from ...kernels import MU_0
from ._sources import fetch

#: Amplitude in nT, inclination and declination in degrees.
INDUCING_FIELD = (40_000.0, 45.0, 15.0)

_CELL = 50.0  # m
_SHAPE = (30, 20, 15)
_NOISE = (0.107, 11.25)  # mGal and nT, measured against noise-free data; the files state 0.1 for both
_TESLA_PER_NANOTESLA = 1e-9

_DESCRIPTION = (
    "Synthetic gravity and magnetics over a dipping body, a slab and a box (1 g/cc, 1 A/m) and another box "
    "(-1 g/cc, -1 A/m), noise of 0.107 mGal and 11.25 nT. Del Razo Gonzalez and Yutsis (2023), Applied Sciences "
    "13(20), 11292, https://doi.org/10.3390/app132011292; github.com/abdrg/Gram_Joint_Inversion."
)
_LICENSE = "BSD 2-Clause License, Copyright (c) 2023, abdrg"


def load_two_bodies() -> GravityMagneticDataset:
    r"""Return gravity and magnetic data over bodies of opposite contrasts with proportional properties.

    A body that dips west from 50 to 600 m depth, a slab and a box are dense and magnetic; a second box has the opposite
    contrasts.

    Returns
    -------
    GravityMagneticDataset
        Data at 30 x 20 stations every 50 m, on a `TensorMesh` of 30 x 20 x 15 cells of 50 m, all active. gz is positive
        upward as in SimPEG, with the sign of the published data reversed.

    Notes
    -----
    The published true model is a magnetization of :math:`\pm 1` A/m along the inducing field. ``"susceptibility"`` is
    the equivalent :math:`\kappa = \mu_0 M / B_0 = \pm 0.0314` SI. That of the second box is negative, which an
    inversion must allow.
    """
    from discretize import TensorMesh

    mesh = TensorMesh([np.full(n, _CELL) for n in _SHAPE], origin="00N")
    gravity, magnetics = _table("two_bodies_gravity"), _table("two_bodies_magnetics")
    susceptibility_per_magnetization = MU_0 / (INDUCING_FIELD[0] * _TESLA_PER_NANOTESLA)
    return GravityMagneticDataset(
        name="two_bodies",
        gravity=GravityData(gravity[:, :3], -gravity[:, 3], _NOISE[0]),
        magnetics=MagneticData(magnetics[:, :3], magnetics[:, 3], _NOISE[1], INDUCING_FIELD),
        mesh=mesh,
        true_models={
            "density": _model(mesh, "two_bodies_density"),
            "susceptibility": susceptibility_per_magnetization * _model(mesh, "two_bodies_magnetization"),
        },
        description=_DESCRIPTION,
        license=_LICENSE,
    )


def _table(name: str) -> np.ndarray:
    return np.loadtxt(fetch(name), delimiter=",", skiprows=1)


def _model(mesh, name: str) -> np.ndarray:
    """Return the values in the order of `mesh`; in the files z is fastest, downward."""
    table = _table(name)
    model = np.empty(mesh.n_cells)
    model[mesh.point2index(table[:, :3])] = table[:, 3]
    return model
