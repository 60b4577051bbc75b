"""
Large problems: engines, checkpoints and workers
================================================

For users whose sensitivity matrix no longer fits into memory. The simulations of this package take the place
of SimPEG's (same survey, units and numbers) and multiply by that matrix in one of three ways, called engines.
A table compares them. A larger inversion uses one of them, is interrupted, and is resumed from its checkpoint.
In the end a survey is split over workers.
"""

import os
import time
import timeit
import warnings
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.data import Data
from simpeg.potential_fields import magnetics as simpeg_magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import data, plotting, recipes
from simpeg_jointdl.potential_fields import magnetics  # in place of SimPEG's

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small" for a quick look
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("ERROR")

# %%
# A survey on a grid
# ------------------
# One station above the centre of every column of cells, as a drone flies it or a national grid gives it.


def make_problem(n):
    """Make a mesh of n x n x n/2 cells of 50 x 50 x 25 m, stations 30 m above it, and two magnetic prisms."""
    mesh = TensorMesh([[50.0] * n, [50.0] * n, [25.0] * (n // 2)], origin="CCN")
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    stations = np.c_[x.ravel(), y.ravel(), np.full(x.size, 30.0)]
    position = mesh.cell_centers / mesh.h[0].sum()
    model = np.zeros(mesh.n_cells)  # susceptibility in SI; the eastern prism is deeper, larger and weaker
    model[(np.abs(position - (-0.2, 0.0, -0.07)) < (0.07, 0.15, 0.04)).all(axis=1)] = 0.05
    model[(np.abs(position - (0.18, 0.08, -0.11)) < (0.11, 0.10, 0.06)).all(axis=1)] = 0.03
    return mesh, stations, model


def make_survey(stations):
    """Make a survey of the total-field anomaly at these stations."""
    receivers = magnetics.Point(stations, components="tmi")
    return magnetics.Survey(
        magnetics.UniformBackgroundField([receivers], amplitude=50_000.0, inclination=60.0, declination=10.0)
    )


# %%
# Engines compared
# ----------------
# ``"dense"`` stores the matrix, ``"toeplitz"`` its kernels for stations on a grid, ``"blocked"`` nothing: see
# :doc:`/user_guide/engines`. A product is the mean of one with the matrix and one with its transpose; a step of
# conjugate gradients takes one of each.

mesh, stations, model = make_problem(24 if SIZE == "full" else 16)
options = {"survey": make_survey(stations), "chiMap": maps.IdentityMap(nP=mesh.n_cells)}
simulations = {"SimPEG": simpeg_magnetics.Simulation3DIntegral(mesh, **options)}
for engine in ("dense", "toeplitz", "blocked"):
    simulations[engine] = magnetics.Simulation3DIntegral(mesh, engine=engine, **options)

table = Table(title=f"{len(stations)} data, {mesh.n_cells} cells")
for column in ("engine", "first data (s)", "product (ms)", "difference from SimPEG"):
    table.add_column(column, justify="left" if column == "engine" else "right")
reference = None
for name, simulation in simulations.items():
    start = time.perf_counter()
    predicted = simulation.dpred(model)
    first = time.perf_counter() - start
    repeats = timeit.repeat(lambda one=simulation: one.Jtvec(model, one.Jvec(model, model)), number=1, repeat=3)
    product = min(repeats) / 2
    reference = predicted if reference is None else reference
    difference = f"{np.abs(predicted - reference).max() / np.abs(reference).max():.0e}"
    table.add_row(name, f"{first:.2f}", f"{1e3 * product:.1f}", "" if name == "SimPEG" else difference)
Console(width=100).print(table)

# %%
# Stations that are only almost on a grid rule Toeplitz out. Asked for it by name, the simulation says why. Data can be
# interpolated to a grid, but then the inversion fits the interpolation. ``"auto"``, the default, takes Toeplitz where
# it applies, dense where the matrix fits into memory, and blocked elsewhere.

shaken = stations + np.random.default_rng(0).uniform(-5.0, 5.0, stations.shape) * (1.0, 1.0, 0.0)
options["survey"] = make_survey(shaken)
try:
    magnetics.Simulation3DIntegral(mesh, engine="toeplitz", **options).dpred(model)
except ValueError as error:
    print(error)
simulation = magnetics.Simulation3DIntegral(mesh, **options)
print(f'engine="auto" takes: {simulation.sensitivities.name}')

# %%
# A larger inversion
# ------------------
# At full size it has a million cells, and a dense matrix would not fit into memory. The recipe is that of tutorial 01
# with one property; the engine is all that differs.

mesh, stations, model = make_problem(128 if SIZE == "full" else 24)
survey = make_survey(stations)
wires = maps.Wires(("susceptibility", mesh.n_cells))
simulation = magnetics.Simulation3DIntegral(mesh, survey=survey, chiMap=wires.susceptibility, engine="toeplitz")
clean, noise = simulation.dpred(model), 2.0  # nT
observed = clean + noise * np.random.default_rng(0).normal(size=clean.size)
misfit = data_misfit.L2DataMisfit(data=Data(survey, dobs=observed, standard_deviation=noise), simulation=simulation)
held, dense = (n_bytes / 2**20 for n_bytes in (simulation.sensitivities.n_bytes, 4 * survey.nD * mesh.n_cells))
print(f"{survey.nD} data, {mesh.n_cells} cells: kernels of {held:.1f} MiB, where a dense matrix has {dense:,.0f} MiB")

# %%
# Interrupted and resumed
# -----------------------
# With ``checkpoint=`` the state is written to a file after every iteration. Here the first run ends after three
# iterations; the same recipe, made again, continues from the file, and ends in the model of a run that was not
# interrupted.

state = OUTPUT / "03_state.npz"
state.unlink(missing_ok=True)
options = {"bounds": {"susceptibility": (0.0, np.inf)}, "cg_iterations": 30, "checkpoint": state, "progress": False}
recipes.create_joint_inversion(mesh, [misfit], wires, max_iterations=3, **options).run()
recipe = recipes.create_joint_inversion(mesh, [misfit], wires, **options)
susceptibility = recipe.resume()["susceptibility"]
print(f"χ {recipe.chi[0]:.2f} after {recipe.inversion.opt.iter} iterations")

# %%
# Both prisms are found where they are in plan, and about as deep in the middle. They are smoother and weaker than the
# true ones (0.05 SI in the west, 0.03 SI in the east) and smeared beyond their tops and bottoms, however many cells the
# mesh has: cells do not add information about the ground.

center = np.array([-0.2, 0.04, -0.07]) * mesh.h[0].sum()  # in the western prism
model_figure = plotting.plot_models(
    mesh, data.PropertyModel("susceptibility", "SI", susceptibility), center=center, true_models=[model]
)
model_figure.savefig(OUTPUT / "03_models.png")

# %%
# What is left in the residuals and is not noise lies at the rims of the shallow prism, which a smooth model rounds off.

fit = plotting.DataFit("tmi", "nT", stations, observed, simulation.dpred(recipe.model), np.full(survey.nD, noise))
fit_figure = plotting.plot_data_fit(fit)
fit_figure.savefig(OUTPUT / "03_data_fit.png")

# %%
# Workers
# -------
# Data do not depend on one another: half of the stations on each of two workers are the whole survey, each with its own
# half of the matrix. SimPEG's ``DaskMetaSimulation`` joins them, and stands in an inversion where the simulation stood.
# The workers here are threads of this process. With ``Client("address of a scheduler")`` they are on other machines;
# with worker processes on this machine, a script needs ``if __name__ == "__main__":``. Needs
# ``pip install "simpeg_jointdl[dask]"``.

from dask.distributed import Client
from simpeg.meta import DaskMetaSimulation

mesh, stations, model = make_problem(16)
mapping = maps.IdentityMap(nP=mesh.n_cells)
whole, *halves = [
    magnetics.Simulation3DIntegral(
        mesh, survey=make_survey(part), chiMap=mapping, engine="dense", sensitivity_dtype=np.float64
    )
    for part in (stations, *np.array_split(stations, 2))
]
with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
    warnings.filterwarnings("ignore", "The MetaSimulation class is a work in progress")
    split = DaskMetaSimulation(halves, [maps.IdentityMap(nP=mesh.n_cells) for _ in halves], client)
    difference = np.abs(split.dpred(model) - whole.dpred(model)).max()
    print(f"two workers against one simulation: data differ by at most {difference:.1e} nT")
