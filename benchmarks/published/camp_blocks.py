"""Three blocks with published inversions: what sparse norms, bounds and clusters make of the same data.

    python -m benchmarks.published.camp_blocks                     # 696 + 696 data, with the ablation
    python -m benchmarks.published.camp_blocks --data half         # every other of the full grid each way, 1505 + 1505
    python -m benchmarks.published.camp_blocks --data full         # all 6020 + 6020, as the published models

Compared with the published models on the published mesh, volume weighted, over |x| < 4 km, |y| < 7 km, z > -2.5 km. The
mesh of the inversion has the published cells of 250 m across the core (coarser along it and, with stored sensitivities,
outside). All 6020 + 6020 data go through the Toeplitz engine, whose products are so cheap that a Jacobi preconditioner
will do; the others are stored and preconditioned in the space of the data. Runs are kept in --output and not
repeated; a run that is cut off goes on from its last iteration.

The table of units is given to the runs with clusters, but for "bodies found" and "sparse, bounds, clusters, centres
found": these know nothing but the data. Level sets with uniform properties, both changing, are fitted to all data from
the density peaks of the sparse models (`recipes.find_centers`); the properties they come to are centres and bounds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps

from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

TABLE = np.array([[0.0, 0.0], [-0.2, 0.15], [0.1, 0.05]])  # g/cc and SI: background, box, core
POSITIVE = {"susceptibility": (0.0, np.inf)}
WITHIN_TABLE = {"density": (-0.2, 0.1), "susceptibility": (0.0, 0.15)}
SPARSE = (0.0, 1.0, 1.0, 1.0)
CLUSTERS = partial(regularization.GuidedFuzzyCMeans, centers=TABLE, guidance=np.inf, balance=0.5)
UNBALANCED = partial(regularization.GuidedFuzzyCMeans, centers=TABLE, guidance=np.inf)
WINDOW = (6, 4, 4)

# name: arguments of the recipe. What is not said is as in "sparse".
RUNS = {
    "smooth": {"norms": None, "alpha_s": 1e-2},
    "sparse": {},
    "sparse, bounds": {"bounds": WITHIN_TABLE},
    "smooth, bounds, clusters": {"norms": None, "alpha_s": 1e-2, "bounds": WITHIN_TABLE, "couplings": CLUSTERS},
    "sparse, clusters": {"couplings": CLUSTERS},
    "sparse, bounds, clusters": {"bounds": WITHIN_TABLE, "couplings": CLUSTERS},
    "the same, unbalanced": {"bounds": WITHIN_TABLE, "couplings": UNBALANCED},
    "the same, from the start": {"bounds": WITHIN_TABLE, "couplings": CLUSTERS, "couple_when": "structure"},
    "bodies found": {},
    "sparse, bounds, clusters, centres found": {},
    "sparse, cross-gradient": {"couplings": regularization.CrossGradient, "ratios": 0.1},
    "sparse, Gramian": {"couplings": partial(regularization.Gramian, window=WINDOW), "ratios": 0.1},
    "sparse, Pearson": {"couplings": partial(regularization.LocalPearson, window=WINDOW), "ratios": 0.1},
}
BODIES, FOUND = "bodies found", "sparse, bounds, clusters, centres found"
LARGE = ("sparse, bounds, clusters", "sparse", BODIES, FOUND)  # of the larger data sets


def make_mesh(data: str) -> TensorMesh:
    """28 x 40 columns of 500 m, those over the box (of the full data set all) split in two, to a depth of 3.8 km."""
    x = np.full(56, 250.0) if data == "full" else np.r_[np.full(8, 500.0), np.full(24, 250.0), np.full(8, 500.0)]
    depth = np.r_[np.full(3, 100.0), np.full(7, 200.0), 300.0, 400.0, 600.0, 800.0]
    return TensorMesh([x, np.full(40, 500.0), depth[::-1]], origin=(-7000.0, -10_000.0, -depth.sum()))


def make_misfits(survey, mesh, wires, data: str):
    """Data misfits of both data sets: sensitivities stored in float32, or as Toeplitz kernels in float64."""
    kept = {"engine": "toeplitz", "sensitivity_dtype": np.float64} if data == "full" else {"engine": "dense"}
    simulations = (
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density, **kept),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility, **kept),
    )
    data = (survey.gravity.data(), survey.magnetics.data())
    return [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(data, simulations, strict=True)]


def load(data: str):
    """The survey with so much of its data."""
    survey = datasets.load("camp_blocks", size="small" if data == "small" else "full")
    return (
        replace(survey, gravity=halved(survey.gravity), magnetics=halved(survey.magnetics))
        if data == "half"
        else survey
    )


def halved(part):
    """Every other line and every other station on it, of a grid of 250 m."""
    places = np.round((part.locations[:, :2] - part.locations[:, :2].min(axis=0)) / 250.0)
    kept = (places % 2 == 0).all(axis=1)
    arrays = {
        f.name: getattr(part, f.name)[kept] for f in fields(part) if isinstance(getattr(part, f.name), np.ndarray)
    }
    return replace(part, **arrays)


def compared(survey, mesh, models) -> list[tuple[float, float]]:
    """Volume weighted rms error and correlation of density and of susceptibility, on the published mesh."""
    centers = survey.mesh.cell_centers
    inside = (np.abs(centers[:, 0]) < 4000) & (np.abs(centers[:, 1]) < 7000) & (centers[:, 2] > -2500)
    weights = survey.mesh.cell_volumes[inside] / survey.mesh.cell_volumes[inside].sum()
    place = slice(None) if mesh is survey.mesh else mesh.point2index(centers[inside])
    result = []
    for name, truth in survey.true_models.items():
        values = models[name][inside] if mesh is survey.mesh else models[name][place]
        error = np.sqrt(np.sum(weights * (values - truth[inside]) ** 2))
        result.append((error, np.corrcoef(values, truth[inside])[0, 1]))
    return result


def search(mesh, misfits, wires, folder: Path, max_iterations: int):
    """Bodies of uniform properties fitted to all data, from the sparse models; their properties are the centres."""
    kept = folder / "bodies-found.npz"
    if not kept.exists():
        sparse = run("sparse", mesh, misfits, wires, folder, max_iterations)
        model = np.concatenate([sparse["density"], sparse["susceptibility"]])
        start = time.perf_counter()
        found = recipes.find_centers(
            mesh, misfits, wires, model, n_units=(1, 2), refine=False, max_data=None, max_iterations=30
        )
        seconds = time.perf_counter() - start
        np.savez(kept, **found.starting_models, centers=found.centers, chi=found.chi, seconds=seconds)
    return dict(np.load(kept))


def clusters_at(centers):
    """Coupling to these centres, and the bounds that they are."""
    lower, upper = centers.min(axis=0), centers.max(axis=0)
    bounds = dict(zip(("density", "susceptibility"), zip(lower, upper, strict=True), strict=True))
    return {"bounds": bounds, "couplings": partial(CLUSTERS, centers=centers)}


def run(name, mesh, misfits, wires, folder: Path, max_iterations: int, **changes):
    """Models, χ, iterations and seconds of one run, kept in the folder."""
    kept = folder / f"{name.replace(', ', '_').replace(' ', '-')}.npz"
    if kept.exists():
        return dict(np.load(kept))
    if name in (BODIES, FOUND):
        bodies = search(mesh, misfits, wires, folder, max_iterations)
        if name == BODIES:
            return bodies
        changes = {**clusters_at(bodies["centers"]), **changes}
    arguments = {"bounds": POSITIVE, "norms": SPARSE, "alpha_s": 0.1, "ratios": 3.0, **RUNS.get(name, {}), **changes}
    checkpoint = kept.with_suffix(".checkpoint.npz")
    stored = misfits[0].simulation.engine == "dense"
    recipe = recipes.create_joint_inversion(
        mesh,
        misfits,
        wires,
        preconditioner="data-space" if stored else "jacobi",
        cg_iterations=150 if stored else 300,
        max_iterations=max_iterations,
        checkpoint=checkpoint,
        log=kept.with_suffix(".csv"),
        **arguments,
    )
    start = time.perf_counter()
    models = recipe.resume() if checkpoint.exists() else recipe.run()
    seconds = time.perf_counter() - start
    np.savez(kept, **models, chi=recipe.chi, iterations=recipe.inversion.opt.iter, seconds=seconds)
    return dict(np.load(kept))


def row(table, name, scores, result=None):
    """One line of the table."""
    cells = [f"{error:.4f} ({correlation:.3f})" for error, correlation in scores]
    if result is None:
        table.add_row(name, *cells)
    else:
        chi = ", ".join(f"{value:.2f}" for value in result["chi"])
        iterations = str(int(result["iterations"])) if "iterations" in result else ""
        table.add_row(name, *cells, chi, iterations, f"{float(result['seconds']):.0f}")


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("small", "half", "full"), default="small")
    parser.add_argument("--runs", nargs="*", choices=RUNS, help="all, or those of the larger data sets")
    parser.add_argument("--max-iterations", type=int, default=90)
    parser.add_argument("--output", type=Path, default=Path("output/camp_blocks"))
    options = parser.parse_args()
    folder = options.output / options.data
    folder.mkdir(parents=True, exist_ok=True)
    survey, mesh = load(options.data), make_mesh(options.data)
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    misfits = make_misfits(survey, mesh, wires, options.data)

    table = Table(
        title=f"camp_blocks, {len(survey.gravity.gz)} + {len(survey.magnetics.tmi)} data, {mesh.n_cells} cells"
    )
    for title in ("", "density rms, g/cc (corr.)", "susceptibility rms, SI (corr.)", "χ", "iterations", "s"):
        table.add_column(title, justify="left" if not title else "right")
    for name, models in (survey.published_models or {}).items():
        row(table, f"published {name}", compared(survey, survey.mesh, models))
    for name in options.runs or (RUNS if options.data == "small" else LARGE):
        result = run(name, mesh, misfits, wires, folder, options.max_iterations)
        row(table, name, compared(survey, mesh, result), result)
        if "centers" in result:
            print("centres found: " + "; ".join(f"{d:.4f} g/cc, {u:.4f} SI" for d, u in result["centers"]))
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
