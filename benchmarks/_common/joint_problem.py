"""A joint problem and two inversions of it: with SimPEG's classes throughout, and with ours."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np
from discretize import TensorMesh
from simpeg import data as simpeg_data
from simpeg import data_misfit, inverse_problem, maps
from simpeg import directives as simpeg_directives
from simpeg import inversion as simpeg_inversion
from simpeg import optimization as simpeg_optimization
from simpeg import regularization as simpeg_regularization
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from simpeg_jointdl import datasets, directives, optimization, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

NAMES = ("density", "susceptibility")
_FIELD = (50_000.0, 60.0, 5.0)
_BETA0_RATIO, _RTOL, _THRESHOLD, _ALPHA_S = 10.0, 1e-3, 1e-2, 1e-3


@dataclass(frozen=True)
class Problem:
    """Gravity and magnetic data above every column of a mesh with two prisms.

    Attributes
    ----------
    mesh : discretize.TensorMesh
    truth : (2 n_cells,) numpy.ndarray
        True density in g/cc, then true susceptibility in SI.
    locations : (n_data, 3) numpy.ndarray
    observed, noise : tuple of (n_data,) numpy.ndarray
        Gravity data in mGal and magnetic data in nT, and their standard deviations.
    """

    mesh: TensorMesh
    truth: np.ndarray
    locations: np.ndarray
    observed: tuple
    noise: tuple

    @classmethod
    def make(cls, shape, device="cpu", random_seed=0) -> Problem:
        """Two blocks of `datasets.make_two_blocks`, a station above every column, 2 % noise."""
        frame = datasets.make_two_blocks(shape=shape, n_stations=(1, 1))  # its data are not used
        mesh, truth = frame.mesh, np.concatenate([frame.true_models[name] for name in NAMES])
        top = mesh.cell_centers[-mesh.shape_cells[0] * mesh.shape_cells[1] :, :2]
        locations = np.column_stack([top, np.full(len(top), mesh.nodes_z[-1] + 0.2 * mesh.h[2][-1])])
        bare = cls(mesh, truth, locations, (), ())
        rng, observed, noise = np.random.default_rng(random_seed), [], []
        for simulation in bare.simulations((gravity, magnetics), device=device, sensitivity_dtype=np.float64):
            clean = simulation.dpred(truth)
            noise.append(np.full(clean.size, 0.02 * np.abs(clean).max()))
            observed.append(clean + noise[-1] * rng.standard_normal(clean.size))
        return cls(mesh, truth, locations, tuple(observed), tuple(noise))

    @property
    def n_data(self) -> int:
        """Number of data of each method."""
        return len(self.locations)

    @cached_property
    def wires(self):
        """Wires of both properties."""
        return maps.Wires(*((name, self.mesh.n_cells) for name in NAMES))

    @property
    def start(self) -> np.ndarray:
        """Starting model, just inside the bounds."""
        return np.full(self.truth.size, 1e-4)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds without negative susceptibility."""
        lower = np.full(self.truth.size, -np.inf)
        lower[self.mesh.n_cells :] = 0.0
        return lower, np.full(self.truth.size, np.inf)

    def surveys(self):
        """The surveys of gravity and of magnetics."""
        point = simpeg_gravity.receivers.Point(self.locations, components="gz")
        yield simpeg_gravity.Survey(simpeg_gravity.SourceField([point]))
        point, (amplitude, inclination, declination) = simpeg_magnetics.receivers.Point(self.locations), _FIELD
        field = simpeg_magnetics.UniformBackgroundField([point], amplitude, inclination, declination)
        yield simpeg_magnetics.Survey(field)

    def simulations(self, modules, *each, **shared):
        """Both simulations, of these modules; `each` holds further arguments for gravity and for magnetics."""
        each = each or ({}, {})
        of_property = ({"rhoMap": self.wires.density}, {"chiMap": self.wires.susceptibility})
        return [
            module.Simulation3DIntegral(self.mesh, survey=survey, **mapping, **more, **shared)
            for module, survey, mapping, more in zip(modules, self.surveys(), of_property, each, strict=True)
        ]

    def misfits(self, simulations):
        """The misfits of both data sets."""
        return [
            data_misfit.L2DataMisfit(
                data=simpeg_data.Data(simulation.survey, dobs=observed, standard_deviation=noise),
                simulation=simulation,
            )
            for simulation, observed, noise in zip(simulations, self.observed, self.noise, strict=True)
        ]

    def smoothness(self):
        """Smallness and smoothness of both properties, the same SimPEG class for all inversions."""
        weighted = simpeg_regularization.WeightedLeastSquares
        wires = (self.wires.density, self.wires.susceptibility)
        return [weighted(self.mesh, mapping=w, alpha_s=_ALPHA_S, reference_model=0.0 * self.start) for w in wires]

    def simpeg_coupling(self):
        """SimPEG's cross-gradient."""
        return simpeg_regularization.CrossGradient(self.mesh, self.wires)

    def chi(self, model) -> np.ndarray:
        """χ of both data sets, (2,), in float64 by the same matrix for all inversions."""
        found = self.simulations((gravity, magnetics), device="cpu", sensitivity_dtype=np.float64)
        return np.array([misfit(model) for misfit in self.misfits(found)]) / self.n_data

    def rms(self, model) -> np.ndarray:
        """The rms error of both properties, (2,)."""
        return np.sqrt(np.mean((model - self.truth).reshape(2, -1) ** 2, axis=1))


