"""
A network that reads magnetotelluric soundings
==============================================

Apparent resistivity and phase in, the resistivity of 40 layers out, and how sure that is: a U-Net, trained on random
layered earths that are drawn while it learns. Here a small one is trained for a few seconds, the one that comes with
the package reads soundings it has never seen, at any frequencies, and a Gauss-Newton inversion starts from what it says
and fits the data to their noise.

    python tutorials/07_mt_unet.py --size small

Training needs Lightning Fabric: ``pip install "simpeg_jointdl[train]"``.

What to look for: the bands hold the true layers about nine times in ten, and widen where data are missing: below the
reach of the lowest frequency, above that of the highest. The refined model fits; it is not always closer to the truth,
as the data do not know more than the network does.

What not to believe: an earth that is not layered. The network finds layers in anything.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from simpeg_jointdl import networks, plotting, recipes
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train

FREQUENCIES = np.logspace(-3, 3, 37)  # Hz

# %%
# Soundings
# ---------
# Random layers as the network knows them, 0.1 to 100 000 ohm m, and data with 3 % noise on the impedance.


def make_data(n):
    """True resistivities (n, 40) in ohm m, and their soundings."""
    thicknesses = synthetic.layer_thicknesses("wide").numpy()
    truth = 10.0 ** synthetic.sample_layered_earth(n, "wide", random_seed=2026).numpy()
    return truth, synthetic.make_soundings(truth, thicknesses, FREQUENCIES, noise=0.03, random_seed=0)


# %%
# Training
# --------
# One command, ``python -m simpeg_jointdl.networks.train mt1d``; here at its smallest, and called from Python. The
# weights that come with the package are of the same command at full size; ``network.card`` tells.


def train_small(folder):
    """A network after 60 steps."""
    path = folder / "small.safetensors"
    with contextlib.redirect_stderr(io.StringIO()):  # a line per validation
        train.main(["mt1d", "--size", "small", "--output", str(path)])  #:
    return networks.MT1DUNet.from_pretrained(path)  #:


# %%
# Prediction
# ----------
# No list of frequencies is built in: choose some, leave gaps, give each its error.


def predictions(soundings, small):
    """Distributions of all layers: the small network's, the full one's, and the full one's of half of the data."""
    network = networks.MT1DUNet.from_pretrained()  #:
    posterior = network.posterior(soundings)  #:
    few = soundings.frequencies < 1.0
    columns = (
        soundings.apparent_resistivity,
        soundings.phase,
        soundings.apparent_resistivity_error,
        soundings.phase_error,
    )
    rho, phase, rho_error, phase_error = (values[:, few] for values in columns)
    long_periods = network.posterior(
        soundings.frequencies[few], rho, phase, apparent_resistivity_error=rho_error, phase_error=phase_error
    )
    return {"60 steps": small.posterior(soundings), "shipped": posterior, "shipped, below 1 Hz": long_periods}


# %%
# Refinement
# ----------
# Gauss-Newton from there, each station with a trade-off of its own, until it fits.


def refine(soundings, thicknesses, start):
    """Resistivities (n, 40) and the recipe."""
    recipe = recipes.create_mt_inversion(soundings, thicknesses=thicknesses, start=start)  #:
    with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
        resistivity = recipe.run()["resistivity"]  #:
    return resistivity.reshape(len(soundings), -1), recipe


# %%
# Run it
# ------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", choices=("small", "default"), default="default")
    parser.add_argument("--output", type=Path, default=Path("output/mt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    truth, soundings = make_data(6 if options.size == "small" else 60)
    thicknesses = networks.MT1DUNet.from_pretrained().thicknesses
    table = Table(title=f"{len(truth)} soundings, 3 % noise")
    for name in ("", "rms of log10 ρ, decades", "in the 90 % band", "median χ", "seconds"):
        table.add_column(name, justify="right" if name else "left")

    def add(name, resistivity, seconds, band=""):
        error = np.sqrt(np.mean(np.log10(resistivity / truth) ** 2))
        predicted = synthetic.make_soundings(resistivity, thicknesses, FREQUENCIES, noise=0.0)
        chi = np.median(soundings.chi(predicted))
        table.add_row(name, f"{error:.3f}", band, f"{chi:.2f}", "" if seconds is None else f"{seconds:.2f}")

    start = time.perf_counter()
    small = train_small(options.output)
    seconds = {"60 steps": time.perf_counter() - start}
    start = time.perf_counter()
    posteriors = predictions(soundings, small)
    seconds["shipped"] = time.perf_counter() - start  # all three
    for name, posterior in posteriors.items():
        inside = np.mean(np.abs(posterior.cdf(truth) - 0.5) < 0.45)
        add(name, posterior.mean(), seconds.get(name), f"{100 * inside:.0f} %")
    refined = {}
    for name in ("halfspace", "network"):
        start = time.perf_counter()
        refined[name], _ = refine(soundings, thicknesses, name)
        add(f"refined from the {name}", refined[name], time.perf_counter() - start)
    Console(width=100).print(table)
    draw(soundings, thicknesses, truth, posteriors, refined, options.output)
    Console().print(f"Figures are in {options.output}/.")


# %%
# Figures
# -------


def draw(soundings, thicknesses, truth, posteriors, refined, folder):
    """Layers and data of two stations."""
    for i in (0, 3):
        for name, posterior in list(posteriors.items())[1:]:
            low, median, high = posterior.quantiles((0.05, 0.5, 0.95))[:, i]
            others = {"true": (thicknesses, truth[i]), "refined": (thicknesses, refined["network"][i])}
            figure = plotting.plot_layered_model(
                thicknesses, median, low, high, name=f"{name}: median, 90 %", others=others, depth_scale="log",
                title=soundings.names[i],
            )  # fmt: skip
            part = "low" if "below" in name else "all"
            figure.savefig(folder / f"layers_{soundings.names[i]}_{part}.png", dpi=120)
        predicted = {
            name: synthetic.make_soundings(model, thicknesses, FREQUENCIES, noise=0.0, names=[soundings.names[i]])
            for name, model in (("network", posteriors["shipped"].mean()[i]), ("refined", refined["network"][i]))
        }
        figure = plotting.plot_sounding(soundings, soundings.names[i], predicted)
        figure.savefig(folder / f"fit_{soundings.names[i]}.png", dpi=120)


if __name__ == "__main__":
    main()
