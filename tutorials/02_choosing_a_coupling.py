"""
Choosing a coupling
===================

For a geophysicist who has run a joint inversion (tutorial 01) and wonders which coupling and which strategy
to take. Gravity and magnetics over two blocks are inverted with every coupling, for smooth and for blocky
models, with every strategy, and with a third model that is known. A coupling never improves the data fit:
it chooses among the models that fit, and it chooses well where its assumption holds.
"""

# %%
# ==============  =============================================  ================================================
# coupling        use it when                                    avoid it when
# ==============  =============================================  ================================================
# cross-gradient  both properties have the same boundaries, and  one property has boundaries that the other lacks:
#                 nothing is known of values or signs            artefacts of one model are copied to the other
# Gramian         gradients are proportional within each window  their sign of proportion changes within a window
# local Pearson   values are linearly related in each window,    a window holds two rocks on different lines, or
#                 with any slope and offset                      only one property varies
# clusters        the properties of the rock types are known     they are guessed: the model takes the guessed
#                 from samples, well or roughly                  values and still fits the data
# none            structure is in one property only, or the      both data sets see the same bodies
#                 surveys see different depths
# ==============  =============================================  ================================================

import os
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.potential_fields import gravity, magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, diagnostics, recipes, regularization

OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Problem
# -------
# The western block is dense and magnetic, the eastern block light and magnetic. So the boundaries are shared, and no
# single relation between density and susceptibility holds everywhere.

survey = datasets.load("two_blocks", shape=(16, 16, 8), cell_size=150.0, n_stations=(12, 12))
mesh, truth = survey.mesh, survey.true_models
wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
simulations = [
    gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
    magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
]
observed = [survey.gravity.data(), survey.magnetics.data()]
misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]


def invert(**options):
    """Run one inversion; nothing but these options of the recipe differs between the runs."""
    recipe = recipes.create_joint_inversion(
        mesh, misfits, wires, bounds={"susceptibility": (0.0, np.inf)}, progress=False, **options
    )
    recipe.run()
    return recipe


# %%
# The same table and the same figure serve every comparison: west-east sections through the middle of the blocks, all
# with the same colours, and all cells of the model as points in the plane of the two properties.


def print_table(title, runs):
    """Print data fit, correlation with the true models, and likeness of the two recovered models."""
    table = Table(title=title)
    for column in ("", "χ gravity", "χ magnetics", "correlation ρ", "correlation κ", "similarity", "iterations"):
        table.add_column(column, justify="right" if column else "left")
    for name, recipe in runs.items():
        models = recipe.properties(recipe.model)
        correlations = [np.corrcoef(models[key], truth[key])[0, 1] for key in truth]
        similarity = diagnostics.structural_similarity(mesh, *models.values())
        numbers = [f"{number:.2f}" for number in (*recipe.chi, *correlations, similarity)]
        table.add_row(name, *numbers, str(recipe.inversion.opt.iter))
    Console(width=110).print(table)


