"""
Magnetotelluric soundings inverted by a network
===============================================

A U-Net reads apparent resistivity and phase and returns the resistivity of 40 layers with its uncertainty. It was
trained on random layered earths. Here a small network is trained for a few seconds, the one of the package is applied
to soundings that it has not seen, and a Gauss-Newton inversion starts from its prediction.

For users of one-dimensional magnetotelluric inversion. Training needs Lightning Fabric:
``pip install "simpeg_jointdl[train]"``.
"""

import os
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg.utils import get_logger

from simpeg_jointdl import networks, plotting, recipes
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train

OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Soundings
# ---------
# The earths are drawn from the distribution that the network was trained on, 0.1 to 100 000 Ω m. The impedances have
# 3 % noise.

frequencies = np.logspace(-3, 3, 37)  # Hz
thicknesses = synthetic.layer_thicknesses("wide").numpy()  # m
truth = 10.0 ** synthetic.sample_layered_earth(60, "wide", random_seed=2026).numpy()
soundings = synthetic.make_soundings(truth, thicknesses, frequencies, noise=0.03, random_seed=0)

# %%
# Training
# --------
# The command ``python -m simpeg_jointdl.networks.train mt1d`` trains the network; here it is called from Python at its
# smallest size, 60 steps. The weights in the package come from the same command at full size.

train.main(["mt1d", "--size", "small", "--output", str(OUTPUT / "07_small.safetensors")])
small_network = networks.MT1DUNet.from_pretrained(OUTPUT / "07_small.safetensors")
network = networks.MT1DUNet.from_pretrained()

# %%
# Prediction
# ----------
# The network accepts any set of frequencies, gaps, and an error for each datum. The last prediction uses only the data
# below 1 Hz.

low = frequencies < 1.0
posteriors = {
    "60 training steps": small_network.posterior(soundings),
    "package": network.posterior(soundings),
    "package, below 1 Hz": network.posterior(
        frequencies[low],
        soundings.apparent_resistivity[:, low],
        soundings.phase[:, low],
        apparent_resistivity_error=soundings.apparent_resistivity_error[:, low],
        phase_error=soundings.phase_error[:, low],
    ),
}
models = {name: posterior.mean() for name, posterior in posteriors.items()}

# %%
# Refinement
# ----------
# Gauss-Newton steps follow until a sounding is fitted to its noise, or no step improves its fit. The starting model is
# each station's best half-space, or the prediction of the network. It is also the reference model.

seconds = {}
for first in ("halfspace", "network"):
    start = time.perf_counter()
    recipe = recipes.create_mt_inversion(soundings, thicknesses=thicknesses, start=first, progress=False)
    recipe.run()
    models[f"start: {first}"] = recipe.resistivity
    seconds[f"start: {first}"] = time.perf_counter() - start

# %%
# χ is the data misfit per datum, over all frequencies; 1 means that a model fits the data to their noise. The third
# column is the share of true layer resistivities inside the 90 % interval, which should be 90 %.

table = Table(title=f"{len(truth)} soundings with 3 % noise")
for heading in ("model", "rms error of log10 ρ", "in the 90 % interval", "median χ", "time (s)"):
    table.add_column(heading, justify="right" if table.columns else "left")
for name, resistivity in models.items():
    error = np.sqrt(np.mean(np.log10(resistivity / truth) ** 2))
    inside = f"{np.mean(np.abs(posteriors[name].cdf(truth) - 0.5) < 0.45):.0%}" if name in posteriors else ""
    predicted = synthetic.make_soundings(resistivity, thicknesses, frequencies, noise=0.0)
    chi = np.median(soundings.chi(predicted))
    table.add_row(name, f"{error:.3f}", inside, f"{chi:.2f}", f"{seconds[name]:.1f}" if name in seconds else "")
Console(width=100).print(table)

# %%
# The sounding with the largest resistivity contrasts among the first six. The band is the network's 90 % interval.

station = int(np.argmax(np.log10(truth[:6]).std(axis=1)))
others = {
    "true": (thicknesses, truth[station]),
    "refined": (thicknesses, models["start: network"][station]),
}
lower, median, upper = posteriors["package"].quantiles((0.05, 0.5, 0.95))[:, station]
all_figure = plotting.plot_layered_model(
    thicknesses, median, lower, upper, name="network, median", band_names=["network, 90 %"], others=others,
    depth_scale="log", limits=(0.1, 1e5), title=f"{soundings.names[station]}: data at all frequencies",
)  # fmt: skip
all_figure.savefig(OUTPUT / "07_layers_all.png")

# %%
# Without the high frequencies the shallow layers are not resolved, and the band widens there.

lower, median, upper = posteriors["package, below 1 Hz"].quantiles((0.05, 0.5, 0.95))[:, station]
low_figure = plotting.plot_layered_model(
    thicknesses, median, lower, upper, name="network, median", band_names=["network, 90 %"],
    others={"true": others["true"]}, depth_scale="log", limits=(0.1, 1e5),
    title=f"{soundings.names[station]}: data below 1 Hz only",
)  # fmt: skip
low_figure.savefig(OUTPUT / "07_layers_low.png")

# %%
# Data and fit of the same station.

fits = {
    name: synthetic.make_soundings(
        models[key][station], thicknesses, frequencies, noise=0.0, names=[soundings.names[station]]
    )
    for name, key in (("network", "package"), ("refined", "start: network"))
}
fit_figure = plotting.plot_sounding(soundings, soundings.names[station], fits)
fit_figure.savefig(OUTPUT / "07_fit.png")

# %%
# Limits
# ------
# The network returns layers whatever the data are. Over two- or three-dimensional ground its interval says nothing
# about the error made by assuming layers.
