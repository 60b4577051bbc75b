"""
Field data from start to end
============================

Gravity and magnetics over 36 x 36 km around the Ernest Henry copper-gold deposit, Queensland: look at the data, take a
trend out, make a mesh, invert each for itself and together, look at the fit, and write the models for other programs.

    python tutorials/02b_field_data.py --size small

What may be interpreted, and what may not:

- The compact magnetic body under the deposit (468.7 km E, 7739.8 km N), where the planes of the figures cross: it is in
  the magnetic data and in every model, and magnetite is what the ore comes with. Its depth extent is smeared.
- That body is *not* dense on its own here. Gravity stations are several kilometres apart; what passes by the deposit
  is an east-west ridge of density, and a coupling lets the magnetic body borrow a piece of its structure.
  Where a joint model shows density at the deposit and the separate one does not, no gravity datum says so.
- Residuals of gravity are coherent from station to station (see the table: neighbours agree, noise would not). They are
  regional sources and interpolation between stations, not noise, and the uncertainty of 0.5 mGal is made to cover them.
- The anomaly at 470.9 km E, 7757 km N is cut by the northern border of the crop: nothing holds its model on that side.
- The coupling changes little here (structural similarity 0.60 separate, 0.63 with cross-gradients): both data sets fix
  what they see, at scales that overlap little. What it does change is within what the data leave open.
- Absolute values depend on smoothing: read contrasts and places, not rock types. Whether density and susceptibility
  share boundaries at all is an assumption here, not a finding; look at both models before you believe it.

Everything in here is SimPEG; what this package adds is marked with ``#:``.
"""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree
from simpeg import data_misfit, maps
from simpeg.potential_fields import gravity, magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, plotting, recipes, regularization

DEPOSIT = (468_700.0, 7_739_800.0, -1250.0)
FIGURE_DEPTH = 10_000.0

# %%
# Data
# ----
# Grids of national surveys. Both are continued upwards by a kilometre (three on the coarse grid of ``--size small``):
# the magnetic grid was sampled too coarsely for what was measured on it. A trend of second order goes out of both: what
# lies deeper or farther away than the mesh. Look at it before and after: it must not take the anomalies along.


def load(every: int):
    """The data to invert, and the same with their trend."""
    options = {"upward_continuation": 1000.0 * every, "every": every, "gravity_uncertainty": 0.5}
    return (
        datasets.load("ernest_henry", trend_order=2, **options),  #:
        datasets.load("ernest_henry", remove_trend=False, **options),  #:
    )


