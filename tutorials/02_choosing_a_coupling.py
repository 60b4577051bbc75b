"""
Choosing a coupling
===================

One survey of gravity and magnetics, inverted under each coupling, each strategy and with a third model that stands
fixed, from the same ten lines: those of `invert` below.

    python tutorials/02_choosing_a_coupling.py --size small

==================  ================================================  ================================================
coupling            take it when                                      leave it when
==================  ================================================  ================================================
cross-gradient      the same boundaries show in both properties,      one property has boundaries that the other
                    and nothing is known of their values or signs     lacks: it is free to be flat there, but noise
                                                                      and artefacts of one get copied to the other
Gramian             gradients are proportional over a whole window,   signs change within a window: it averages them
                    as with one rock type against its host            away
Pearson             values go together along a line in every window,  a window holds two rocks on different lines, or
                    of any slope; robust against offsets              one property varies and the other does not
clusters            rock types and their properties are known from    properties are guesses: models then take the
                    samples, roughly or well                          guessed values, and fit the data with them
none (separate)     structure is in one property only, or where the   both data sets see the same bodies
                    two surveys see different depths
==================  ================================================  ================================================

A coupling never makes the data fit better: all models here fit equally well, and the coupling chooses among them.
It chooses right where what it asks for is true. Here it is true for the cross-gradient (both properties live in the
same two blocks), and for clusters if they are given the true centres. It is only half true for Gramian and Pearson:
their windows must be small enough not to hold both blocks, since the western one is dense and the eastern one light.

What to look for in the tables (correlation with the truth, density and susceptibility): smooth models gain little from
a coupling that knows structure only (0.59, 0.63 separate; 0.60, 0.63 cross-gradient), more from rock properties (0.73,
0.72 clusters). Blocky ones gain more (0.70, 0.66 separate; 0.78, 0.81 Gramian), but only clusters find the contrasts:
Gramian and Pearson put 0.7 g/cc where there are 0.4, into the lower half of the block, and the data agree. "Similarity"
says how alike the two models are, not how right: near 1 the coupling has got what it asked for, no more.

Everything in here is SimPEG; what this package adds is marked with ``#:``.
"""

from __future__ import annotations

import argparse
import gc
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.potential_fields import gravity, magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, plotting, recipes, regularization

# %%
# The script
# ----------
# A survey and a mesh, two simulations, two misfits: as everybody writes them. One call makes the inversion, a plain
# SimPEG one (``recipe.inversion``), with a trade-off parameter per property and the coupling's weight from its
# stiffness. Nothing is tuned by hand from one coupling to the next.


def invert(survey, **options):
    """Density and susceptibility from both data sets; `options` are those of the recipe."""
    mesh, n = survey.mesh, survey.mesh.n_cells
    wires = maps.Wires(("density", n), ("susceptibility", n))
    simulations = [
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
    ]
    observed = [survey.gravity.data(), survey.magnetics.data()]
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]
    bounds = {"susceptibility": (0.0, np.inf)}  # rocks are not diamagnetic to speak of
    recipe = recipes.create_joint_inversion(mesh, misfits, wires, bounds=bounds, **options)  #:
    return recipe, misfits


# %%
# The couplings
# -------------
# Each as what makes it: the recipe calls it with its mesh and maps. Windows are in cells, and smaller than the distance
# between the blocks. The centres of the clusters are (density in g/cc, susceptibility in SI), the first the background;
# here they are the true ones, as from samples of both rocks. The recipe lets clusters wait until all data are fitted.

CENTERS = [[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]]


def make_couplings(mesh):
    """What makes each coupling, by name; none for separate inversions."""
    window = [min(size, len(h)) for size, h in zip((4, 4, 4), mesh.h, strict=True)]
    return {
        "separate": None,
        "cross-gradient": regularization.CrossGradient,  #:
        "Gramian": partial(regularization.Gramian, window=window, overlap=0.5),  #:
        "Pearson": partial(regularization.LocalPearson, window=window),  #:
        "clusters": partial(regularization.GuidedFuzzyCMeans, centers=CENTERS),  #:
    }


# %%
# Smooth and blocky models
# ------------------------
# Norms of zero, by iteratively reweighted least squares, ask for few cells that differ and few faces over which
# anything changes: models come nearer to the size of a contrast. They harden every edge they find, also one that only
# the coupling has suggested; so couplings have a tenth of their usual strength here. (At full strength the two models
# become copies of each other, and can be worse than separate ones.)

