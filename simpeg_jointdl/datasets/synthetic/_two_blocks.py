"""Synthetic gravity and magnetic data over two blocks with shared structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._core import validation as check
from ...data import GravityData, GravityMagneticDataset, MagneticData

if TYPE_CHECKING:
    from discretize import TensorMesh

# west-east, south-north and depth as fractions of the mesh; density contrast in g/cc; susceptibility in SI
_BLOCKS = (
    (((5 / 24, 10 / 24), (8 / 24, 16 / 24), (2 / 12, 6 / 12)), 0.4, 0.06),
    (((14 / 24, 19 / 24), (8 / 24, 16 / 24), (2 / 12, 5 / 12)), -0.3, 0.03),
)
_INDUCING_FIELD = (50_000.0, 60.0, 5.0)


def make_two_blocks(
    cell_size: float | tuple[float, float, float] = 100.0,
    shape: tuple[int, int, int] = (24, 24, 12),
    n_stations: tuple[int, int] = (16, 16),
    *,
    clearance: float | None = None,
    noise: float = 0.02,
    density_scale: float = 1.0,
    susceptibility_scale: float = 1.0,
    inducing_field: tuple[float, float, float] = _INDUCING_FIELD,
    random_seed: int | np.random.SeedSequence | np.random.Generator = 0,
) -> GravityMagneticDataset:
    """Return gravity and magnetic data over two buried blocks, with the true models.

    Both properties have anomalies in the same blocks. The western block is dense and magnetic (+0.4 g/cc, 0.06 SI), the
    eastern block is light and magnetic (-0.3 g/cc, 0.03 SI). Structure is shared, but the sign of the correlation
    differs. The blocks are fractions of the mesh; if `cell_size` is multiplied by a factor, gz is multiplied by the
    same factor and tmi does not change.

    Parameters
    ----------
    cell_size : float or tuple of 3 float
        Width of the cells in m, or widths along x, y and z.
    shape : tuple of 3 int
        Numbers of cells along x, y and z. The mesh is centred at x = y = 0 and its top is at z = 0.
    n_stations : tuple of 2 int
        Numbers of stations along x and y, spread evenly over the mesh.
    clearance : float, optional
        Height of the stations above the mesh in m; by default a fifth of the height of a cell.
    noise : float
        Standard deviation of the noise, and uncertainty of every datum, relative to the largest datum of the method.
    density_scale, susceptibility_scale : float
        Factors of the two true models, and thus of their data.
    inducing_field : tuple of 3 float
        Amplitude in nT, inclination and declination in degrees.
    random_seed : int, numpy.random.SeedSequence or numpy.random.Generator
        Seed of the Gaussian noise.

    Returns
    -------
    GravityMagneticDataset
        Data set with `mesh`, `active_cells` (all True), and `true_models` in g/cc and SI.

    Raises
    ------
    TypeError
        If arguments are not numbers, or counts are not ints.
    ValueError
        If numbers or counts are not above zero, tuples have another length, a block contains no cell centre (8 x 8 x 4
        cells are enough), the field is impossible, or the seed is None.

    Examples
    --------
    >>> from simpeg_jointdl import datasets
    >>> blocks = datasets.make_two_blocks(shape=(12, 12, 6), n_stations=(5, 4))
    >>> blocks.gravity.gz.shape, sorted(blocks.true_models)
    ((20,), ['density', 'susceptibility'])
    """
    rng = _generator(random_seed)
    mesh = _mesh(cell_size, shape)
    models = _models(mesh, density_scale, susceptibility_scale)
    stations = _stations(mesh, n_stations, 0.2 * mesh.h[2][-1] if clearance is None else clearance)
    gravity, magnetics = _noisy_data(mesh, models, stations, inducing_field, noise, rng)
    terms = {"description": f"Synthetic: two blocks, both properties, noise of {noise:g}.", "license": "MIT"}
    active_cells = np.ones(mesh.n_cells, dtype=bool)
    return GravityMagneticDataset("two_blocks", gravity, magnetics, mesh, active_cells, models, **terms)


def _generator(random_seed) -> np.random.Generator:
    if random_seed is None:
        msg = "make_two_blocks.random_seed: got None, wanted a seed, so that the data can be reproduced. Pass an int."
        raise ValueError(msg)
    return np.random.default_rng(random_seed)


def _mesh(cell_size, shape) -> TensorMesh:
    from discretize import TensorMesh

    sizes = (cell_size,) * 3 if np.ndim(cell_size) == 0 else check.several("make_two_blocks.cell_size", cell_size, 3)
    widths = [check.number("make_two_blocks.cell_size", size, above=0.0) for size in sizes]
    counts = [
        check.whole("make_two_blocks.shape", count, least=1)
        for count in check.several("make_two_blocks.shape", shape, 3)
    ]
    return TensorMesh([np.full(n, h) for n, h in zip(counts, widths, strict=True)], origin="CCN")


def _models(mesh: TensorMesh, density_scale: float, susceptibility_scale: float) -> dict[str, np.ndarray]:
    """Return both properties of every cell; a cell belongs to a block if its centre does."""
    density_scale = check.number("make_two_blocks.density_scale", density_scale, above=0.0)
    susceptibility_scale = check.number("make_two_blocks.susceptibility_scale", susceptibility_scale, above=0.0)
    low, high = mesh.origin, mesh.origin + [h.sum() for h in mesh.h]
    fractions = (mesh.cell_centers - low) / (high - low)
    fractions[:, 2] = 1.0 - fractions[:, 2]  # depth
    density, susceptibility = np.zeros(mesh.n_cells), np.zeros(mesh.n_cells)
    for box, contrast, kappa in _BLOCKS:
        first, last = np.array(box).T
        inside = ((fractions > first) & (fractions < last)).all(axis=1)
        if not inside.any():
            msg = (
                f"make_two_blocks.shape: got {mesh.shape_cells}, in which a block contains no cell centre. "
                f"Use at least (8, 8, 4) cells."
            )
            raise ValueError(msg)
        density[inside] = density_scale * contrast
        susceptibility[inside] = susceptibility_scale * kappa
    return {"density": density, "susceptibility": susceptibility}


def _stations(mesh: TensorMesh, n_stations, clearance: float) -> np.ndarray:
    """Return a station above the centre of each of n_x x n_y equal tiles, x fastest."""
    clearance = check.number("make_two_blocks.clearance", clearance, above=0.0)
    counts = [
        check.whole("make_two_blocks.n_stations", count, least=1)
        for count in check.several("make_two_blocks.n_stations", n_stations, 2)
    ]
    x, y = (mesh.origin[axis] + mesh.h[axis].sum() * (np.arange(n) + 0.5) / n for axis, n in enumerate(counts))
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    return np.column_stack([grid_x.ravel(), grid_y.ravel(), np.full(grid_x.size, clearance)])


def _noisy_data(mesh, models, stations, inducing_field, noise, rng) -> tuple[GravityData, MagneticData]:
    noise = check.number("make_two_blocks.noise", noise, above=0.0)
    n = len(stations)
    gz = _simulate(mesh, GravityData(stations, np.zeros(n), 1.0), models["density"])
    tmi = _simulate(mesh, MagneticData(stations, np.zeros(n), 1.0, inducing_field), models["susceptibility"])
    sigma_gz, sigma_tmi = noise * np.abs(gz).max(), noise * np.abs(tmi).max()
    return (
        GravityData(stations, gz + sigma_gz * rng.standard_normal(n), sigma_gz),
        MagneticData(stations, tmi + sigma_tmi * rng.standard_normal(n), sigma_tmi, inducing_field),
    )


def _simulate(mesh: TensorMesh, part: GravityData | MagneticData, model: np.ndarray) -> np.ndarray:
    """Return noise-free data of SimPEG's own integral simulation."""
    from simpeg import maps
    from simpeg.potential_fields import gravity, magnetics

    kind, mapping = (gravity, "rhoMap") if isinstance(part, GravityData) else (magnetics, "chiMap")
    simulation = kind.simulation.Simulation3DIntegral(
        mesh,
        survey=part.survey(),
        active_cells=np.ones(mesh.n_cells, dtype=bool),
        store_sensitivities="forward_only",
        **{mapping: maps.IdentityMap(nP=mesh.n_cells)},
    )
    return np.asarray(simulation.dpred(model), dtype=np.float64)
