"""The stair-block gravity problem, for which implicit neural representations have been published."""

from __future__ import annotations

import numpy as np

from ..._core import validation as check
from ...data import GravityData, GravityMagneticDataset

_WIDTH, _COLUMNS, _LAYERS = 50.0, 21, 11
_CONTRAST = 0.4  # g/cc


def make_stair_block(
    *, noise: float = 0.01, random_seed: int | np.random.SeedSequence | np.random.Generator = 0
) -> GravityMagneticDataset:
    """Return gravity data over a block that descends in seven steps, with the true model.

    The mesh has 21 x 21 x 11 cells of 50 m whose centres lie at 0, 50, ... m. The 441 stations lie 1 m above the
    centres of the top layer, and thus within its cells. Each of the seven steps, one per layer from the second layer
    down, is 6 cells wide (x) and 5 cells long, and is shifted by one cell towards smaller y with every layer. The
    density contrast is 0.4 g/cc. The geometry is that of Mishra et al. (2025,
    https://doi.org/10.48550/arXiv.2510.17876).

    Parameters
    ----------
    noise : float
        Standard deviation of the Gaussian noise, and uncertainty of every datum, relative to the standard deviation of
        the data.
    random_seed : int, numpy.random.SeedSequence or numpy.random.Generator
        Seed of the noise.

    Returns
    -------
    GravityMagneticDataset
        Gravity data with `mesh`, and `true_models` with the density contrast in g/cc.
    """
    from discretize import TensorMesh

    if random_seed is None:
        msg = "make_stair_block.random_seed: got None, wanted a seed, so that the data can be reproduced. Pass an int."
        raise ValueError(msg)
    noise = check.number("make_stair_block.noise", noise, above=0.0)
    half = 0.5 * _WIDTH
    widths = [np.full(n, _WIDTH) for n in (_COLUMNS, _COLUMNS, _LAYERS)]
    mesh = TensorMesh(widths, origin=(-half, -half, half - _LAYERS * _WIDTH))
    density = np.zeros((_COLUMNS, _COLUMNS, _LAYERS))
    for step in range(7):
        density[7:13, 11 - step : 16 - step, _LAYERS - 2 - step] = _CONTRAST
    density = density.ravel(order="F")
    places = _WIDTH * np.arange(_COLUMNS)
    y, x = np.meshgrid(places, places, indexing="ij")
    stations = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 1.0)])
    gz = _gz(mesh, stations, density)
    sigma = noise * gz.std()
    observed = gz + sigma * np.random.default_rng(random_seed).standard_normal(gz.size)
    terms = {"description": f"Synthetic: a stair of seven steps, noise of {noise:g}.", "license": "MIT"}
    active = np.ones(mesh.n_cells, dtype=bool)
    gravity = GravityData(stations, observed, sigma)
    return GravityMagneticDataset("stair_block", gravity, None, mesh, active, {"density": density}, **terms)


def _gz(mesh, stations, density) -> np.ndarray:
    from simpeg import maps
    from simpeg.potential_fields import gravity

    simulation = gravity.Simulation3DIntegral(
        mesh,
        survey=GravityData(stations, np.zeros(len(stations)), 1.0).survey(),
        rhoMap=maps.IdentityMap(nP=mesh.n_cells),
        store_sensitivities="forward_only",
    )
    return np.asarray(simulation.dpred(density), dtype=float)
