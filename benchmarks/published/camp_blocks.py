"""Three blocks with published inversions: what sparse norms, bounds and clusters make of the same data.

    python -m benchmarks.published.camp_blocks                 # 696 + 696 data, all variants
    python -m benchmarks.published.camp_blocks --data half     # every second point of the full grid, 1505 + 1505
    python -m benchmarks.published.camp_blocks --data full     # all 6020 + 6020, as the published models

All models are compared on the published mesh, weighted by volume, where |x| < 4 km, |y| < 7 km and z > -2.5 km. The
mesh of the inversion has the published cell width of 250 m across the core (and is coarser along it and, with stored
sensitivities, outside). All 6020 + 6020 data use the Toeplitz engine, whose products are so cheap that a Jacobi
preconditioner is enough; the smaller data sets store their sensitivities and are preconditioned in the data space.
Finished runs are kept in --folder and not repeated; an interrupted run resumes from its last iteration.

The table of rock units is given to the runs with clusters, except "bodies found" and "sparse, bounds, clusters, centers
found", which use the data alone: `recipes.find_centers` fits level sets with uniform properties to all data, from the
density peaks of the sparse models. The properties that it finds are then the centers and the bounds.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from simpeg import data_misfit, maps

from benchmarks._common import results
from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

UNITS = np.array([[0.0, 0.0], [-0.2, 0.15], [0.1, 0.05]])  # g/cc and SI: background, box, core
POSITIVE = {"susceptibility": (0.0, np.inf)}
WITHIN_TABLE = {"density": (-0.2, 0.1), "susceptibility": (0.0, 0.15)}
SPARSE = (0.0, 1.0, 1.0, 1.0)
CLUSTERS = partial(regularization.GuidedFuzzyCMeans, centers=UNITS, guidance=np.inf, balance=0.5)
UNBALANCED = partial(regularization.GuidedFuzzyCMeans, centers=UNITS, guidance=np.inf)
WINDOW = (6, 4, 4)

# name: arguments of the recipe that differ from those of "sparse"
RUNS = {
    "smooth": {"norms": None, "alpha_s": 1e-2},
    "sparse": {},
    "sparse, bounds": {"bounds": WITHIN_TABLE},
    "smooth, bounds, clusters": {"norms": None, "alpha_s": 1e-2, "bounds": WITHIN_TABLE, "couplings": CLUSTERS},
    "sparse, clusters": {"couplings": CLUSTERS},
    "sparse, bounds, clusters": {"bounds": WITHIN_TABLE, "couplings": CLUSTERS},
    "the same, clusters not balanced": {"bounds": WITHIN_TABLE, "couplings": UNBALANCED},
    "the same, clusters from the start": {"bounds": WITHIN_TABLE, "couplings": CLUSTERS, "couple_when": "structure"},
    "bodies found": {},
    "sparse, bounds, clusters, centers found": {},
    "sparse, cross-gradient": {"couplings": regularization.CrossGradient, "coupling_ratios": 0.1},
    "sparse, Gramian": {"couplings": partial(regularization.Gramian, window=WINDOW), "coupling_ratios": 0.1},
    "sparse, Pearson": {"couplings": partial(regularization.LocalPearson, window=WINDOW), "coupling_ratios": 0.1},
}
BODIES, FOUND = "bodies found", "sparse, bounds, clusters, centers found"
LARGE = ("sparse, bounds, clusters", "sparse", BODIES, FOUND)  # runs of the larger data sets


def make_mesh(data: str) -> TensorMesh:
    """28 x 40 columns of 500 m to a depth of 3.8 km; those over the box (with full data: all) are split in two."""
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
    """The survey with part of its data."""
    survey = datasets.load("camp_blocks", size="small" if data == "small" else "full")
    return (
        replace(survey, gravity=halved(survey.gravity), magnetics=halved(survey.magnetics))
        if data == "half"
        else survey
    )


def halved(part):
    """Every second line and every second station on it, of a grid of 250 m."""
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
    """Bodies of uniform properties fitted to all data, from the sparse models; their properties are the centers."""
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
    """Clusters at these centers, and bounds at the smallest and largest of them."""
    lower, upper = centers.min(axis=0), centers.max(axis=0)
    bounds = dict(zip(("density", "susceptibility"), zip(lower, upper, strict=True), strict=True))
    return {"bounds": bounds, "couplings": partial(CLUSTERS, centers=centers)}


def run(name, mesh, misfits, wires, folder: Path, max_iterations: int, **changes):
    """Models, χ, iterations and seconds of one run, which are kept in the folder."""
    kept = folder / f"{name.replace(', ', '_').replace(' ', '-')}.npz"
    if kept.exists():
        return dict(np.load(kept))
    if name in (BODIES, FOUND):
        bodies = search(mesh, misfits, wires, folder, max_iterations)
        if name == BODIES:
            return bodies
        changes = {**clusters_at(bodies["centers"]), **changes}
    arguments = {
        "bounds": POSITIVE,
        "norms": SPARSE,
        "alpha_s": 0.1,
        "coupling_ratios": 3.0,
        **RUNS.get(name, {}),
        **changes,
    }
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


def add_row(table, name, scores, result=None):
    """One row of the table, of a published model or of one of our runs."""
    if result is None:
        table.add_row(name, *scores, None, None, None)
    else:
        table.add_row(name, *scores, result["chi"], result.get("iterations"), result["seconds"])


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--data", choices=("small", "half", "full"), default="small")
    parser.add_argument("--runs", nargs="*", choices=RUNS, help="all, or those for the larger data sets")
    parser.add_argument("--max-iterations", type=int, default=90)
    parser.add_argument("--folder", type=Path, default=Path("output/camp_blocks"), help="where runs are kept")
    options = parser.parse_args()
    folder = options.folder / options.data
    folder.mkdir(parents=True, exist_ok=True)
    survey, mesh = load(options.data), make_mesh(options.data)
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    misfits = make_misfits(survey, mesh, wires, options.data)
    console = Console(width=140)
    table = results.Table(
        f"{len(survey.gravity.gz)} + {len(survey.magnetics.tmi)} data",
        f"camp_blocks, {len(survey.gravity.gz)} + {len(survey.magnetics.tmi)} data, {mesh.n_cells} cells",
        {
            "density rms, g/cc (corr.)": "{:.4f} ({:.3f})",
            "susceptibility rms, SI (corr.)": "{:.4f} ({:.3f})",
            "χ gravity, magnetics": "{:.2f}, {:.2f}",
            "iterations": "{:.0f}",
            "seconds": "{:.0f}",
        },
        heading="model",
    )
    found = []
    for name, models in (survey.published_models or {}).items():
        add_row(table, f"published {name}", compared(survey, survey.mesh, models))
    for name in options.runs or (RUNS if options.data == "small" else LARGE):
        result = run(name, mesh, misfits, wires, folder, options.max_iterations)
        add_row(table, name, compared(survey, mesh, result), result)
        if "centers" in result:
            found = [f"{density:.4f} g/cc and {susceptibility:.4f} SI" for density, susceptibility in result["centers"]]
            table.note = f"Centers found: {'; '.join(found)}."
        console.print(table.rich())
        results.store(options, table)


if __name__ == "__main__":
    main()
