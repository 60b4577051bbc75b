"""Problems of independent columns, linear and magnetotelluric, for the tests of Occam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from discretize import TensorMesh
from simpeg import inverse_problem, inversion, maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.regularization import WeightedLeastSquares
from simpeg.simulation import LinearSimulation

from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.electromagnetics import natural_source

FREQUENCIES = np.logspace(-2, 2, 13)
THICKNESSES = 50.0 * 1.4 ** np.arange(14)


@dataclass
class Problem:
    """Data misfit of columns, and the starting model."""

    misfit: L2DataMisfit
    n_columns: int
    n_layers: int
    start: np.ndarray

    def regularization(self, **options):
        """Smoothness within columns and smallness, without any coupling between columns."""
        mesh = TensorMesh([np.ones(self.n_layers), np.ones(self.n_columns)])
        options = {"alpha_s": 1e-2, "alpha_x": 1.0, "alpha_y": 0.0, "reference_model": self.start} | options
        return WeightedLeastSquares(mesh, **options)

    def inversion(self, opt, *, reg=None, misfit=None):
        """A plain SimPEG inversion."""
        opt.printers = []
        reg = self.regularization() if reg is None else reg
        misfit = self.misfit if misfit is None else misfit
        problem = inverse_problem.BaseInvProblem(misfit, reg, opt, beta=7.0, init_bfgs=False, print_version=False)
        return inversion.BaseInversion(problem, directiveList=[])


def make_layered(n_columns=4, *, rows=slice(None), seed=0, noise=0.05) -> Problem:
    """Soundings over random smooth layers, with a starting model of 100 ohm m; `rows` selects some columns."""
    rng = np.random.default_rng(seed)
    n_layers = THICKNESSES.size + 1
    log_rho = 2.0 + 0.3 * np.cumsum(rng.standard_normal((n_columns, n_layers)), axis=1)
    made = synthetic.make_soundings(10.0**log_rho, THICKNESSES, FREQUENCIES, noise=noise, random_seed=seed)
    # so that it does not depend on the noise whether a column can reach the target
    soundings = made.floored(1.3 * noise)[rows]
    observed, n = soundings.to_simpeg(), len(soundings)
    simulation = natural_source.Simulation1DStitched(
        observed.survey, THICKNESSES, rhoMap=maps.ExpMap(nP=n * n_layers), device="cpu"
    )
    return Problem(L2DataMisfit(observed, simulation), n, n_layers, np.full(n * n_layers, np.log(100.0)))


def make_linear(n_columns=3, *, n_layers=12, n_data=8, seed=0) -> Problem:
    """Linear data with one random matrix per column, in random order."""
    rng = np.random.default_rng(seed)
    blocks = sp.block_diag([rng.standard_normal((n_data, n_layers)) for _ in range(n_columns)], format="csr")
    matrix = blocks[rng.permutation(blocks.shape[0])]
    simulation = LinearSimulation(model_map=maps.IdentityMap(nP=n_columns * n_layers), G=matrix)
    dobs = matrix @ rng.standard_normal(matrix.shape[1])
    data = Data(simulation.survey, dobs=dobs, standard_deviation=np.full(dobs.size, 0.1))
    return Problem(L2DataMisfit(data, simulation), n_columns, n_layers, np.zeros(matrix.shape[1]))


def halves(problem, model):
    """Half the gradients of misfit and regularization, each (n_columns, n_layers)."""
    shape = problem.n_columns, problem.n_layers
    reg = problem.regularization()
    return (0.5 * np.asarray(one.deriv(model)).reshape(shape) for one in (problem.misfit, reg))