BLOCKY = {"norms": (0.0, 0.0, 0.0, 0.0), "ratios": 0.1, "max_iterations": 100}


# %%
# Runs and what they leave
# ------------------------


@dataclass
class Result:
    """What an inversion leaves behind."""

    recipe: object
    misfits: list
    properties: dict[str, np.ndarray]
    seconds: float

    @property
    def iterations(self) -> int:
        """Of Gauss-Newton."""
        return int(self.recipe.inversion.opt.iter)

    @property
    def clusters(self):
        """The cluster coupling, if there is one."""
        terms = self.recipe.inversion.invProb.reg.objfcts
        return next((term for term in terms if isinstance(term, regularization.GuidedFuzzyCMeans)), None)


def run(survey, **options) -> Result:
    """Make the recipe, run it, take the time."""
    recipe, misfits = invert(survey, **options)
    gc.freeze()  # SimPEG collects garbage at every evaluation, and need not go through what imports have made
    begin = time.perf_counter()
    properties = recipe.run()  #:
    return Result(recipe, misfits, properties, time.perf_counter() - begin)


def report(title: str, results: dict[str, Result], survey, console: Console):
    """Data fit, distance from the truth, likeness of the two models, cost: a row for each run."""
    table = Table(title=title)
    for column in ("", "χ grav", "χ mag", "rms ρ", "rms κ", "corr ρ", "corr κ", "similarity", "iterations", "time, s"):
        table.add_column(column, justify="right" if column else "left")
    for name, result in results.items():
        pairs = [(result.properties[key], truth) for key, truth in survey.true_models.items()]
        rms = [f"{np.sqrt(np.mean((found - truth) ** 2)):.4f}" for found, truth in pairs]
        correlation = [f"{np.corrcoef(found, truth)[0, 1]:.3f}" for found, truth in pairs]
        similarity = regularization.structural_similarity(survey.mesh, *result.properties.values())  #:
        cost = [str(result.iterations), f"{result.seconds:.1f}"]
        table.add_row(
            name, *(f"{chi:.3f}" for chi in result.recipe.chi), *rms, *correlation, f"{similarity:.3f}", *cost
        )
    console.print(table)


def compare(name: str, results: dict[str, Result], survey, folder: Path):
    """One figure for each property: a row for each run, with the outlines of the true blocks."""
    units = {"density": ("g/cc", True), "susceptibility": ("SI", False)}
    x, y, z = (h.sum() for h in survey.mesh.h)
    center = survey.mesh.origin + np.array([7.5 / 24 * x, 0.5 * y, 8.5 / 12 * z])  # inside the western block
    for key, truth in survey.true_models.items():
        unit, signed = units[key]
        rows = [
            plotting.PropertyModel(title, unit, result.properties[key], signed=signed)
            for title, result in results.items()
        ]
        figure = plotting.plot_models(survey.mesh, rows, true_models=[truth] * len(rows), center=center)  #:
        figure.savefig(folder / f"{name}_{key}.png", dpi=120)


def write(name: str, result: Result, survey, folder: Path):
    """Cross-plot, data fit and convergence of one run."""
    density, susceptibility = result.properties.values()
    axes = (
        plotting.PropertyModel("density contrast", "g/cc", density, signed=True),
        plotting.PropertyModel("susceptibility", "SI", susceptibility),
    )
    options = {"weights": survey.mesh.cell_volumes, "weights_label": "volume (m³)", "title": name}
    if result.clusters is not None:
        options |= {
            "centers": result.clusters.centers,
            "memberships": result.clusters.memberships(result.recipe.model),
        }
    predicted = [misfit.simulation.dpred(result.recipe.model) for misfit in result.misfits]
    fits = [
        plotting.DataFit(kind, unit, data.locations, values, there, data.uncertainty)
        for kind, unit, data, values, there in (
            ("gravity gz", "mGal", survey.gravity, survey.gravity.gz, predicted[0]),
            ("magnetics tmi", "nT", survey.magnetics, survey.magnetics.tmi, predicted[1]),
        )
    ]
    figures = {
        "crossplot": plotting.plot_crossplot(*axes, **options),
        "data_fit": plotting.plot_data_fit(fits),
        "convergence": plotting.plot_convergence(result.recipe.log.history),
    }
    for key, figure in figures.items():
        figure.savefig(folder / f"{name.replace(' ', '_')}_{key}.png", dpi=120)


