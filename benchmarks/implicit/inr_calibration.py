"""Does the 90 % band of an ensemble hold the truth 90 % of the time?

    python -m benchmarks.implicit.inr_calibration [--problems 12] [--members 6]

Bodies of random geology, one rock each, gravity with 2 % noise; ensembles of networks that share no start, beside
SimPEG's sparse inversion between the same bounds. Counted are
the cells that matter: those where the truth, or any member, is not background. The factor that widens the bands to what
they promise is found on the first half of the problems, and told for the second half.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import maps

from benchmarks.implicit.stair_block import UPPER, make_simulation, quietly, simpeg
from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.potential_fields import gravity

KINDS = {"blocks": 1.0, "ellipsoids": 0.5, "dykes": 0.3, "intrusions": 0.3}
LEVELS, TOLERANCE = (0.5, 0.9), 0.005  # g/cc


def make_problem(seed):
    """A survey over one body of constant contrast, with its truth; None where the seed gives hardly any cells."""
    mesh = TensorMesh([np.full(14, 100.0), np.full(14, 100.0), np.full(7, 100.0)], origin="CCN")
    models = datasets.make_geology(mesh, kinds=KINDS, properties=("density",), random_seed=seed)
    density = models["density"].ravel()
    if not density.any():
        return None
    # the commonest rock alone, at a contrast within the bounds
    rock = max(np.unique(density[density != 0.0]), key=lambda one: np.sum(density == one))
    truth = np.where(density == rock, 0.3 * np.sign(rock), 0.0)
    if not 15 <= np.count_nonzero(truth) <= 400:
        return None
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    places = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 10.0)])
    stations = datasets.GravityData(places, np.zeros(len(places)), 1.0)
    simulation = gravity.Simulation3DIntegral(mesh, survey=stations.survey(), rhoMap=maps.IdentityMap(nP=mesh.n_cells))
    clean = simulation.dpred(truth)
    sigma = 0.02 * np.abs(clean).max()
    observed = clean + sigma * np.random.default_rng(seed).standard_normal(clean.size)
    data = datasets.GravityData(places, observed, sigma)
    return datasets.GravityMagneticDataset("body", data, None, mesh, None, {"density": truth})


def run(survey, n_members, seed):
    """The ensemble of one survey."""
    recipe = recipes.create_inr_ensemble(
        survey.gravity.data(), make_simulation(survey), n_members=n_members, bounds=(-UPPER, UPPER), units=1,
        random_seed=100 * seed, progress=False, dtype="float32",
    )  # fmt: skip
    return quietly(recipe.run)


def matters(ensemble, truth):
    """Cells where the truth or a member is not background."""
    return (truth != 0.0) | (np.abs(ensemble.members["density"]).max(axis=0) > 10 * TOLERANCE)


def held(results, level, inflation):
    """Part of all cells that matter."""
    counts = [
        (
            np.sum(cells),
            ensemble.coverage({"density": truth}, level, cells=cells, inflation=inflation, tolerance=TOLERANCE),
        )
        for ensemble, truth, cells in results
    ]
    return sum(n * part["density"] for n, part in counts) / sum(n for n, _ in counts)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=12)
    parser.add_argument("--members", type=int, default=6)
    options = parser.parse_args()
    results, errors, seed, start = [], [], 0, time.perf_counter()
    console = Console(width=110)
    while len(results) < options.problems:
        seed += 1
        problem = make_problem(seed)
        if problem is None:
            continue
        ensemble, truth = run(problem, options.members, seed), problem.true_models["density"]
        sparse = simpeg(problem, norms=[0, 1, 1, 1], lower=-UPPER)
        cells = matters(ensemble, truth)
        results.append((ensemble, truth, cells))
        zero = np.sqrt(np.mean(truth**2))
        errors.append([np.sqrt(np.mean((m - truth) ** 2)) / zero for m in (ensemble.mean["density"], sparse.density)])
        console.print(
            f"{len(results)}: seed {seed}, body of {np.count_nonzero(truth)} cells, {cells.sum()} matter; rms / zero: "
            f"networks {errors[-1][0]:.2f} (χ up to {ensemble.chi.max():.2f}), SimPEG sparse {errors[-1][1]:.2f} "
            f"({sparse.chi:.2f}); {time.perf_counter() - start:.0f} s"
        )
    medians, wins = np.median(errors, axis=0), np.mean([one < other for one, other in errors])
    console.print(f"Median: networks {medians[0]:.2f}, SimPEG sparse {medians[1]:.2f}; networks better in {wins:.0%}.")
    half = len(results) // 2
    factors = np.geomspace(1.0, 30.0, 60)
    factor = next((f for f in factors if held(results[:half], 0.9, f) >= 0.9), np.inf)
    table = Table(title=f"{options.members} networks, {half} + {len(results) - half} problems, cells that matter")
    for name in ("band", "holds, first half", "holds, second half"):
        table.add_column(name, justify="right")
    for level in LEVELS:
        table.add_row(f"{level:.0%}", *(f"{held(part, level, 1.0):.0%}" for part in (results[:half], results[half:])))
    table.add_row(
        f"90% x {factor:.1f}", *(f"{held(part, 0.9, factor):.0%}" for part in (results[:half], results[half:]))
    )
    console.print(table)


if __name__ == "__main__":
    main()