def plot_comparison(runs):
    """Draw a row for each run, the truth on top: section of density, section of susceptibility, cross-plot."""
    rows = {"truth": truth} | {name: recipe.properties(recipe.model) for name, recipe in runs.items()}
    figure = Figure(figsize=(12, 0.5 + 1.8 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 3, sharex="col", sharey="col", width_ratios=(2, 2, 1), squeeze=False)
    styles = {
        "density": {"cmap": "RdBu_r", "vmin": -0.4, "vmax": 0.4},
        "susceptibility": {"cmap": "viridis", "vmin": 0.0, "vmax": 0.06},
    }
    for (name, models), row in zip(rows.items(), axes, strict=True):
        for ax, (key, style), unit in zip(row, styles.items(), ("g/cc", "SI"), strict=False):
            section = models[key].reshape(mesh.shape_cells, order="F")[:, mesh.shape_cells[1] // 2]
            image = ax.pcolormesh(mesh.nodes_x, mesh.nodes_z, section.T, **style)
            for block in (truth["density"] > 0, truth["density"] < 0):
                corners = mesh.cell_centers[block][:, [0, 2]] + mesh.h[0][0] * np.array([[[-0.5]], [[0.5]]])
                low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
                ax.add_patch(
                    Rectangle(low, *(high - low), fill=False, edgecolor="black" if unit == "g/cc" else "white")
                )
            ax.set(title=f"{key}, {name}", ylabel="Elevation (m)", aspect=1.0)
            figure.colorbar(image, ax=ax, label=unit, extend="both")
        row[2].plot(*models.values(), ".", markersize=3)
        row[2].set(title=name, ylabel="susceptibility (SI)")
        row[2].grid(alpha=0.3)
    for ax, label in zip(axes[-1], ("Easting (m)", "Easting (m)", "density contrast (g/cc)"), strict=True):
        ax.set_xlabel(label)
    return figure


# %%
# Smooth models
# -------------
# The recipe calls each coupling with its mesh and maps, so a class is enough, or a ``partial`` that fixes its options.
# Windows are in cells, and smaller than the distance between the blocks. The cluster centres are (density contrast in
# g/cc, susceptibility in SI), the first one the background; they are guided, that is, they may move. Clusters wait
# until all data are fitted, the other couplings begin at once.

couplings = {
    "separate": None,
    "cross-gradient": regularization.CrossGradient,
    "Gramian": partial(regularization.Gramian, window=(4, 4, 4), overlap=0.5),
    "local Pearson": partial(regularization.LocalPearson, window=(4, 4, 4)),
    "clusters": partial(regularization.GuidedFuzzyCMeans, centers=[[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]]),
}
smooth = {name: invert(couplings=coupling) for name, coupling in couplings.items()}
print_table("smooth models", smooth)

# %%
# Couplings of structure change smooth models little: the data leave room for models that agree, and smoothing decides
# the rest. Rock properties add information that neither data set has. "Similarity" says how alike the two models are,
# not how right.

smooth_figure = plot_comparison(smooth)
smooth_figure.savefig(OUTPUT / "02_smooth.png")

# %%
# Blocky models
# -------------
# Norms of zero, by iteratively reweighted least squares (IRLS), ask for few cells that differ from the background and
# few faces over which anything changes. They sharpen every boundary they find, also one that only the coupling has
# suggested. So the couplings have a tenth of their usual strength here (:doc:`/user_guide/coupling_ratios`).

blocky = {
    name: invert(couplings=coupling, norms=(0.0, 0.0, 0.0, 0.0), coupling_ratios=0.1, max_iterations=100)
    for name, coupling in couplings.items()
}
print_table("blocky models", blocky)

# %%
# The western block has the right edges now, and the wrong contrast: the Gramian and the local Pearson coupling make it
# too thin and too strong, and the data agree with that. Only the clusters find the contrasts of both blocks.

blocky_figure = plot_comparison(blocky)
blocky_figure.savefig(OUTPUT / "02_blocky.png")

# %%
# Strategies
# ----------
# ``"simultaneous"``, the default, changes both properties at once. ``"sequential"`` inverts the first property
# separately and lets it guide the second: use it where one data set is much the better one. ``"cooperative"`` takes
# turns, each property guided by the latest model of the other, until neither changes. ``"separate"`` leaves the
# coupling out. Here all of them end in nearly the same models.

strategies = {"separate": smooth["separate"], "simultaneous": smooth["cross-gradient"]}
for strategy in ("sequential", "cooperative"):
    strategies[strategy] = invert(couplings=regularization.CrossGradient, strategy=strategy)

# %%
# A known third model
# -------------------
# For example a velocity model by somebody else, NaN where no rays pass: nothing is coupled to it there. It has no data
# and does not change, but its boundaries attract those of density and susceptibility. Here it is right, and helps; a
# wrong one can do as much harm, and the data fit does not show it.

rim = np.abs(mesh.cell_centers[:, :2]).max(axis=1) > 1000.0
velocity = np.where(rim, np.nan, 5000.0 + 2000.0 * truth["density"])  # in m/s
strategies["known velocity"] = invert(couplings=regularization.CrossGradient, fixed_models={"velocity": velocity})
print_table("cross-gradient, smooth models", strategies)
strategy_figure = plot_comparison(strategies)
strategy_figure.savefig(OUTPUT / "02_strategies.png")
