"""
Joint inversion of magnetotellurics and gravity
===============================================

Magnetotelluric stations, each above its own column of layers, and gravity along the same profile are inverted
together. The cross-gradient couples resistivity and density.

Magnetotellurics resolves the depth to the top of a conductor; gravity resolves the excess mass along the profile but
hardly its depth. The coupling lets the boundaries of the resistivity guide the density.
"""

import os
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from matplotlib.figure import Figure
from matplotlib.path import Path as Polygon
from rich.console import Console
from rich.table import Table
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.utils import get_logger

from simpeg_jointdl import plotting, recipes, regularization
from simpeg_jointdl.data import MTSoundings, PropertyModel
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.potential_fields import gravity

OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# The section
# -----------
# One mesh serves both methods: in 2-D for the regularization and the coupling, and with one cell of 20 km across the
# profile for gravity. The four columns at each end have no station. A basin and a deeper body are conductive; the
# basin is light and the body is dense.

n_stations, width = 32, 500.0  # m between stations
thicknesses = 80.0 * 1.12 ** np.arange(20)  # m, downwards
frequencies = np.geomspace(0.1, 1000.0, 17)  # Hz
h_x, h_z = np.full(n_stations + 8, width), thicknesses[::-1]
mesh = TensorMesh([h_x, h_z], origin=[-4.0 * width, -h_z.sum()])
mesh_3d = TensorMesh([h_x, [20_000.0], h_z], origin=[-4.0 * width, -10_000.0, -h_z.sum()])
station_x = mesh.cell_centers_x[4:-4]

resistivity, density = np.full(mesh.n_cells, 500.0), np.zeros(mesh.n_cells)  # Ω m, g/cc
basin = [[0.08, 0.0], [0.48, 0.0], [0.40, 0.30], [0.22, 0.30]]
body = [[0.60, 0.22], [0.82, 0.22], [0.82, 0.55], [0.60, 0.55]]
for corners, rho, contrast in ((basin, 20.0, -0.30), (body, 10.0, 0.30)):
    inside = Polygon(corners * np.array([station_x[-1], -h_z.sum()])).contains_points(mesh.cell_centers)
    resistivity[inside], density[inside] = rho, contrast
truth = {"log_resistivity": np.log(resistivity), "density": density}

# %%
# Simulations
# -----------
# The stitched simulation orders its layers station by station, from the surface down. A projection picks these cells
# out of the mesh.

cells = np.arange(mesh.n_cells).reshape(mesh.shape_cells, order="F")[4:-4, ::-1].ravel()
wires = maps.Wires(("log_resistivity", mesh.n_cells), ("density", mesh.n_cells))
mt_survey = natural_source.create_survey(np.c_[station_x, np.zeros((n_stations, 2))], frequencies, orientation="yx")
mt = natural_source.Simulation1DStitched(
    mt_survey, thicknesses[:-1],
    rhoMap=maps.ExpMap(nP=cells.size) * maps.Projection(mesh.n_cells, cells) * wires.log_resistivity,
)  # fmt: skip
receivers = gravity.Point(np.c_[station_x, np.zeros(n_stations), np.ones(n_stations)], components="gz")
gz = gravity.Simulation3DIntegral(
    mesh_3d, survey=gravity.Survey(gravity.SourceField([receivers])), rhoMap=wires.density, sensitivity_dtype=np.float64
)

# %%
# The data have noise of 5 % of the apparent resistivity, 1.5 degrees of phase, and 0.2 mGal.

rng, true_model = np.random.default_rng(0), np.concatenate(list(truth.values()))
exact = mt.dpred(true_model)
is_phase = np.arange(exact.size) // n_stations % 2 == 1
data = []
for simulation, error in ((mt, np.where(is_phase, 1.5, 0.05 * exact)), (gz, np.full(n_stations, 0.2))):
    values = simulation.dpred(true_model) + error * rng.standard_normal(error.size)
    data.append(Data(simulation.survey, values, standard_deviation=error))

