"""The stair-block gravity problem, in the published geometry, and what an inversion of it is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import discretize
import numpy as np
import torch
from simpeg import data, maps
from simpeg.potential_fields import gravity

CELL = 50.0  # m
SHAPE = (21, 21, 11)
NOISE = 0.01  # of the standard deviation of the data
CONTRAST = 400.0  # kg/m³
G_PER_CC = 1000.0  # kg/m³ of a g/cc
CHI2 = (0.95, 1.05)


def make_mesh() -> discretize.TensorMesh:
    """21 x 21 x 11 cells of 50 m, the first cell CENTRE at x = y = 0, those of the top layer at z = 0."""
    widths = [np.full(n, CELL) for n in SHAPE]
    return discretize.TensorMesh(widths, origin=[-CELL / 2, -CELL / 2, CELL / 2 - CELL * SHAPE[2]])


def true_density() -> np.ndarray:
    """Density on the cells, kg/m³: seven slabs of 6 x 5 cells, each one cell deeper and one further along -y."""
    model = np.zeros(SHAPE)
    for i in range(7):
        model[7:13, 11 - i : 16 - i, SHAPE[2] - 1 - (1 + i)] = CONTRAST
    return model.ravel(order="F")


def make_survey() -> gravity.survey.Survey:
    """441 stations at the cell centres, 1 m above z = 0: inside the cells of the top layer."""
    line = np.arange(SHAPE[0]) * CELL
    x, y = (grid.ravel(order="F") for grid in np.meshgrid(line, line, indexing="ij"))
    receivers = gravity.receivers.Point(np.column_stack([x, y, np.ones_like(x)]), components="gz")
    return gravity.survey.Survey(gravity.sources.SourceField([receivers]))


@dataclass
class StairBlock:
    """One draw of the noise. Densities are in kg/m³, data in mGal with gz positive upwards."""

    random_seed: int = 0

    @cached_property
    def mesh(self):
        return make_mesh()

    @cached_property
    def truth(self):
        return true_density()

    @cached_property
    def simulation(self):
        """In SimPEG's g/cc."""
        return gravity.Simulation3DIntegral(
            self.mesh, survey=make_survey(), rhoMap=maps.IdentityMap(nP=self.mesh.n_cells), engine="geoana"
        )

    @cached_property
    def matrix(self) -> np.ndarray:
        """mGal of every kg/m³, (441, 4851)."""
        return np.asarray(self.simulation.G, dtype=float) / G_PER_CC

    @cached_property
    def deviation(self) -> float:
        return NOISE * float(np.std(self.matrix @ self.truth))

    @cached_property
    def observed(self) -> np.ndarray:
        clean = self.matrix @ self.truth
        return clean + self.deviation * np.random.default_rng(self.random_seed).standard_normal(len(clean))

    @property
    def data(self) -> data.Data:
        """For SimPEG."""
        deviations = np.full(len(self.observed), self.deviation)
        return data.Data(self.simulation.survey, dobs=self.observed, standard_deviation=deviations)

    def whitened(self, dtype=torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
        """Matrix and data over the standard deviation."""
        return tuple(torch.as_tensor(a / self.deviation, dtype=dtype) for a in (self.matrix, self.observed))

    def points(self, dtype=torch.float32) -> torch.Tensor:
        """Cell centres, every axis of the domain scaled to [-1, 1], (4851, 3)."""
        nodes = (self.mesh.nodes_x, self.mesh.nodes_y, self.mesh.nodes_z)
        low, high = (np.array([n[i] for n in nodes]) for i in (0, -1))
        return torch.as_tensor(2.0 * (self.mesh.cell_centers - low) / (high - low) - 1.0, dtype=dtype)

    def chi2(self, density) -> float:
        return float(np.mean(((self.matrix @ density - self.observed) / self.deviation) ** 2))

    def rms(self, density) -> float:
        """Of the density error, kg/m³, over all cells."""
        return float(np.sqrt(np.mean((density - self.truth) ** 2)))


def share_noise_free(problems) -> None:
    """Hand the first problem's kernel to the others: only the noise differs."""
    first, *others = problems
    for other in others:
        for name in ("mesh", "truth", "simulation", "matrix", "deviation"):
            other.__dict__[name] = getattr(first, name)
