"""Gravity and magnetics by networks of the coordinates: one for each, one for both, and one for both with a coupling.

    python -m benchmarks.implicit.joint_inr --problem two_bodies
    python -m benchmarks.implicit.joint_inr --problem camp_blocks              # 696 + 696 data
    python -m benchmarks.implicit.joint_inr --problem camp_blocks --data full  # 6020 + 6020, with the Toeplitz engine

Every row is one call of `recipes.create_inr_inversion`, scored as in `published/two_bodies.py` and
`published/camp_blocks.py`, on the same meshes. The bounds are what one may assume without knowledge of the model; rows
with units start from the recipe's own contrasts. Each row runs for several seeds; the table has the medians, and the
error of the mean model. Finished runs are kept in --folder and not repeated.
"""

from __future__ import annotations

import contextlib
import io
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from simpeg.maps import IdentityMap

from benchmarks._common import results
from benchmarks.published import camp_blocks, two_bodies
from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

PROPERTIES = ("density", "susceptibility")
# g/cc and SI; in the first problem the magnetization may oppose the inducing field
BOUNDS = {"two_bodies": ((-1.5, 1.5), (-0.1, 0.1)), "camp_blocks": ((-0.6, 0.6), (0.0, 0.5))}
CROSS = regularization.CrossGradient
DTYPE = torch.float32

# name: options of the recipe; "separate" runs it for each data set alone
ROWS = {
    "separate, free": {"separate": True},
    "separate, 1 unit": {"separate": True, "units": 1},
    "separate, 2 units": {"separate": True, "units": 2},
    "separate, 3 units": {"separate": True, "units": 3},
    "joint, free": {},
    "joint, 1 unit": {"units": 1},
    "joint, 2 units": {"units": 2},
    "joint, 3 units": {"units": 3},
    "joint, free, cross-gradient": {"couplings": CROSS},
    "joint, 2 units, cross-gradient": {"units": 2, "couplings": CROSS},
}


@dataclass
class Problem:
    """Data, simulations that take one property each, bounds, and a function that scores models."""

    data: list
    simulations: list
    bounds: tuple
    score: callable


def make_problem(name: str, size: str) -> Problem:
    """One of the two surveys, on the mesh of its own benchmark."""
    if name == "two_bodies":
        survey = datasets.load("two_bodies")
        mesh, kept = survey.mesh, {"engine": "dense", "active_cells": survey.active_cells}
        score = partial(two_bodies.rms_errors, truth=survey.true_models)
    else:
        survey, mesh = camp_blocks.load(size), camp_blocks.make_mesh(size)
        kept = {"engine": "toeplitz" if size == "full" else "dense"}

        def score(models):
            return np.array([error for error, _ in camp_blocks.compared(survey, mesh, models)])

    identity = IdentityMap(nP=mesh.n_cells)
    simulations = [
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=identity, **kept),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=identity, **kept),
    ]
    return Problem([survey.gravity.data(), survey.magnetics.data()], simulations, BOUNDS[name], score)


def invert(problem: Problem, which, options: dict, seed: int, kept: Path) -> dict:
    """Run the recipe for these data sets; models, χ, iterations and seconds are kept in a file."""
    if kept.exists():
        return dict(np.load(kept))
    recipe = recipes.create_inr_inversion(
        [problem.data[i] for i in which],
        [problem.simulations[i] for i in which],
        names=[PROPERTIES[i] for i in which],
        bounds=[problem.bounds[i] for i in which],
        random_seed=seed,
        dtype=DTYPE,
        progress=False,
        max_iterations=100,
        log=kept.with_suffix(".csv"),
        **options,
    )
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        models = recipe.run()
    seconds = time.perf_counter() - began
    contrasts = recipe.network_map.contrasts(recipe.model) if options.get("units") else ()
    opt = recipe.inversion.opt
    np.savez(
        kept, **models, chi=recipe.chi, iterations=opt.iter, seconds=seconds, contrasts=contrasts,
        stopped=opt.stopped_because,
    )  # fmt: skip
    return dict(np.load(kept))


def run(problem: Problem, name: str, seed: int, folder: Path) -> dict:
    """The models of both properties in a row."""
    options = dict(ROWS[name])
    path = folder / f"{name.replace(', ', '_').replace(' ', '-')}_{seed}.npz"
    if not options.pop("separate", False):
        return invert(problem, (0, 1), options, seed, path)
    parts = [
        invert(problem, (i,), options, seed, path.with_name(f"{path.stem}_{i}.npz")) for i in range(len(PROPERTIES))
    ]
    result = {key: value for part in parts for key, value in part.items() if key in PROPERTIES}
    result["chi"] = np.concatenate([part["chi"] for part in parts])
    result["contrasts"] = np.concatenate([part["contrasts"].ravel() for part in parts])
    result["stopped"] = "/".join(str(part["stopped"]) for part in parts)
    return result | {key: sum(part[key] for part in parts) for key in ("iterations", "seconds")}


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--problem", choices=BOUNDS, default="two_bodies")
    parser.add_argument("--data", choices=("small", "half", "full"), default="small", help="data of camp_blocks")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("output/joint_inr"), help="where runs are kept")
    options = parser.parse_args()
    folder = options.folder / (options.problem if options.problem == "two_bodies" else f"camp_{options.data}")
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    problem = make_problem(options.problem, options.data)
    console = Console(width=160)
    table = results.Table(
        folder.name,
        f"Networks for density and susceptibility, {folder.name}, seeds {', '.join(map(str, options.seeds))}",
        {
            "density rms, g/cc": "{:.4f}",
            "susceptibility rms, SI": "{:.5f}",
            "rms of the mean model": "{:.4f}, {:.5f}",
            "χ gravity": "{:.2f} to {:.2f}",
            "χ magnetics": "{:.2f} to {:.2f}",
            "iterations": "{:.0f}",
            "seconds": "{:.0f}",
        },
        heading="networks",
    )
    for name in options.rows:
        outcomes = []
        for seed in options.seeds:
            outcomes.append(run(problem, name, seed, folder))
            one = outcomes[-1]
            console.log(
                name, seed, problem.score(one).round(5), one["chi"].round(3), int(one["iterations"]),
                str(one["stopped"]), one["contrasts"].round(3).tolist(), f"{float(one['seconds']):.0f} s",
            )  # fmt: skip
        rms = np.median([problem.score(one) for one in outcomes], axis=0)
        mean = problem.score({key: np.mean([one[key] for one in outcomes], axis=0) for key in PROPERTIES})
        chi = np.array([one["chi"] for one in outcomes])
        iterations, seconds = (np.median([float(one[key]) for one in outcomes]) for key in ("iterations", "seconds"))
        table.add_row(name, *rms, mean, *zip(chi.min(axis=0), chi.max(axis=0), strict=True), iterations, seconds)
        results.store(options, table)
    console.print(table.rich())


if __name__ == "__main__":
    main()