class StopWhenFitted(simpeg_directives.InversionDirective):
    """Ends a run when both data sets are at their target, by the data that the inversion has computed."""

    log = None

    def endIter(self):
        """Compare the last predicted data with the targets."""
        predicted = np.split(self.invProb.dpred, len(self.dmisfit.objfcts))  # as many data of each method
        chi = [
            np.sum(np.square(misfit.W @ (mine - misfit.data.dobs))) / mine.size
            for misfit, mine in zip(self.dmisfit.objfcts, predicted, strict=True)
        ]
        if self.log:
            self.log(f"iteration {self.opt.iter}: χ {chi}, {self.opt.cg_count} CG iterations")
        if max(chi) <= 1.0:
            self.opt.stopNextIteration = True


def simpeg_engines(problem: Problem):
    """The faster of SimPEG's engines for gravity and for magnetics, after compiling; and the seconds of each."""
    kinds, times = ["geoana"], {}
    if simpeg_gravity.simulation.choclo is not None:
        kinds.append("choclo")
        for simulation in Problem.make((4, 4, 4)).simulations((simpeg_gravity, simpeg_magnetics), engine="choclo"):
            simulation.G  # noqa: B018, compiles
    for kind in kinds:
        made = problem.simulations((simpeg_gravity, simpeg_magnetics), engine=kind)
        for name, simulation in zip(("gz", "tmi"), made, strict=True):
            began = time.perf_counter()
            simulation.G  # noqa: B018
            times[f"{kind} {name}"] = time.perf_counter() - began
    return tuple(min(kinds, key=lambda kind: times[f"{kind} {name}"]) for name in ("gz", "tmi")), times


def make_simpegs(problem: Problem, engines, weight, cg_iterations, max_iterations):
    """The inversion with SimPEG's classes throughout."""
    each = [{"engine": engine} for engine in engines]
    misfits = problem.misfits(problem.simulations((simpeg_gravity, simpeg_magnetics), *each))
    lower, upper = problem.bounds
    optimizer = simpeg_optimization.ProjectedGNCG(
        maxIter=max_iterations, lower=lower, upper=upper, cg_maxiter=cg_iterations, cg_rtol=_RTOL
    )
    terms = reduce(add, problem.smoothness()) + weight * problem.simpeg_coupling()
    steps = [
        simpeg_directives.SimilarityMeasureInversionDirective(),
        simpeg_directives.UpdateSensitivityWeights(every_iteration=False, threshold_value=_THRESHOLD),
        simpeg_directives.PairedBetaEstimate_ByEig(beta0_ratio=_BETA0_RATIO),
        _cooling(),
        simpeg_directives.MovingAndMultiTargetStopping(tol=1e-5),
        simpeg_directives.UpdatePreconditioner(),
        StopWhenFitted(),
    ]
    return _inversion(misfits, terms, optimizer, steps)


def _cooling():
    schedule = simpeg_directives.PairedBetaSchedule(cooling_factor=2, cooling_rate=1)
    # it approaches its target from above; with 1 it would stay just above it for dozens of iterations
    schedule.chifact_target = 0.95
    return schedule


def make_ours(problem: Problem, minimizer, device, cg_iterations, max_iterations, dtype=None):
    """The same inversion with our classes; SimPEG's where we have none."""
    misfits = problem.misfits(problem.simulations((gravity, magnetics), device=device))
    lower, upper = problem.bounds
    optimizer = getattr(optimization, minimizer)(
        maxIter=max_iterations,
        lower=lower,
        upper=upper,
        cg_maxiter=cg_iterations,
        cg_rtol=_RTOL,
        device=device,
        dtype=dtype,
    )
    coupling = regularization.CrossGradient(problem.mesh, problem.wires, device=device, dtype=dtype)
    steps = [
        directives.UpdateJointSensitivityWeights(every_iteration=False, threshold_value=_THRESHOLD),
        directives.JointBetaSchedule(beta0_ratio=_BETA0_RATIO, cooling_factor=2.0),
        directives.EstimateCouplingWeights(),
        directives.UpdateJointPreconditioner(),
        StopWhenFitted(),
    ]
    return _inversion(misfits, reduce(add, problem.smoothness()) + coupling, optimizer, steps)


def _inversion(misfits, terms, optimizer, steps):
    problem = inverse_problem.BaseInvProblem(
        reduce(add, misfits), terms, optimizer, print_version=False, init_bfgs=False
    )
    return simpeg_inversion.BaseInversion(problem, directiveList=steps)
