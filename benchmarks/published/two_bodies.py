"""Every coupling and strategy on the published two bodies, whose density and susceptibility are proportional.

    python -m benchmarks.published.two_bodies --small

Gravity and magnetic data over a dipping body, a slab and a box, and over a second box with the opposite contrasts (Del
Razo Gonzalez and Yutsis, 2023, https://doi.org/10.3390/app132011292; made for the Gramian). Every row is one call of
`recipes.create_joint_inversion`, with a coupling ratio of 1 if not told otherwise. The mesh is the published one,
without padding. There are no bounds, because the light box has a negative susceptibility.
"""

from __future__ import annotations

import contextlib
import gc
import io
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from rich.console import Console
from simpeg import data_misfit, maps

from benchmarks._common import results
from simpeg_jointdl import datasets, directives, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

PROPERTIES = ("density", "susceptibility")
SPARSE = (0, 1, 1, 1)


def couplings(centers) -> dict:
    """What a recipe makes each coupling with, by name; `centers` are those of the clusters."""
    clusters = partial(regularization.GuidedFuzzyCMeans, centers=centers)
    return {
        "cross-gradient": regularization.CrossGradient,
        "Gramian": partial(regularization.Gramian, window=(4, 4, 4), overlap=0.5),
        "Pearson": partial(regularization.LocalPearson, window=(6, 6, 4)),
        "clusters, fixed centers": partial(clusters, guidance=np.inf),
        "clusters, guided centers": clusters,
    }


def true_centers(survey) -> np.ndarray:
    """The rock units of the true model, (n_units, 2): every pair of density and susceptibility once."""
    return np.unique(np.column_stack([survey.true_models[name] for name in PROPERTIES]).round(9), axis=0)


def make_misfits(survey):
    """Both data misfits, and the wires of the two properties."""
    mesh, n = survey.mesh, int(survey.active_cells.sum())
    wires = maps.Wires(*((name, n) for name in PROPERTIES))
    # sensitivities are stored, as in the literature; with the Toeplitz engine couplings would dominate the time
    shared = {"active_cells": survey.active_cells, "engine": "dense"}
    simulations = (
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density, **shared),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility, **shared),
    )
    data = (survey.gravity.data(), survey.magnetics.data())
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(data, simulations, strict=True)]
    return misfits, wires


@dataclass
class Outcome:
    """The result of an inversion."""

    models: dict
    chi: np.ndarray
    iterations: int
    seconds: float


def invert(survey, prepared, coupling=None, of_directive=None, **options) -> Outcome:
    """Call the recipe once.

    `prepared` is what `make_misfits` returned, so that sensitivities are computed once. `of_directive` holds attributes
    to set on the recipe's `EstimateCouplingWeights`.
    """
    misfits, wires = prepared
    recipe = recipes.create_joint_inversion(
        survey.mesh,
        misfits,
        wires,
        active_cells=survey.active_cells,
        couplings=coupling,
        **{"strategy": "simultaneous" if coupling else "separate", "progress": False} | options,
    )
    for directive in recipe.inversion.directiveList:
        if isinstance(directive, directives.EstimateCouplingWeights):
            for key, value in (of_directive or {}).items():
                setattr(directive, key, value)
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        models = recipe.run()
    return Outcome(models, recipe.chi, recipe.inversion.opt.iter, time.perf_counter() - began)


def rms_errors(models, truth) -> np.ndarray:
    """Root mean square error of each property over all cells."""
    return np.array([np.sqrt(np.mean((models[name] - truth[name]) ** 2)) for name in PROPERTIES])


def correlations(models, truth) -> np.ndarray:
    """Correlation of each property with the truth."""
    return np.array([np.corrcoef(models[name], truth[name])[0, 1] for name in PROPERTIES])


def rows(survey, small: bool):
    """Label, coupling and options of every inversion."""
    made = couplings(true_centers(survey))
    made["Gramian of the values"] = partial(regularization.Gramian, operator="identity")  # a linear relation
    chosen = ["cross-gradient", "Pearson"]
    for label, norms in (("smooth", None), ("sparse", SPARSE)):
        if small and norms:
            return
        yield f"{label}, separate", None, {"norms": norms}
        for name, coupling in made.items():
            yield f"{label}, {name}", coupling, {"norms": norms}
        for name in chosen[: 1 if small else None]:
            for strategy in ("sequential", "cooperative"):
                yield f"{label}, {name}, {strategy}", made[name], {"norms": norms, "strategy": strategy}


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--small", action="store_true", help="smooth models and one coupling's strategies only")
    parser.add_argument("--only", default="", help="rows whose label contains this text")
    parser.add_argument("--ratio", type=float, default=1.0)
    options = parser.parse_args()
    survey = datasets.load("two_bodies")
    prepared = make_misfits(survey)
    for misfit in prepared[0]:
        misfit.simulation.G  # noqa: B018, computed here, so that it is not part of a row's time
    zero = rms_errors(dict.fromkeys(PROPERTIES, 0.0), survey.true_models)
    table = results.Table(
        "two_bodies",
        f"two_bodies, coupling ratio {options.ratio:g}",
        {
            "density rms, g/cc": "{:.4f}",
            "susceptibility rms, SI": "{:.5f}",
            "density corr.": "{:.3f}",
            "susceptibility corr.": "{:.3f}",
            "χ gravity": "{:.2f}",
            "χ magnetics": "{:.2f}",
            "iterations": "{:.0f}",
            "seconds": "{:.1f}",
        },
        note=f"rms of the zero model: {zero[0]:.4f} g/cc, {zero[1]:.5f} SI.",
        heading="inversion",
    )
    console = Console(width=140)
    gc.collect()
    gc.freeze()  # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each
    for label, coupling, extra in rows(survey, options.small):
        if options.only not in label:
            continue
        out = invert(survey, prepared, coupling, coupling_ratios=options.ratio, **extra)
        rms, corr = rms_errors(out.models, survey.true_models), correlations(out.models, survey.true_models)
        table.add_row(label, *rms, *corr, *out.chi, out.iterations, out.seconds)
        console.log(label, *table.cells(label))
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