# %%
# One coupling, four strategies
# -----------------------------
# ``"simultaneous"`` moves both properties at once. ``"sequential"`` inverts the first for itself and lets it guide the
# second; take it when one data set is much the better one. ``"cooperative"`` goes on in turns, each guided by the
# latest of the other, until both rest. ``"separate"`` leaves the coupling out, to see what it does.


def strategies(survey) -> dict[str, Result]:
    """The cross-gradient under each strategy in which it acts."""
    return {
        name: run(survey, couplings=regularization.CrossGradient, strategy=name)  #:
        for name in ("sequential", "cooperative")
    }


# %%
# A third model that stands fixed
# -------------------------------
# Somebody else's velocity model, say, unknown (NaN) along the rim where no rays go: nothing is coupled to it there. It
# has no data here and does not change, but its boundaries attract those of density and susceptibility. Here it is
# right, and helps; one that is wrong does as much harm, and the data, fitted all the same, do not say so.


def with_fixed_model(survey) -> Result:
    """Cross-gradients between density, susceptibility and a velocity that knows the blocks."""
    density = survey.true_models["density"]
    rim = np.abs(survey.mesh.cell_centers[:, :2]).max(axis=1) > 1000.0
    velocity = np.where(rim, np.nan, 5000.0 + 2000.0 * density)
    return run(survey, couplings=regularization.CrossGradient, fixed_models={"velocity": velocity})  #:


# %%
# Cut off, and taken up again
# ---------------------------
# With ``checkpoint=`` the state is in a file after every iteration; the same recipe, made again, goes on from there.


def cut_off_and_resumed(survey, folder: Path) -> dict[str, np.ndarray]:
    """A run that ends after three iterations, and the rest of it."""
    path = folder / "state.npz"
    path.unlink(missing_ok=True)
    options = {"couplings": regularization.CrossGradient, "checkpoint": path}
    get_logger().setLevel("ERROR")  # it says that the data are not fitted yet
    invert(survey, max_iterations=3, **options)[0].run()  #:
    get_logger().setLevel("WARNING")
    return invert(survey, **options)[0].resume()  #:


# %%
# All of it
# ---------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: smooth models only")
    parser.add_argument("--output", type=Path, default=Path("output/02_choosing_a_coupling"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    get_logger().setLevel("WARNING")
    console = Console(width=120)

    shape, stations = ((16, 16, 8), (12, 12)) if options.size == "full" else ((12, 12, 6), (8, 8))
    survey = datasets.load("two_blocks", cell_size=2400.0 / shape[0], shape=shape, n_stations=stations)  #:
    couplings = make_couplings(survey.mesh)
    runs = {}
    for kind, extra in (("smooth", {}), ("blocky", BLOCKY))[: 2 if options.size == "full" else 1]:
        results = {name: run(survey, couplings=coupling, **extra) for name, coupling in couplings.items()}
        report(f"{kind} models", results, survey, console)
        compare(kind, results, survey, options.output)
        runs |= {f"{name} {kind}": result for name, result in results.items()}
    others = {name: runs[f"{name} smooth"] for name in ("separate", "cross-gradient")}
    others |= strategies(survey)
    others["fixed velocity"] = with_fixed_model(survey)
    others["simultaneous"] = others.pop("cross-gradient")
    report("cross-gradient, smooth models", others, survey, console)
    compare("strategies", others, survey, options.output)
    runs |= others
    for name, result in runs.items():
        write(name, result, survey, options.output)
    # for other programs: UBC and npz here; "vtk" too, if pyvista is installed
    plotting.export_models(  #:
        options.output, survey.mesh, runs["clusters smooth"].properties, formats=("ubc", "npz"), name="clusters"
    )
    resumed = cut_off_and_resumed(survey, options.output)
    same = all(np.array_equal(resumed[name], values) for name, values in others["simultaneous"].properties.items())
    console.print(f"Cut off and resumed, the models are {'the same' if same else 'others'}.")
    console.print(f"Figures and models are in {options.output.resolve()}")
    if any((result.recipe.chi > 1.0).any() for result in runs.values()):
        raise SystemExit("Not all data sets reached their target misfit.")


if __name__ == "__main__":
    main()
