"""
Fine-tuning a network on field data
===================================

Gravity and magnetics over 36 x 36 km around the Ernest Henry copper-gold deposit, Queensland. The pre-trained network
of :doc:`10_pretrained_network` predicts density and susceptibility, and an inversion of its weights fits both data
sets. Beside it stands a sparse inversion over cells, coupled by the cross-gradient.

The data are read from the folder in ``SIMPEG_JOINTDL_DATA``, or downloaded: ``pip install "simpeg_jointdl[data]"``.
"""

import os
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg import maps
from simpeg.data_misfit import L2DataMisfit
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, diagnostics, networks, plotting, recipes, regularization
from simpeg_jointdl.data import PropertyModel
from simpeg_jointdl.potential_fields import gravity, magnetics

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small": every fourth datum, to test the script
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# The data
# --------
# The data are continued upwards by about the distance between them, and a trend of second order is removed (tutorial
# 02b says why).

every = 4 if SIZE == "small" else 1
try:
    survey = datasets.load(
        "ernest_henry", trend_order=2, upward_continuation=1000.0 * every, every=every, gravity_uncertainty=0.5
    )
except (FileNotFoundError, ModuleNotFoundError) as error:
    message = f"This tutorial needs the data set ernest_henry and the extra 'data': {error}"
    raise SystemExit(message) from error
data = [survey.gravity.data(), survey.magnetics.data()]

# %%
# Prediction
# ----------
# The files hold no heights, so the ground is a plane at elevation 0. The network's cells are as wide as the data are
# apart. A grid of more than 32 x 32 values is cut into tiles that overlap.

start = time.perf_counter()
prediction = networks.GravMagUNet.from_pretrained().predict(*data, ground=0.0)
seconds = {"network": time.perf_counter() - start}
results = {"network": {"density": prediction.density, "susceptibility": prediction.susceptibility}}
mesh = prediction.mesh
identity = maps.IdentityMap(nP=mesh.n_cells)
simulations = [
    gravity.Simulation3DIntegral(mesh, survey=data[0].survey, rhoMap=identity),
    magnetics.Simulation3DIntegral(mesh, survey=data[1].survey, chiMap=identity),
]

# %%
# Fine-tuning
# -----------

start = time.perf_counter()
recipe = recipes.create_finetuned_inversion(
    data, simulations, placement=networks.Placement(ground=0.0), tuning=recipes.FineTuning(dtype="float32"),
    progress=False,
)  # fmt: skip
results["fine-tuned"] = recipe.run()
seconds["fine-tuned"] = time.perf_counter() - start

# %%
# Without a network
# -----------------

wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
misfits = [
    L2DataMisfit(data[0], gravity.Simulation3DIntegral(mesh, survey=data[0].survey, rhoMap=wires.density)),
    L2DataMisfit(data[1], magnetics.Simulation3DIntegral(mesh, survey=data[1].survey, chiMap=wires.susceptibility)),
]
start = time.perf_counter()
results["sparse, joint"] = recipes.create_joint_inversion(
    mesh, misfits, wires, couplings=regularization.CrossGradient, norms=(0, 1, 1, 1),
    bounds={"susceptibility": (0.0, np.inf)}, progress=False,
).run()  # fmt: skip
seconds["sparse, joint"] = time.perf_counter() - start

# %%
# χ is the data misfit per datum: 1 where the data are fitted to their uncertainty.

table = Table(title=f"{data[0].nD} + {data[1].nD} data, {mesh.n_cells} cells of {mesh.h[0][0]:.0f} m")
for heading in ("model", "χ gravity", "χ magnetics", "structural similarity", "time (s)"):
    table.add_column(heading, justify="right" if table.columns else "left")
labels = {"density": ("gravity gz", "mGal"), "susceptibility": ("magnetics tmi", "nT")}
fits = {}
for name, found in results.items():
    fits[name] = [
        plotting.DataFit(
            *label, one.survey.receiver_locations, one.dobs, simulation.dpred(found[key]), one.standard_deviation
        )
        for (key, label), one, simulation in zip(labels.items(), data, simulations, strict=True)
    ]
    similarity = diagnostics.structural_similarity(mesh, found["density"], found["susceptibility"])
    table.add_row(name, *(f"{fit.chi:.2f}" for fit in fits[name]), f"{similarity:.2f}", f"{seconds[name]:.1f}")
Console(width=100).print(table)

# %%
# Density, with planes that cross at the deposit. The sections are exaggerated twofold.

deposit = (468_700.0, 7_739_800.0, -1250.0)  # m, MGA94 zone 54
limits = [*zip(mesh.nodes.min(axis=0)[:2], mesh.nodes.max(axis=0)[:2], strict=True), (-10_000.0, 0.0)]
view = {"center": deposit, "limits": limits, "vertical_exaggeration": 2.0}
style = {"signed": True, "color_limits": (-0.25, 0.25)}
models = [PropertyModel(name, "g/cc", one["density"], **style) for name, one in results.items()]
density_figure = plotting.plot_models(mesh, models, **view)
density_figure.savefig(OUTPUT / "11_density.png")

# %%
# Susceptibility. The colours end at 0.3; larger values occur near the border and in the uppermost cells.

models = [PropertyModel(name, "SI", one["susceptibility"], color_limits=(0.0, 0.3)) for name, one in results.items()]
susceptibility_figure = plotting.plot_models(mesh, models, **view)
susceptibility_figure.savefig(OUTPUT / "11_susceptibility.png")

# %%
# The fit of the fine-tuned model. The largest residuals are at the border and above the strongest magnetic bodies.

fit_figure = plotting.plot_data_fit(fits["fine-tuned"])
fit_figure.savefig(OUTPUT / "11_data_fit.png")

# %%
# Interpretation
# --------------
# This describes the models of full size; with every fourth datum the cells are too coarse to interpret.
#
# The magnetic body below the deposit is in the data, in the prediction and in both inversions. Both inverted models
# fit the data, so the data do not decide where they differ. Do not interpret anomalies at the border, which stand for
# sources outside the survey, or the texture of single cells in the fine-tuned susceptibility. Gravity stations are
# several kilometres apart, so the density at the deposit is not resolved.
