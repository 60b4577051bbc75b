"""A tiny gravity and magnetic problem, for the tests of recipes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from discretize import TensorMesh
from simpeg import data_misfit, maps
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl import datasets, recipes, regularization

STRATEGIES = ("separate", "simultaneous", "sequential", "cooperative")
CENTERS = [[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]]
COUPLINGS = {
    "class": regularization.CrossGradient,
    "partial": partial(regularization.Gramian, window=(3, 3, 2)),
    "clusters": partial(regularization.GuidedFuzzyCMeans, centers=CENTERS),
}


@dataclass
class TinyProblem:
    """What a user has before asking for a recipe."""

    mesh: TensorMesh
    wires: maps.Wires
    misfits: list
    truth: dict

    @property
    def n(self) -> int:
        """Active cells."""
        return self.mesh.n_cells

    def recipe(self, **options) -> recipes.Recipe:
        """A silent recipe with few iterations of the conjugate gradients."""
        options = {"bounds": {"susceptibility": (0.0, np.inf)}, "progress": False, "cg_iterations": 30, **options}
        misfits = options.pop("misfits", self.misfits)
        return recipes.create_joint_inversion(self.mesh, misfits, self.wires, **options)

    def misfit(self, k: int, mapping, std=None, dobs=None):
        """Misfit of gravity (0) or magnetics (1) with another map, noise or data."""
        make, name = ((gravity, "rhoMap"), (magnetics, "chiMap"))[k]
        old = self.misfits[k]
        simulation = make.Simulation3DIntegral(self.mesh, survey=old.simulation.survey, **{name: mapping})
        observed = type(old.data)(
            simulation.survey,
            dobs=old.data.dobs.copy() if dobs is None else dobs,
            standard_deviation=old.data.standard_deviation if std is None else std,
        )
        return data_misfit.L2DataMisfit(data=observed, simulation=simulation)


def make_tiny_problem(names=("density", "susceptibility")) -> TinyProblem:
    """Two blocks on 8 x 8 x 4 cells under 25 stations; misfits in the order of the names."""
    survey = datasets.load("two_blocks", cell_size=300.0, shape=(8, 8, 4), n_stations=(5, 5), noise=0.06)
    mesh, n = survey.mesh, survey.mesh.n_cells
    wires = maps.Wires(*((name, n) for name in names))
    misfits = []
    for name in names:
        if name == "density":
            simulation = gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density)
            data = survey.gravity.data()
        else:
            simulation = magnetics.Simulation3DIntegral(
                mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility
            )
            data = survey.magnetics.data()
        misfits.append(data_misfit.L2DataMisfit(data=data, simulation=simulation))
    return TinyProblem(mesh, wires, misfits, dict(survey.true_models))


def relative(found, wanted):
    """Difference relative to the size of what is wanted."""
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
