"""A small linear inversion with SimPEG's decaying exponentials, for the tests of minimizers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from discretize import TensorMesh
from simpeg import inverse_problem, inversion, maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.regularization import WeightedLeastSquares
from simpeg.simulation import ExponentialSinusoidSimulation

N = 40


@dataclass
class LinearProblem:
    """Mesh, data misfits and true model."""

    mesh: TensorMesh
    misfits: list
    truth: np.ndarray

    def inversion(self, opt, directives=(), *, beta=1e-3, misfit=None):
        """A SimPEG inversion with this minimizer."""
        term = WeightedLeastSquares(self.mesh, alpha_s=1.0, alpha_x=1.0, mapping=maps.IdentityMap(nP=N))
        total = sum(self.misfits[1:], self.misfits[0]) if misfit is None else misfit
        problem = inverse_problem.BaseInvProblem(total, term, opt, beta=beta, print_version=False, init_bfgs=False)
        return inversion.BaseInversion(problem, directiveList=list(directives))


def make_linear_problem(n_misfits=1, *, noise=0.02, seed=0, make=L2DataMisfit) -> LinearProblem:
    """Misfits of data sets with the same kernels and different noise."""
    mesh = TensorMesh([N])
    x = mesh.cell_centers_x
    truth = np.where((x > 0.2) & (x < 0.35), 1.0, 0.0) + np.where((x > 0.45) & (x < 0.6), -0.5, 0.0)
    rng = np.random.default_rng(seed)
    misfits = []
    for _ in range(n_misfits):
        simulation = ExponentialSinusoidSimulation(
            mesh=mesh, model_map=maps.IdentityMap(nP=N), n_kernels=25, p=-0.25, q=0.25, j0=0.0, jn=30.0
        )
        clean = simulation.dpred(truth)
        std = np.full(clean.size, noise * np.abs(clean).max())
        data = Data(simulation.survey, dobs=clean + std * rng.standard_normal(clean.size), standard_deviation=std)
        misfits.append(make(data, simulation))
    return LinearProblem(mesh, misfits, truth)
