"""A small joint problem with any number of properties, for the tests of directives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from discretize import TensorMesh
from simpeg import data, data_misfit, inverse_problem, inversion, maps, optimization
from simpeg.potential_fields import gravity, magnetics
from simpeg.regularization import Sparse, WeightedLeastSquares

UNITS = (1.0, 0.05, 300.0)  # size of an anomaly of each property: g/cc, SI, kg/m³


@dataclass
class JointProblem:
    """Data misfits and regularization terms, with their mesh, maps and true model."""

    mesh: TensorMesh
    wires: maps.Wires
    misfits: list
    terms: list
    truth: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """A uniform starting model, away from the bounds."""
        n = self.mesh.n_cells
        return np.concatenate([np.full(n, 1e-4 * unit) for unit in UNITS[: len(self.terms)]])

    def inversion(self, terms, directives, *, max_iterations=30, beta=1.0, misfits=None, bounded=False):
        """A SimPEG inversion of the sum of these terms, in this order."""
        optimizer = optimization.ProjectedGNCG(
            maxIter=max_iterations,
            cg_maxiter=30,
            cg_rtol=1e-3,
            lower=0.0 if bounded else -np.inf,
        )
        optimizer.printers = []
        combined = inverse_problem.BaseInvProblem(
            reduce(add, self.misfits if misfits is None else misfits),
            reduce(add, terms),
            optimizer,
            beta=beta,
            print_version=False,
            init_bfgs=False,
        )
        return inversion.BaseInversion(combined, directiveList=list(directives))


def make_joint_problem(n_properties=2, *, sparse=False, noise=0.03, seed=0) -> JointProblem:
    """A block with one data set per property: gravity, magnetics, and gravity of a density in kg/m³."""
    mesh = TensorMesh([[(50.0, 8)], [(50.0, 8)], [(50.0, 5)]], origin="CCN")
    n = mesh.n_cells
    names = ("density", "susceptibility", "density_si")[:n_properties]
    wires = maps.Wires(*((name, n) for name in names))
    x, y, z = mesh.cell_centers.T
    block = ((np.abs(x) < 80) & (np.abs(y) < 80) & (z < -50) & (z > -180)).astype(float)
    truth = np.concatenate([unit * block for unit in UNITS[:n_properties]])
    stations = np.stack(np.meshgrid(np.linspace(-180, 180, 7), np.linspace(-180, 180, 7), [10.0]), -1).reshape(-1, 3)
    rng = np.random.default_rng(seed)
    misfits, terms = [], []
    for name in names:
        wire = getattr(wires, name)
        simulation = _simulation(name, mesh, stations, wire)
        clean = simulation.dpred(truth)
        std = noise * np.abs(clean).max()
        observed = data.Data(
            simulation.survey,
            dobs=clean + std * rng.standard_normal(clean.size),
            standard_deviation=np.full(clean.size, std),
        )
        misfits.append(data_misfit.L2DataMisfit(data=observed, simulation=simulation))
        make = Sparse if sparse else WeightedLeastSquares
        terms.append(make(mesh, mapping=wire, alpha_s=1e-2))
    return JointProblem(mesh, wires, misfits, terms, truth)


def _simulation(name, mesh, stations, wire):
    if name == "susceptibility":
        source = magnetics.sources.UniformBackgroundField(
            [magnetics.receivers.Point(stations, components="tmi")], amplitude=50_000, inclination=60, declination=5
        )
        return magnetics.Simulation3DIntegral(mesh, survey=magnetics.survey.Survey(source), chiMap=wire)
    source = gravity.sources.SourceField([gravity.receivers.Point(stations, components="gz")])
    mapping = wire if name == "density" else maps.LinearMap(_thousandth(mesh.n_cells)) * wire
    return gravity.Simulation3DIntegral(mesh, survey=gravity.survey.Survey(source), rhoMap=mapping)


def _thousandth(n):
    import scipy.sparse as sp

    return 1e-3 * sp.identity(n, format="csr")
