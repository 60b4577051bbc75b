"""
Joint inversion of gravity and magnetic data
============================================

For a geophysicist who has written a SimPEG script and now has two data sets over the same bodies.
Density and susceptibility are recovered three times from the same synthetic data: separately, with a
coupling of their structure, and with a coupling to known rock properties. All three fit the data equally
well; what differs is how near they come to the truth.
"""

import os
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.potential_fields import gravity, magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import data, datasets, diagnostics, io, plotting, recipes, regularization

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small" for a quick look
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Data
# ----
# Two buried blocks below a level survey. The western block is dense and magnetic, the eastern block is light and
# magnetic: the properties share their boundaries but are not proportional to each other. The noise is 2 % of the
# largest anomaly of each method.

shape, n_stations = ((24, 24, 12), (16, 16)) if SIZE == "full" else ((16, 16, 8), (12, 12))
survey = datasets.load("two_blocks", shape=shape, cell_size=2400.0 / shape[0], n_stations=n_stations)
mesh, truth = survey.mesh, survey.true_models

# %%
# Simulations and data misfits
# ----------------------------
# As in any SimPEG script. The model holds both properties, one after the other; each simulation takes its own part
# through its wire.

n = mesh.n_cells
wires = maps.Wires(("density", n), ("susceptibility", n))
simulations = [
    gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
    magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
]
observed = [survey.gravity.data(), survey.magnetics.data()]
misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]

# %%
# Three inversions
# ----------------
# One call assembles each inversion: smoothness, sensitivity weights, a trade-off parameter for each property, the
# weight of the coupling, the preconditioner and the stopping rule. ``recipe.inversion`` is a plain SimPEG inversion.
#
# The cross-gradient asks that both properties change in the same or in opposite directions, wherever both change. The
# clusters are three rock types (density contrast in g/cc, susceptibility in SI), as if known from samples.

rocks = [[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]]
couplings = {
    "separate": None,
    "cross-gradient": regularization.CrossGradient,
    "known rocks": partial(regularization.GuidedFuzzyCMeans, centers=rocks),
}
runs, models = {}, {}
for name, coupling in couplings.items():
    runs[name] = recipes.create_joint_inversion(
        mesh, misfits, wires, couplings=coupling, bounds={"susceptibility": (0.0, np.inf)}, progress=False
    )
    models[name] = runs[name].run()

# %%
# Results in numbers
# ------------------
# χ is the misfit per datum, with a target of 1. The structural similarity says how alike the two models are, from 0 to
# 1; it does not say that they are right. Only a synthetic example can show the correlation with the true model.

table = Table("", *runs, title=f"{survey.gravity.gz.size} stations, {n} cells")
table.add_row("χ gravity, χ magnetics", *(f"{r.chi[0]:.2f}, {r.chi[1]:.2f}" for r in runs.values()))
similarity = [diagnostics.structural_similarity(mesh, *m.values()) for m in models.values()]
table.add_row("structural similarity", *(f"{s:.2f}" for s in similarity))
for key, true in truth.items():
    correlations = [np.corrcoef(m[key], true)[0, 1] for m in models.values()]
    table.add_row(f"correlation with true {key}", *(f"{c:.2f}" for c in correlations))
Console(width=100).print(table)

# %%
# Density
# -------
# Smooth models are spread out and too weak, with or without the cross-gradient: it makes the two models agree, and the
# data leave much room for models that agree. Known rocks give the contrasts.

center = (-450.0, 0.0, -350.0)  # easting, northing and elevation in m, inside the western block
rows = [data.PropertyModel(f"density, {name}", "g/cc", m["density"], signed=True) for name, m in models.items()]
density_figure = plotting.plot_models(mesh, rows, true_models=[truth["density"]] * 3, center=center)
density_figure.savefig(OUTPUT / "01_density.png")

# %%
# Susceptibility
# --------------
rows = [data.PropertyModel(f"susceptibility, {name}", "SI", m["susceptibility"]) for name, m in models.items()]
susceptibility_figure = plotting.plot_models(mesh, rows, true_models=[truth["susceptibility"]] * 3, center=center)
susceptibility_figure.savefig(OUTPUT / "01_susceptibility.png")

# %%
# Density against susceptibility
# ------------------------------
# With known rocks, most cells gather about the three rock types (rings). Those in between are where the data do
# not say which rock it is.

recipe = runs["known rocks"]
clusters = next(t for t in recipe.inversion.invProb.reg.objfcts if isinstance(t, regularization.GuidedFuzzyCMeans))
crossplot = plotting.plot_crossplot(
    data.PropertyModel("density contrast", "g/cc", models["known rocks"]["density"], signed=True),
    data.PropertyModel("susceptibility", "SI", models["known rocks"]["susceptibility"]),
    weights=mesh.cell_volumes,
    centers=clusters.centers,
    memberships=clusters.memberships(recipe.model),
)
crossplot.savefig(OUTPUT / "01_crossplot.png")

# %%
# Data fit
# --------
# Of the model with known rocks. Residuals should look like noise, and a χ of 1 does not say that they do: over the
# western block they have one sign in places, because the recovered block is about 100 m too deep.

gz, tmi = (simulation.dpred(recipe.model) for simulation in simulations)
fits = [
    plotting.DataFit("gravity", "mGal", survey.gravity.locations, survey.gravity.gz, gz, survey.gravity.uncertainty),
    plotting.DataFit("tmi", "nT", survey.magnetics.locations, survey.magnetics.tmi, tmi, survey.magnetics.uncertainty),
]
fit_figure = plotting.plot_data_fit(fits)
fit_figure.savefig(OUTPUT / "01_data_fit.png")

# %%
# Models for other programs
# -------------------------
# UBC and npz files; ``"vtk"`` too, where pyvista is installed.

io.export_models(OUTPUT, mesh, models["known rocks"], formats=("ubc", "npz"), name="01_known_rocks")
