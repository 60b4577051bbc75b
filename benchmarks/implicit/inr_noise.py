"""An implicit representation under several kinds of noise, and SimPEG's sparse inversion of the same data.

    python -m benchmarks.implicit.inr_noise [--seeds 3] [--only "10 %"] [--methods INR]

Stair-block gravity (Mishra et al. 2025, https://doi.org/10.48550/arXiv.2510.17876): 21 x 21 x 11 cells of 50 m, a stair
of 400 kg/m³, 441 stations. The noise is given as a fraction of the standard deviation of the clean data. It is
Gaussian; or correlated, which is white noise convolved with a 5 x 5 boxcar and scaled back to its standard deviation;
or Gaussian with 5 % of the data five standard deviations off, of either sign. Uncertainties are those of the Gaussian
part, and independent. The mean χ of the truth is then 1 under correlated noise as well, but it scatters more about 1:
see the note of the table.

Network and SimPEG have the same bounds. A seed sets both the noise and the network. "χ of clean data" is that of the
data that are not outliers, which only a benchmark knows.
"""

from __future__ import annotations

import contextlib
import gc
import io
import time
from dataclasses import dataclass

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from simpeg import data_misfit, directives, inverse_problem, inversion, maps, optimization, regularization
from simpeg.data import Data
from simpeg.potential_fields import gravity as simpeg_gravity

from benchmarks._common import results
from simpeg_jointdl.data_misfit import HuberDataMisfit, StudentTDataMisfit
from simpeg_jointdl.maps import INRMap
from simpeg_jointdl.optimization import LevenbergMarquardt
from simpeg_jointdl.potential_fields import gravity

SPACING, SHAPE = 50.0, (21, 21, 11)
BOUNDS = (0.0, 0.6)  # g/cc
MISFITS = {"L2": data_misfit.L2DataMisfit, "Huber": HuberDataMisfit, "Student-t": StudentTDataMisfit}
KINDS = {
    "1 %": ("gaussian", 0.01),
    "2 %": ("gaussian", 0.02),
    "5 %": ("gaussian", 0.05),
    "10 %": ("gaussian", 0.10),
    "1 %, correlated": ("correlated", 0.01),
    "1 %, 5 % outliers": ("outliers", 0.01),
}
BESIDE = (
    "1 %",
    "10 %",
    "1 %, correlated",
    "1 %, 5 % outliers",
)  # here SimPEG's inversion runs, too


class StairBlock:
    """The published model and its stations."""

    def __init__(self):
        half = 0.5 * SPACING
        self.mesh = TensorMesh([np.full(n, SPACING) for n in SHAPE], origin=(-half, -half, half - SPACING * SHAPE[2]))
        truth = np.zeros(SHAPE)
        for layer in range(7):  # from the second cell below the surface down
            truth[7:13, 11 - layer : 16 - layer, SHAPE[2] - 2 - layer] = 0.4
        self.truth = truth.ravel(order="F")
        x, y = np.meshgrid(SPACING * np.arange(21), SPACING * np.arange(21), indexing="ij")
        self.stations = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)])
        self.clean = self.simulation(maps.IdentityMap(nP=self.truth.size)).dpred(self.truth)

    def simulation(self, mapping):
        """Our gravity simulation, with a stored matrix."""
        points = simpeg_gravity.Point(self.stations, components="gz")
        survey = simpeg_gravity.Survey(simpeg_gravity.SourceField([points]))
        return gravity.Simulation3DIntegral(
            self.mesh, survey=survey, rhoMap=mapping, engine="dense", sensitivity_dtype=np.float64
        )

    def observe(self, kind: str, level: float, seed: int):
        """Observed data, their uncertainty, and which of them are outliers."""
        rng = np.random.default_rng(seed)
        std, wrong = level * self.clean.std(), np.zeros(self.clean.size, dtype=bool)
        if kind == "correlated":
            noise = std * correlated(rng, len(self.clean))
        else:
            noise = std * rng.standard_normal(self.clean.size)
        if kind == "outliers":
            wrong[rng.choice(wrong.size, round(0.05 * wrong.size), replace=False)] = True
            noise[wrong] += 5.0 * std * rng.choice([-1.0, 1.0], wrong.sum())
        return self.clean + noise, std, wrong


def correlated(rng, n: int) -> np.ndarray:
    """White noise on a square grid of stations after a moving 5 x 5 average, with unit variance, (n,)."""
    side = round(n**0.5)
    white = rng.standard_normal((side + 4, side + 4))
    windows = np.lib.stride_tricks.sliding_window_view(white, (5, 5))
    return windows.sum(axis=(2, 3)).ravel() / 5.0


def scatter_of_chi(n: int, is_correlated: bool) -> float:
    """Standard deviation of χ at the truth."""
    side = round(n**0.5)
    lag = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    along = np.clip(1.0 - lag / 5.0, 0.0, None) if is_correlated else np.eye(side)
    return float(np.sqrt(2.0) * np.sum(along**2) / n)  # the covariance is an outer product


@dataclass
class Outcome:
    """The result of an inversion."""

    rms: float
    chi: float  # of all data, by least squares
    clean: float  # of the data that are not outliers
    seconds: float
    ended: str


def outcome(problem, density, observed, seconds, ended) -> Outcome:
    """Errors of a model, in kg/m³, and of its data."""
    dobs, std, wrong = observed
    squares = ((problem.simulation(maps.IdentityMap(nP=density.size)).dpred(density) - dobs) / std) ** 2
    rms = 1e3 * np.sqrt(np.mean((density - problem.truth) ** 2))
    return Outcome(rms, squares.mean(), squares[~wrong].mean(), seconds, ended)


