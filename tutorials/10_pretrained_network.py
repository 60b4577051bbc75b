"""
Gravity and magnetics inverted by a pre-trained network
=======================================================

A U-Net turns a gravity grid and a total-field grid into density and susceptibility in a fraction of a second. It was
trained on random geological models. Its prediction does not fit the data to their noise, so an inversion of its
weights, called fine-tuning, follows.

For users of 3-D potential-field inversion who want a fast first model. Training needs Lightning Fabric:
``pip install "simpeg_jointdl[train]"``.
"""

import os
import time
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.utils import get_logger

from simpeg_jointdl import networks, plotting, recipes
from simpeg_jointdl.data import PropertyModel
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train
from simpeg_jointdl.potential_fields import gravity, magnetics

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small": two iterations of fine-tuning
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# A survey
# --------
# Random geology of the kind that the network was trained on, in 32 x 32 x 16 cells of 40 m, and one station above
# every column. The network accepts any cell size and any inducing field. The noise is 3 % of the rms of the data.

truth = synthetic.sample_geology(
    (16, 32, 32), 1, kinds={"blocks": 1.0, "intrusions": 1.0}, sharing="partly", random_seed=12
)[0].numpy()  # (property, z from the top, y, x)
truth = {"density": truth[0, ::-1].ravel(), "susceptibility": truth[1, ::-1].ravel()}  # g/cc and SI
mesh = TensorMesh([[(40.0, 32)], [(40.0, 32)], [(40.0, 16)]], origin=(0.0, 0.0, -640.0))
x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
stations = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 30.0)])
gravity_survey = gravity.Survey(gravity.SourceField([gravity.Point(stations, components="gz")]))
field = {"amplitude": 52_000.0, "inclination": -58.0, "declination": 7.0}  # nT, degrees
tmi = magnetics.Point(stations, components="tmi")
magnetic_survey = magnetics.Survey(magnetics.UniformBackgroundField([tmi], **field))
identity = maps.IdentityMap(nP=mesh.n_cells)
simulations = [
    gravity.Simulation3DIntegral(mesh, survey=gravity_survey, rhoMap=identity),
    magnetics.Simulation3DIntegral(mesh, survey=magnetic_survey, chiMap=identity),
]

rng = np.random.default_rng(0)
data = []
for simulation, model in zip(simulations, truth.values(), strict=True):
    exact = simulation.dpred(model)
    error = 0.03 * np.sqrt(np.mean(exact**2))
    data.append(Data(simulation.survey, exact + error * rng.standard_normal(exact.size), standard_deviation=error))

# %%
# Training
# --------
# The command ``python -m simpeg_jointdl.networks.train gravmag`` trains the network; here it is called from Python at
# its smallest size, 40 steps. The weights in the package come from the same command at full size.

train.main(["gravmag", "--size", "small", "--output", str(OUTPUT / "10_small.safetensors")])
small_network = networks.GravMagUNet.from_pretrained(OUTPUT / "10_small.safetensors")
network = networks.GravMagUNet.from_pretrained()

# %%
# Prediction
# ----------

results, seconds = {}, {}
for name, one in {"40 training steps": small_network, "network": network}.items():
    start = time.perf_counter()
    prediction = one.predict(*data)
    seconds[name] = time.perf_counter() - start
    results[name] = {"density": prediction.density, "susceptibility": prediction.susceptibility}

# %%
# Fine-tuning
# -----------
# The prediction is first fitted to the data over cells, with as little change as they allow. The weights are then
# inverted for models near that result until both data sets are fitted. What remains after a few steps is taken up by
# the cells. ``recipe.network`` is the fine-tuned network.

limit = {"max_iterations": 2} if SIZE == "small" else {}
start = time.perf_counter()
tuning = recipes.FineTuning(dtype="float32")
recipe = recipes.create_finetuned_inversion(data, simulations, tuning=tuning, progress=False, **limit)
results["fine-tuned"] = recipe.run()
seconds["fine-tuned"] = time.perf_counter() - start

# %%
# Without a network
# -----------------
# For comparison, sparse norms and no coupling: each data set is inverted for its own property.

wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
misfits = [
    L2DataMisfit(data[0], gravity.Simulation3DIntegral(mesh, survey=gravity_survey, rhoMap=wires.density)),
    L2DataMisfit(data[1], magnetics.Simulation3DIntegral(mesh, survey=magnetic_survey, chiMap=wires.susceptibility)),
]
start = time.perf_counter()
results["sparse norms"] = recipes.create_joint_inversion(
    mesh, misfits, wires, strategy="separate", norms=(0, 1, 1, 1), bounds={"susceptibility": (0.0, np.inf)},
    progress=False,
).run()  # fmt: skip
seconds["sparse norms"] = time.perf_counter() - start

# %%
# Errors are relative to the rms of the truth. χ is the data misfit per datum: 1 where the data are fitted to their
# noise.

table = Table(title=f"{data[0].nD} + {data[1].nD} data, 3 % noise")
for heading in ("model", "error, density", "error, susceptibility", "χ gravity", "χ magnetics", "time (s)"):
    table.add_column(heading, justify="right" if table.columns else "left")
labels = {"density": ("gravity gz", "mGal"), "susceptibility": ("magnetics tmi", "nT")}
fits = {}
for name, found in results.items():
    errors = [np.linalg.norm(found[key] - truth[key]) / np.linalg.norm(truth[key]) for key in truth]
    fits[name] = [
        plotting.DataFit(*label, stations, one.dobs, simulation.dpred(found[key]), one.standard_deviation)
        for (key, label), one, simulation in zip(labels.items(), data, simulations, strict=True)
    ]
    numbers = (f"{value:.2f}" for value in (*errors, *(fit.chi for fit in fits[name])))
    table.add_row(name, *numbers, f"{seconds[name]:.2f}")
Console(width=100).print(table)

# %%
# Density on three levels, with the true boundaries. The network finds compact bodies at depth, the sparse inversion
# broad and weak ones. Fine-tuning changes the model little.

shown = {"true": truth} | {name: results[name] for name in ("network", "fine-tuned", "sparse norms")}
depths = (100.0, 220.0, 380.0)  # m
models = [PropertyModel(name, "g/cc", one["density"], signed=True) for name, one in shown.items()]
density_figure = plotting.plot_depth_slices(mesh, models, depths=depths, true_models=[truth["density"]] * 4)
density_figure.savefig(OUTPUT / "10_density.png")

# %%
# Susceptibility on the same levels.

models = [PropertyModel(name, "SI", one["susceptibility"]) for name, one in shown.items()]
outlines = [truth["susceptibility"]] * 4
susceptibility_figure = plotting.plot_depth_slices(mesh, models, depths=depths, true_models=outlines)
susceptibility_figure.savefig(OUTPUT / "10_susceptibility.png")

# %%
# The fit of the fine-tuned model. χ is a mean: the magnetic residuals above the edges of the shallow body in the
# north-west are larger than the noise, and those elsewhere smaller.

fit_figure = plotting.plot_data_fit(fits["fine-tuned"])
fit_figure.savefig(OUTPUT / "10_data_fit.png")

# %%
# Limits
# ------
# The network was trained on layers, folds, faults, blocks, ellipsoids, intrusions and dykes below flat ground, with
# induced magnetization. It returns such geology from any data, and the data resolve only part of it.
