"""
Magnetotelluric field data
==========================

Broadband soundings of the U.S. Geological Survey around the Yellowstone caldera, from EDI files to a section of
resistivity with uncertainties: read, reduce to the determinant, set an error floor, predict with the network of
:doc:`07_mt_unet`, and refine by Gauss-Newton until the data are fitted.

The data are read from the folder in ``SIMPEG_JOINTDL_DATA``, or downloaded. EDI files need
``pip install "simpeg_jointdl[mt]"``.
"""

import os
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, plotting, recipes

OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Reading
# -------
# ``datasets.load`` leaves out the points that were flagged when the data were inspected. Your own files are read and
# cleaned by::
#
#     stations = io.read_edi("folder").without(wrong_quadrant=True, relative_error=0.5, spikes=0.15)
#
# The formal errors of the impedances are 0.1 to 0.5 %. They do not contain the error made by assuming layers, so the
# errors are at least 5 %.

try:
    stations = datasets.load("ynp_mt")
except (FileNotFoundError, ModuleNotFoundError) as error:
    message = f"This tutorial needs the data set ynp_mt and the extra 'mt': {error}"
    raise SystemExit(message) from error
soundings = stations.soundings("determinant", error_floor=0.05)
soundings = soundings[soundings.n_data > 2]
names = np.array(soundings.names)
print(f"{len(soundings)} stations, {soundings.n_data.sum()} data.")

# %%
# Prediction and refinement
# -------------------------
# The recipe scales the network's layers to the depths that the data resolve, predicts a model for each station, and
# inverts all stations at once, each with its own trade-off parameter. Before ``run`` its model is the prediction.

recipe = recipes.create_mt_inversion(soundings, progress=False)
network_model, network_chi = recipe.resistivity, recipe.station_chi
recipe.run()
refined_model, refined_chi = recipe.resistivity, recipe.station_chi

# %%
# The ten stations that the network fits worst. The rms is the root of χ, the data misfit per datum.

table = Table()
for heading in ("station", "rms, network", "rms, refined", "iterations"):
    table.add_column(heading, justify="right" if table.columns else "left")
for name in sorted(names, key=network_chi.get, reverse=True)[:10]:
    rms = (f"{chi[name] ** 0.5:.2f}" for chi in (network_chi, refined_chi))
    table.add_row(name, *rms, str(recipe.station_iterations[name]))
Console(width=100).print(table)
for label, chi in (("network", network_chi), ("refined", refined_chi)):
    fitted = sum(value <= 1.0 for value in chi.values())
    print(f"{label}: {fitted} of {len(names)} stations fitted, median rms {np.median(list(chi.values())) ** 0.5:.2f}")
print(f"Not fitted by any layered model found: {', '.join(recipe.failed) or 'none'}")

# %%
# Where the prediction of the network fits the data, and where it does not.

limits = (0.1, 10.0)
network_map = plotting.plot_misfit_map(
    soundings.locations, list(network_chi.values()), names=names, limits=limits, title="Network"
)
network_map.savefig(OUTPUT / "08_map_network.png")

# %%
# The same after refinement.

refined_map = plotting.plot_misfit_map(
    soundings.locations, list(refined_chi.values()), names=names, limits=limits, title="Refined"
)
refined_map.savefig(OUTPUT / "08_map_refined.png")

# %%
# The station that the refinement improves most: data and fits.

station = int(np.argmax([network_chi[name] / refined_chi[name] for name in names]))
fits = {"network": recipe.predicted(network_model), "refined": recipe.predicted()}
fit_figure = plotting.plot_sounding(recipe.soundings, station, fits)
fit_figure.savefig(OUTPUT / "08_fit.png")

# %%
# Its layers. The band is linearised at the refined model: it does not contain models of another kind.

lower, upper = recipe.band(0.9)
layers_figure = plotting.plot_layered_model(
    recipe.thicknesses, refined_model[station], lower[station], upper[station], name="refined",
    band_names=["90 % band"], others={"network": (recipe.thicknesses, network_model[station])},
    max_depth=60e3, depth_scale="log", title=names[station],
)  # fmt: skip
layers_figure.savefig(OUTPUT / "08_layers.png")

# %%
# The worst fit that is left is that of YNP16: the observed resistivity scatters near 1 s, and no layers
# found explain both the resistivity and the phase at shorter periods.

worst = int(np.argmax([refined_chi[name] for name in names]))
worst_figure = plotting.plot_sounding(recipe.soundings, worst, fits)
worst_figure.savefig(OUTPUT / "08_worst_fit.png")

# %%
# A section across the caldera
# ----------------------------
# Stations within 9 km of a line from south-west to north-east (UTM zone 12N), at right angles onto it.

profile = np.array([[485e3, 4897e3], [577e3, 4983e3]])  # m
length = np.linalg.norm(profile[1] - profile[0])
along = (profile[1] - profile[0]) / length
offset = soundings.locations[:, :2] - profile[0]
distance, across = offset @ along, offset @ [-along[1], along[0]]
near = (np.abs(across) < 9e3) & (distance > -9e3) & (distance < length + 9e3)
section = {"names": names[near], "profile": profile, "limits": (1.0, 1e4)}
order = np.flatnonzero(near)[np.argsort(distance[near])]
middle = np.cumsum(recipe.thicknesses) - 0.5 * recipe.thicknesses
deep = (middle > 5e3) & (middle < 15e3)
for i in order:
    mean = np.exp(np.mean(np.log(refined_model[i, :-1][deep])))
    print(f"{names[i]} at {distance[i] / 1e3:5.1f} km: mean resistivity from 5 to 15 km depth {mean:8.1f} Ω m")
deep_figure = plotting.plot_section(
    soundings.locations[near], recipe.thicknesses, refined_model[near], max_depth=30e3, title="Refined", **section
)
deep_figure.savefig(OUTPUT / "08_section.png")

# %%
# The middle of the section is conductive below 5 km and its ends are resistive. YNP35, which is not fitted, differs by
# a factor of about 100 from YNP26 beside it. The uppermost 3 km of the same section follow.

shallow_figure = plotting.plot_section(
    soundings.locations[near], recipe.thicknesses, refined_model[near], max_depth=3e3, title="Refined", **section
)
shallow_figure.savefig(OUTPUT / "08_section_shallow.png")

# %%
# Limits
# ------
# A fit does not prove that the ground is layered. Do not interpret columns of stations that are not fitted, columns
# that differ tenfold from their neighbours, or resistivities below 1 Ω m.