def fit_network(problem, observed, seed: int, misfit="L2") -> Outcome:
    """Fit one unit of unknown contrast between bounds, until χ is 1."""
    dobs, std, _ = observed
    inr = INRMap(problem.mesh, units=1, bounds=BOUNDS, random_seed=seed, dtype=np.float32)
    simulation = problem.simulation(inr)
    term = MISFITS[misfit](Data(simulation.survey, dobs=dobs, standard_deviation=std), simulation)
    optimizer = LevenbergMarquardt(maxIter=40, dtype=np.float32)
    nothing = regularization.Smallness(TensorMesh([inr.nP]))
    inv_problem = inverse_problem.BaseInvProblem(term, nothing, optimizer, beta=0.0, init_bfgs=False)
    start = inr.initial_model()
    simulation.dpred(start)  # computes the sensitivities, which are not part of the time
    model, seconds = run(inversion.BaseInversion(inv_problem, directiveList=[]), start)
    ended = f"{optimizer.iter}, {optimizer.stopped_because or 'maxIter'}"
    return outcome(problem, inr * model, observed, seconds, ended)


def fit_sparse(problem, observed, seed: int, misfit="L2") -> Outcome:
    """SimPEG's sparse norms between the same bounds; the result does not depend on the seed."""
    dobs, std, _ = observed
    n = problem.truth.size
    simulation = problem.simulation(maps.IdentityMap(nP=n))
    term = MISFITS[misfit](Data(simulation.survey, dobs=dobs, standard_deviation=std), simulation)
    sparse = regularization.Sparse(problem.mesh, norms=[0, 1, 1, 1], reference_model=np.zeros(n))
    optimizer = optimization.ProjectedGNCG(
        maxIter=100, lower=BOUNDS[0], upper=BOUNDS[1], cg_maxiter=30, cg_rtol=1e-3, maxIterLS=20
    )
    chi = getattr(term, "chifact", 1.0)
    steps = [
        directives.UpdateSensitivityWeights(every_iteration=False),
        directives.BetaEstimate_ByEig(beta0_ratio=10.0, random_seed=0),
        directives.UpdateIRLS(
            chifact_start=chi, chifact_target=chi, max_irls_iterations=30, f_min_change=1e-3, verbose=False
        ),
        directives.UpdatePreconditioner(),
    ]
    inv_problem = inverse_problem.BaseInvProblem(term, sparse, optimizer)
    simulation.G  # noqa: B018, not part of the time
    model, seconds = run(inversion.BaseInversion(inv_problem, directiveList=steps), np.full(n, 1e-4))
    return outcome(problem, model, observed, seconds, f"{optimizer.iter}")


def run(made, start):
    """The model, and the processor time, which does not depend on other processes."""
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        model = made.run(start)
    return model, time.process_time() - began


METHODS = {
    "INR": fit_network,
    "SimPEG sparse": fit_sparse,
}


def rows():
    """Kind of noise, method and misfit for every row."""
    for kind in KINDS:
        for method in METHODS:
            for misfit in MISFITS if "outliers" in kind else ("L2",):
                if method == "INR" or kind in BESIDE:
                    yield kind, method, misfit


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--methods", nargs="*", choices=tuple(METHODS), default=tuple(METHODS))
    parser.add_argument("--misfits", nargs="*", choices=tuple(MISFITS), default=tuple(MISFITS))
    options = parser.parse_args()
    problem, console = StairBlock(), Console(width=140)
    n = problem.clean.size
    zero = 1e3 * np.sqrt(np.mean(problem.truth**2))
    table = results.Table(
        "noise",
        f"Stair block under noise, medians of {options.seeds} seeds",
        {
            "rms, kg/m³": "{:.1f}",
            "least to largest": "{:.1f} to {:.1f}",
            "χ": "{:.2f}",
            "χ of clean data": "{:.2f}",
            "CPU s": "{:.1f}",
            "iterations, end": "",
        },
        note=f"rms of the zero model: {zero:.1f} kg/m³. Standard deviation of χ of the truth: "
        f"{scatter_of_chi(n, False):.2f}, correlated {scatter_of_chi(n, True):.2f}.",
        heading="noise, method, misfit",
    )
    gc.collect()
    gc.freeze()  # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each
    for kind, method, misfit in rows():
        if kind not in options.only or method not in options.methods or misfit not in options.misfits:
            continue
        outs = []
        for seed in range(options.seeds):
            observed = problem.observe(*KINDS[kind], seed)
            outs.append(METHODS[method](problem, observed, seed, misfit))
            out = outs[-1]
            errors = f"rms {out.rms:.1f}, χ {out.chi:.2f}, clean {out.clean:.2f}"
            console.log(f"{kind}; {method}, {misfit}, {seed}: {errors}, {out.seconds:.0f} s, {out.ended}")
        values = np.array([[out.rms, out.chi, out.clean, out.seconds] for out in outs])
        rms, chi, clean, seconds = np.median(values, axis=0)
        spread = values[:, 0].min(), values[:, 0].max()
        table.add_row(f"{kind}: {method}, {misfit}", rms, spread, chi, clean, seconds, outs[0].ended)
        results.store(options, table)
    console.print(table.rich())


if __name__ == "__main__":
    main()