# %%
# Inversions
# ----------
# The starting model is the half-space of the mean apparent resistivity. A coupling ratio of 1 makes the coupling as
# strong as the smoothing; the joint runs are named by their ratio.

half_space = np.log(data[0].dobs[~is_phase]).mean()
settings = {"separate": {"strategy": "separate"}} | {
    f"joint, {ratio:g}": {"couplings": regularization.CrossGradient, "coupling_ratios": ratio}
    for ratio in (1.0, 10.0, 100.0)
}
table = Table(title=f"{n_stations} stations, {mesh.n_cells} cells; errors below the stations")
for heading in ("run", "χ MT", "χ gravity", "rms log10 ρ", "rms density, g/cc", "correlation"):
    table.add_column(heading, justify="right" if table.columns else "left")
results = {}
for name, options in settings.items():
    recipe = recipes.create_joint_inversion(
        mesh, [L2DataMisfit(data=data[0], simulation=mt), L2DataMisfit(data=data[1], simulation=gz)], wires,
        bounds={"log_resistivity": (np.log(0.5), np.log(5e4)), "density": (-0.6, 0.6)},
        reference_models={"log_resistivity": half_space}, progress=False, **options,
    )  # fmt: skip
    results[name] = found = recipe.run()
    rms = [np.sqrt(np.mean((found[key] - truth[key])[cells] ** 2)) for key in truth]
    correlation = np.corrcoef(found["density"][cells], density[cells])[0, 1]
    values = [*recipe.chi, rms[0] / np.log(10.0), rms[1], correlation]
    table.add_row(name, *(f"{value:.3f}" for value in values))
Console(width=100).print(table)

# %%
# The separate inversion spreads the masses over the whole depth range. The coupling places the basin at the surface.
# The dense body is found less well: some mass stays above and below it, and in the columns at the ends.

strongest = list(results)[-1]
shown = {"true": truth, "separate": results["separate"], strongest: results[strongest]}
models = [PropertyModel(f"density, {name}", "g/cc", m["density"], signed=True) for name, m in shown.items()]
density_figure = plotting.plot_models(mesh, models, true_models=[density] * 3)
density_figure.savefig(OUTPUT / "09_density.png")

# %%
# The coupling changes the resistivity little.

rho = {f"resistivity, {name}": np.exp(m["log_resistivity"]) for name, m in shown.items()}
models = [PropertyModel(name, "Ω m", values, log=True) for name, values in rho.items()]
resistivity_figure = plotting.plot_models(mesh, models, true_models=[density] * 3)
resistivity_figure.savefig(OUTPUT / "09_resistivity.png")

# %%
# The fit of the last joint model to the sounding above the conductive body.

soundings = MTSoundings.from_simpeg(data[0])
fit = MTSoundings.from_simpeg(Data(mt_survey, mt.dpred(recipe.model)))
station = round(0.71 * n_stations)
title = f"Station at {station_x[station] / 1e3:g} km"
sounding_figure = plotting.plot_sounding(soundings, station, {strongest: fit}, title=title)
sounding_figure.savefig(OUTPUT / "09_sounding.png")

# %%
# Its fit to gravity. The error bars are hardly longer than the points.

gravity_figure = Figure(figsize=(8.0, 4.0), layout="constrained")
ax = gravity_figure.subplots()
ax.errorbar(station_x / 1e3, data[1].dobs, data[1].standard_deviation, fmt="ko", markersize=3, label="observed")
ax.plot(station_x / 1e3, gz.dpred(recipe.model), color="tab:orange", label=strongest)
ax.set(xlabel="Distance (km)", ylabel="gz, positive upward (mGal)")
ax.legend()
gravity_figure.savefig(OUTPUT / "09_gravity.png")

# %%
# Limits
# ------
# All runs fit the data, so the data do not choose between them. The coupling helps because both bodies have the same
# boundaries in both properties. The data come from the same layered columns that invert them; real data have
# two-dimensional effects near the edges of bodies, which columns cannot explain.
