"""
Field data from start to end
============================

For a geophysicist with a gravity and a magnetic grid of the same area. The data cover 36 x 36 km around the
Ernest Henry copper-gold deposit, Queensland. The steps: look at the data, remove a trend, design a mesh,
invert separately and jointly, judge the fit, and write the models for other programs. Captions say what may
be interpreted and what may not. Needs ``pip install "simpeg_jointdl[data]"``.
"""

import os
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree
from simpeg import data_misfit, maps
from simpeg.utils import get_logger

from simpeg_jointdl import data, datasets, diagnostics, io, plotting, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics  # in place of SimPEG's: faster products

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small" for a quick look: every third datum each way
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

DEPOSIT = np.array([468_700.0, 7_739_800.0, -1250.0])  # easting, northing and elevation in m, as published

# %%
# Data
# ----
# Grids of national surveys, downloaded once, or read from the folder in ``SIMPEG_JOINTDL_DATA``. Both are continued
# upward by about the spacing of the data, because the magnetic grid was sampled too coarsely for the field it
# describes. A trend of second order is removed from both: it stands for sources deeper or farther away than the mesh.

every, n_padding, n_layers = (1, 6, 8) if SIZE == "full" else (3, 4, 4)
width = 1000.0 * every  # of a cell, in m
options = {"upward_continuation": width, "every": every, "gravity_uncertainty": 0.5}
try:
    raw = datasets.load("ernest_henry", remove_trend=False, **options)
    survey = datasets.load("ernest_henry", trend_order=2, **options)
except (FileNotFoundError, ImportError) as error:
    raise SystemExit(f"This tutorial needs the Ernest Henry data. {error}") from None
locations = survey.gravity.locations

# %%
# Check that the trend does not take the anomalies with it. The star is the deposit. The strong anomaly at 471 km E,
# 7757 km N is cut by the northern edge: nothing constrains its model on that side. Gravity is positive upward, so dense
# rocks are blue.

survey_figure = Figure(figsize=(12, 9.5), layout="constrained")
axes = survey_figure.subplots(2, 2, sharex=True, sharey=True)
panels = [
    ("gravity, with its trend", "mGal", raw.gravity.locations, raw.gravity.gz),
    ("gravity, trend removed", "mGal", survey.gravity.locations, survey.gravity.gz),
    ("magnetics, with its trend", "nT", raw.magnetics.locations, raw.magnetics.tmi),
    ("magnetics, trend removed", "nT", survey.magnetics.locations, survey.magnetics.tmi),
]
for ax, (title, unit, stations, values) in zip(axes.flat, panels, strict=True):
    middle = np.median(values)
    reach = np.abs(values - middle).max()
    style = {"marker": "s", "s": 80_000 / len(values), "cmap": "RdBu_r"}
    style |= {"vmin": middle - reach, "vmax": middle + reach}
    points = ax.scatter(*stations[:, :2].T / 1000.0, c=values, **style)
    ax.plot(*DEPOSIT[:2] / 1000.0, "k*", markersize=13, markeredgecolor="white")
    ax.set(title=title, xlabel="Easting (km)", ylabel="Northing (km)", aspect=1.0)
    survey_figure.colorbar(points, ax=ax, label=unit)
survey_figure.savefig(OUTPUT / "02b_survey.png")

# %%
# Mesh
# ----
# Cells as wide as the spacing of the data and half as high; padding as far as regional sources may lie.

core = [(width, int(np.ceil(np.ptp(locations[:, axis]) / width)) + 1) for axis in (0, 1)]
thickness = 0.5 * width * np.r_[np.ones(n_layers), 1.3 ** np.arange(1, 7)]
sides = [[(width, n_padding, -1.4), cells, (width, n_padding, 1.4)] for cells in core]
mesh = TensorMesh([*sides, thickness[::-1]], origin="CCN")
mesh.origin = mesh.origin + np.append(locations.min(axis=0) + locations.max(axis=0), 0.0)[[0, 1, 3]] / 2
limits = [*zip(locations.min(axis=0)[:2], locations.max(axis=0)[:2], strict=True), (-10_000.0, 0.0)]
view = {"center": DEPOSIT, "limits": limits, "vertical_exaggeration": 2.0}  # of the figures of models

# %%
# Inversions
# ----------
# Separately, and with the cross-gradient. Nothing else differs, and both data sets are fitted to the same χ.

wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
simulations = [
    gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=wires.density),
    magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility),
]
observed = [survey.gravity.data(), survey.magnetics.data()]
misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]
runs, models = {}, {}
for name, coupling in (("separate", None), ("cross-gradient", regularization.CrossGradient)):
    runs[name] = recipes.create_joint_inversion(
        mesh, misfits, wires, couplings=coupling, bounds={"susceptibility": (0.0, np.inf)}, progress=False
    )
    models[name] = runs[name].run()

# %%
# Data fit
# --------
# Gravity residuals agree between neighbouring stations, which noise would not: they are regional sources and
# interpolation between gravity stations, which are several kilometres apart. The uncertainty of 0.5 mGal covers them.
# Magnetic residuals are largest along the strongest anomalies, which are narrower than the cells.

gz, tmi = (simulation.dpred(runs["cross-gradient"].model) for simulation in simulations)
fits = [
    plotting.DataFit("gravity", "mGal", locations, survey.gravity.gz, gz, survey.gravity.uncertainty),
    plotting.DataFit("tmi", "nT", survey.magnetics.locations, survey.magnetics.tmi, tmi, survey.magnetics.uncertainty),
]
fit_figure = plotting.plot_data_fit(fits)
fit_figure.savefig(OUTPUT / "02b_data_fit.png")

# %%
# The same in numbers. The correlation of residuals between neighbours is 0 for noise, and approaches 1 where the model
# lacks structure.

table = Table("", *runs, title=f"Ernest Henry: {sum(d.nD for d in observed)} data, {mesh.n_cells} cells")
for i, method in enumerate(("gravity", "magnetics")):
    stations = simulations[i].survey.receiver_locations[:, :2]
    _, neighbours = cKDTree(stations).query(stations, k=5)
    residuals = [simulations[i].dpred(r.model) - observed[i].dobs for r in runs.values()]
    coherence = [np.mean(r[:, None] * r[neighbours[:, 1:]]) / np.mean(r**2) for r in residuals]
    table.add_row(f"χ {method}", *(f"{r.chi[i]:.2f}" for r in runs.values()))
    table.add_row(f"neighbouring residuals, {method}", *(f"{c:.2f}" for c in coherence))
similarity = [diagnostics.structural_similarity(mesh, *m.values()) for m in models.values()]
table.add_row("structural similarity of the two models", *(f"{s:.2f}" for s in similarity))
Console(width=100).print(table)

# %%
# Susceptibility
# --------------
# The planes cross at the deposit. The compact magnetic body there is in the magnetic data and in every model, and
# magnetite is what the ore comes with. Its depth extent is smeared. Sections are exaggerated twice.

rows = [data.PropertyModel(f"κ, {name}", "SI", m["susceptibility"]) for name, m in models.items()]
susceptibility_figure = plotting.plot_models(mesh, rows, **view)
susceptibility_figure.savefig(OUTPUT / "02b_susceptibility.png")

# %%
# Density
# -------
# The magnetic body is *not* dense by itself here: an east-west ridge of density passes by the deposit, in both models.
# Where a joint model shows density that the separate model does not, no gravity datum requires it. Absolute values
# depend on the smoothing: read contrasts and places, not rock types.

rows = [data.PropertyModel(f"ρ, {name}", "g/cc", m["density"], signed=True) for name, m in models.items()]
density_figure = plotting.plot_models(mesh, rows, **view)
density_figure.savefig(OUTPUT / "02b_density.png")

# %%
# Where the two models disagree
# -----------------------------
# The cross-gradient of the separate models. The coupling changes little: both data sets determine what they see, at
# scales that overlap little. It acts where the data leave the models undetermined. Whether density and susceptibility
# share boundaries at all is an assumption here, not a result.

disagreement = regularization.CrossGradient(mesh, wires).cell_values(runs["separate"].model)
disagreement_figure = plotting.plot_cell_values(
    mesh, disagreement, title="|∇ρ × ∇κ|²", unit="g² cc⁻² m⁻⁴", per_volume=True, **view
)
disagreement_figure.savefig(OUTPUT / "02b_disagreement.png")

# %%
# Models for other programs
# -------------------------
# UBC and npz files; ``"vtk"`` too, where pyvista is installed.

io.export_models(OUTPUT, mesh, models["cross-gradient"], formats=("ubc", "npz"), name="02b_cross_gradient")
