"""Does the 90 % band of an ensemble of networks contain the truth 90 % of the time?

    python -m benchmarks.implicit.inr_calibration [--problems 12] [--members 6]

Bodies of random geology, of one rock each, with gravity data and 2 % noise: ensembles of networks from different
starts, and SimPEG's sparse inversion between the same bounds. Only the cells that matter are counted: those in which
the truth or any member is not background. The factor by which the bands have to be widened is found on the first half
of the problems, and tested on the second half.
"""

from __future__ import annotations

import time

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from simpeg import maps

from benchmarks._common import results
from benchmarks.implicit.stair_block import UPPER, make_simulation, quietly, simpeg
from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.data import GravityData, GravityMagneticDataset
from simpeg_jointdl.potential_fields import gravity

KINDS = {"blocks": 1.0, "ellipsoids": 0.5, "dykes": 0.3, "intrusions": 0.3}
LEVELS, TOLERANCE = (0.5, 0.9), 0.005  # g/cc


def make_problem(seed):
    """A survey over one body of constant contrast, and its true model; None if the body has too few cells."""
    mesh = TensorMesh([np.full(14, 100.0), np.full(14, 100.0), np.full(7, 100.0)], origin="CCN")
    models = datasets.make_geology(mesh, kinds=KINDS, properties=("density",), random_seed=seed)
    density = models["density"].ravel()
    if not density.any():
        return None
    # only the most frequent rock, with a contrast between the bounds
    rock = max(np.unique(density[density != 0.0]), key=lambda one: np.sum(density == one))
    truth = np.where(density == rock, 0.3 * np.sign(rock), 0.0)
    if not 15 <= np.count_nonzero(truth) <= 400:
        return None
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    places = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 10.0)])
    stations = GravityData(places, np.zeros(len(places)), 1.0)
    simulation = gravity.Simulation3DIntegral(mesh, survey=stations.survey(), rhoMap=maps.IdentityMap(nP=mesh.n_cells))
    clean = simulation.dpred(truth)
    sigma = 0.02 * np.abs(clean).max()
    observed = clean + sigma * np.random.default_rng(seed).standard_normal(clean.size)
    data = GravityData(places, observed, sigma)
    return GravityMagneticDataset("body", data, None, mesh, None, {"density": truth})


def run(survey, n_members, seed):
    """Run the ensemble for one survey."""
    recipe = recipes.create_inr_ensemble(
        survey.gravity.data(), make_simulation(survey), n_members=n_members, bounds=(-UPPER, UPPER), units=1,
        random_seed=100 * seed, progress=False, dtype="float32",
    )  # fmt: skip
    return quietly(recipe.run)


def matters(ensemble, truth):
    """Cells in which the truth or a member is not background."""
    return (truth != 0.0) | (np.abs(ensemble.members["density"]).max(axis=0) > 10 * TOLERANCE)


def held(results, level, inflation):
    """Fraction of the cells that matter in which the band contains the truth, over all problems."""
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
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--problems", type=int, default=12)
    parser.add_argument("--members", type=int, default=6)
    options = parser.parse_args()
    found, errors, seed, start = [], [], 0, time.perf_counter()
    console = Console(width=110)
    models = results.Table(
        "models",
        "rms error divided by that of the zero model",
        {
            "cells of the body": "{:.0f}",
            "cells that matter": "{:.0f}",
            f"mean of {options.members} networks": "{:.2f}",
            "largest χ": "{:.2f}",
            "SimPEG sparse": "{:.2f}",
            "χ": "{:.2f}",
        },
        heading="problem",
    )
    while len(found) < options.problems:
        seed += 1
        problem = make_problem(seed)
        if problem is None:
            continue
        ensemble, truth = run(problem, options.members, seed), problem.true_models["density"]
        sparse = simpeg(problem, norms=[0, 1, 1, 1], lower=-UPPER)
        cells = matters(ensemble, truth)
        found.append((ensemble, truth, cells))
        zero = np.sqrt(np.mean(truth**2))
        errors.append([np.sqrt(np.mean((m - truth) ** 2)) / zero for m in (ensemble.mean["density"], sparse.density)])
        sizes = np.count_nonzero(truth), cells.sum()
        models.add_row(f"seed {seed}", *sizes, errors[-1][0], ensemble.chi.max(), errors[-1][1], sparse.chi)
        console.print(f"seed {seed}", *models.cells(f"seed {seed}"), f"{time.perf_counter() - start:.0f} s")
    medians, wins = np.median(errors, axis=0), sum(one < other for one, other in errors)
    models.add_row("median", None, None, medians[0], None, medians[1], None)
    models.note = f"Networks are better in {wins} of {len(errors)} problems."
    half = len(found) // 2
    factors = np.geomspace(1.0, 30.0, 60)
    factor = next((f for f in factors if held(found[:half], 0.9, f) >= 0.9), np.inf)
    table = results.Table(
        "bands",
        f"How often bands of {options.members} networks contain the truth, in the cells that matter",
        {f"first {half} problems": "{:.0%}", f"other {len(found) - half} problems": "{:.0%}"},
        heading="band",
    )
    for level in LEVELS:
        table.add_row(f"{level:.0%}", *(held(part, level, 1.0) for part in (found[:half], found[half:])))
    widened = (held(part, 0.9, factor) for part in (found[:half], found[half:]))
    table.add_row(f"90%, widened {factor:.1f} times", *widened)
    console.print(models.rich())
    console.print(table.rich())
    results.store(options, models, table)


if __name__ == "__main__":
    main()