def plot_survey(survey, raw) -> Figure:
    """Maps of both data sets, with their trend and without."""
    figure = Figure(figsize=(12, 9.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for row, (name, unit, before, after) in zip(
        axes,
        (("gravity gz", "mGal", raw.gravity, survey.gravity), ("magnetics tmi", "nT", raw.magnetics, survey.magnetics)),
        strict=True,
    ):
        for ax, title, part in zip(row, ("with its trend", "trend taken out"), (before, after), strict=True):
            values = part.gz if unit == "mGal" else part.tmi
            x, y = part.locations[:, :2].T / 1000.0
            most = np.abs(values - np.median(values)).max()
            middle = np.median(values) if part is before else 0.0
            points = ax.scatter(
                x, y, c=values, s=80_000 / len(x), marker="s", cmap="RdBu_r", vmin=middle - most, vmax=middle + most
            )
            ax.plot(DEPOSIT[0] / 1000.0, DEPOSIT[1] / 1000.0, "k*", markersize=13, markeredgecolor="white")
            ax.set(title=f"{name}, {title}", xlabel="Easting (km)", ylabel="Northing (km)", aspect=1.0)
            figure.colorbar(points, ax=ax, label=unit)
    return figure


# %%
# Mesh
# ----
# Cells as wide as the spacing of the data and half as high, padding as far as regional sources may lie.


def make_mesh(locations, width: float, n_padding: int, n_layers: int) -> TensorMesh:
    """Mesh around these stations; its top is at zero."""
    n_core = [int(np.ceil(np.ptp(locations[:, axis]) / width)) + 1 for axis in (0, 1)]
    sides = [[(width, n_padding, -1.4), (width, n), (width, n_padding, 1.4)] for n in n_core]
    thickness = 0.5 * width * np.r_[np.ones(n_layers), 1.3 ** np.arange(1, 7)]
    mesh = TensorMesh([*sides, thickness[::-1]])
    middle = 0.5 * (locations.min(axis=0) + locations.max(axis=0))
    mesh.origin = np.array([*(middle[axis] - 0.5 * mesh.h[axis].sum() for axis in (0, 1)), -thickness.sum()])
    return mesh


# %%
# Inversions
# ----------
# Each data set for itself, then both with the cross-gradient, then with the Gramian of gradients in windows of a few
# kilometres. Nothing else changes, and every data set is fitted to the same χ in all of them.


def make_couplings(mesh):
    """What makes each coupling; none for separate inversions."""
    window = [min(size, len(h)) for size, h in zip((6, 6, 4), mesh.h, strict=True)]
    return {
        "separate": None,
        "cross-gradient": regularization.CrossGradient,  #:
        "Gramian": lambda mesh, **maps_and_cells: regularization.Gramian(mesh, window=window, **maps_and_cells),  #:
    }


def make_misfits(survey, mesh, wires) -> list:
    """Gravity of the density, magnetics of the susceptibility."""
    simulations = [
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
    ]
    observed = [survey.gravity.data(), survey.magnetics.data()]
    return [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]


# %%
# What comes out
# --------------


def data_fits(recipe, misfits, survey) -> list[plotting.DataFit]:
    """Both data sets and what the model predicts."""
    predicted = [misfit.simulation.dpred(recipe.model) for misfit in misfits]
    return [
        plotting.DataFit(name, unit, part.locations, observed, there, part.uncertainty)
        for name, unit, part, observed, there in (
            ("gravity gz", "mGal", survey.gravity, survey.gravity.gz, predicted[0]),
            ("magnetics tmi", "nT", survey.magnetics, survey.magnetics.tmi, predicted[1]),
        )
    ]


def coherence(fit) -> float:
    """Correlation of residuals between neighbours: 0 for noise, 1 for what the model has left out."""
    _, neighbours = cKDTree(fit.locations[:, :2]).query(fit.locations[:, :2], k=5)
    return float(np.mean(fit.residual[:, None] * fit.residual[neighbours[:, 1:]]) / np.mean(fit.residual**2))


def body_at_the_deposit(mesh, susceptibility) -> str:
    """Where the strongest cell within five kilometres of the deposit is, in km, and how strong."""
    centers = mesh.cell_centers
    near = np.flatnonzero(np.hypot(*(centers[:, :2] - DEPOSIT[:2]).T) < 5000.0)
    best = near[np.argmax(susceptibility[near])]
    x, y, z = centers[best] / 1000.0
    return f"{susceptibility[best]:.3f} at {x:.1f} E, {y:.1f} N, {-z:.1f} deep"


def report(results, mesh, console):
    """A column for each run."""
    table = Table(title="Ernest Henry")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")

    def row(title, value):
        table.add_row(title, *(value(*result) for result in results.values()))

    row("χ gravity", lambda recipe, fits: f"{recipe.chi[0]:.3f}")
    row("χ magnetics", lambda recipe, fits: f"{recipe.chi[1]:.3f}")
    row("neighbouring residuals, gravity", lambda recipe, fits: f"{coherence(fits[0]):.2f}")
    row("neighbouring residuals, magnetics", lambda recipe, fits: f"{coherence(fits[1]):.2f}")
    row("iterations", lambda recipe, fits: str(recipe.inversion.opt.iter))

    def similarity(recipe, fits):
        return f"{regularization.structural_similarity(mesh, *recipe.properties(recipe.model).values()):.3f}"  #:

    row("structural similarity", similarity)
    row(
        "susceptibility at the deposit",
        lambda recipe, fits: body_at_the_deposit(mesh, recipe.properties(recipe.model)["susceptibility"]),
    )
    console.print(table)


def compare(results, mesh, limits, folder: Path):
    """Every run's model of one property below the other, crossing at the deposit."""
    for key, unit, signed in (("density", "g/cc", True), ("susceptibility", "SI", False)):
        rows = [
            plotting.PropertyModel(name, unit, recipe.properties(recipe.model)[key], signed=signed)
            for name, (recipe, _) in results.items()
        ]
        figure = plotting.plot_models(mesh, rows, center=DEPOSIT, limits=limits)  #:
        figure.savefig(folder / f"{key}.png", dpi=120)


def write(name, recipe, fits, mesh, limits, folder: Path):
    """Fit, cross-plot, where the two models disagree, convergence, and the models for other programs."""
    properties = recipe.properties(recipe.model)
    density, susceptibility = properties.values()
    axes = (
        plotting.PropertyModel("density contrast", "g/cc", density, signed=True),
        plotting.PropertyModel("susceptibility", "SI", susceptibility),
    )
    n = mesh.n_cells
    disagreement = regularization.CrossGradient(mesh, maps.Wires(("density", n), ("susceptibility", n)))  #:
    values = disagreement.cell_values(recipe.model)
    view = {"center": DEPOSIT, "limits": limits}
    title = f"{name}: |∇ρ × ∇κ|²"
    figures = {
        "data_fit": plotting.plot_data_fit(fits),  #:
        "crossplot": plotting.plot_crossplot(  #:
            *axes, weights=mesh.cell_volumes / 1e9, weights_label="volume (km³)", title=name
        ),
        "coupling": plotting.plot_cell_values(mesh, values, title=title, unit="per m³", per_volume=True, **view),  #:
        "convergence": plotting.plot_convergence(recipe.log.history),  #:
    }
    for key, figure in figures.items():
        figure.savefig(folder / f"{name}_{key}.png", dpi=120)
    plotting.export_models(folder, mesh, properties, formats=("ubc", "npz"), name=name)  #:


# %%
# All of it
# ---------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: every third datum each way")
    parser.add_argument("--output", type=Path, default=Path("output/02b_field_data"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    get_logger().setLevel("WARNING")

    every, n_padding, n_layers = (1, 6, 8) if options.size == "full" else (3, 4, 4)
    survey, raw = load(every)
    plot_survey(survey, raw).savefig(options.output / "survey.png", dpi=100)
    locations = survey.gravity.locations
    mesh = make_mesh(locations, 1000.0 * every, n_padding, n_layers)
    limits = [*zip(locations.min(axis=0)[:2], locations.max(axis=0)[:2], strict=True), (-FIGURE_DEPTH, 0.0)]
    n = mesh.n_cells
    wires = maps.Wires(("density", n), ("susceptibility", n))
    misfits = make_misfits(survey, mesh, wires)
    results = {}
    for name, coupling in make_couplings(mesh).items():
        gc.freeze()  # SimPEG collects garbage at every evaluation, and need not go through what imports have made
        recipe = recipes.create_joint_inversion(  #:
            mesh, misfits, wires, couplings=coupling, bounds={"susceptibility": (0.0, np.inf)}
        )
        recipe.run()  #:
        results[name] = (recipe, data_fits(recipe, misfits, survey))
        write(name, *results[name], mesh, limits, options.output)
    compare(results, mesh, limits, options.output)
    console = Console(width=130)
    report(results, mesh, console)
    console.print(f"Models, data fit and figures are in {options.output.resolve()}")
    if any((recipe.chi > 1.1).any() for recipe, _ in results.values()):
        raise SystemExit("Not all data sets reached their target misfit.")


if __name__ == "__main__":
    main()
