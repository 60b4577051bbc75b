"""Gravity and magnetics by networks of the coordinates: one each, one for both, and one for both with a coupling.

    python -m benchmarks.implicit.joint_inr --problem two_bodies
    python -m benchmarks.implicit.joint_inr --problem camp_blocks              # 696 + 696 data
    python -m benchmarks.implicit.joint_inr --problem camp_blocks --data full  # 6020 + 6020, with the Toeplitz engine

Every row is one call of `recipes.create_inr_inversion`, scored as in `two_bodies.py` and `camp_blocks.py`, whose meshes
these are. Bounds are what an explorationist may say without knowing the ground; the rows with units start from the
recipe's own contrasts. A row is run for several seeds; the table has their medians, and the error of their mean.
Runs are kept in --output and not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from simpeg.maps import IdentityMap

from benchmarks.published import camp_blocks, two_bodies
from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

PROPERTIES = ("density", "susceptibility")
# g/cc and SI: magnetization may oppose the field over the first
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
    """Data, simulations that take one property each, and how models are scored."""

    data: list
    simulations: list
    bounds: tuple
    score: callable


def make_problem(name: str, size: str) -> Problem:
    """One of the two surveys on the mesh of its own benchmark."""
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
    """One run of the recipe on these data sets: models, χ, iterations, seconds; kept in a file."""
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
    """Both models of a row."""
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", choices=BOUNDS, default="two_bodies")
    parser.add_argument("--data", choices=("small", "half", "full"), default="small", help="of camp_blocks")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=Path("output/joint_inr"))
    options = parser.parse_args()
    folder = options.output / (options.problem if options.problem == "two_bodies" else f"camp_{options.data}")
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    problem = make_problem(options.problem, options.data)
    console = Console(width=160)
    table = Table(title=f"{folder.name}, seeds {options.seeds}")
    for head in ("", "density rms", "suscept. rms", "rms of the mean", "χ", "iterations", "seconds"):
        table.add_column(head, justify="right" if head else "left")
    for name in options.rows:
        results = []
        for seed in options.seeds:
            results.append(run(problem, name, seed, folder))
            one = results[-1]
            console.log(
                name, seed, problem.score(one).round(5), one["chi"].round(3), int(one["iterations"]),
                str(one["stopped"]), one["contrasts"].round(3).tolist(), f"{float(one['seconds']):.0f} s",
            )  # fmt: skip
        rms = np.median([problem.score(one) for one in results], axis=0)
        mean = problem.score({key: np.mean([one[key] for one in results], axis=0) for key in PROPERTIES})
        chi = np.array([one["chi"] for one in results])
        table.add_row(
            name,
            f"{rms[0]:.4f}",
            f"{rms[1]:.5f}",
            f"{mean[0]:.4f}, {mean[1]:.5f}",
            ", ".join(f"{low:.2f} to {high:.2f}" for low, high in zip(chi.min(axis=0), chi.max(axis=0), strict=True)),
            f"{np.median([int(one['iterations']) for one in results]):.0f}",
            f"{np.median([float(one['seconds']) for one in results]):.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
