"""
A network from gravity and magnetic grids to models
===================================================

A grid of gravity and one of the total field in, density, susceptibility and the places where they change out, in a
few hundredths of a second: a U-Net trained on geology drawn at random, and the inversion of its weights that makes
it honour the data. Here one is trained for a few seconds, the one that comes with the package predicts a model whose
truth is known, and is then fitted to the data.

    python tutorials/10_pretrained_network.py --size small

Training needs Lightning Fabric: ``pip install "simpeg_jointdl[train]"``.

What to look for: χ. The prediction does not honour the data (χ far above 1 where noise is low); after fine-tuning it
does, and both models are a little nearer to the truth, seldom much: data see a small part of a model, and what they do
not see is still the network's word.

What not to believe: a prediction over ground of another kind. The network was trained on layers, folds, faults, blocks,
ellipsoids, intrusions and dykes, magnetized by induction, flat ground, and nothing outside of the grid; whatever the
data, it draws such things. Nor a χ of 1 by itself: it is a mean. In the figure of the data's fit a ring of three and
more σ stays over the edges of the shallow body in the north-west, and the rest of the magnetic data is fitted a little
better than their noise.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.data import Data
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics
from simpeg.utils import get_logger

from simpeg_jointdl import networks, plotting, recipes
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import train
from simpeg_jointdl.potential_fields import gravity, magnetics

CELL, HEIGHT = 40.0, 30.0  # m
FIELD = {"amplitude": 52_000.0, "inclination": -58.0, "declination": 7.0}
NOISE = 0.03

# %%
# A survey
# --------
# Random geology of the kind the network knows, on 32 x 32 x 16 cubes, and data above every column. The cells are of 40
# m and the field is Australia's: the network was told neither, and takes any.


def make_survey():
    """Mesh, truth, data, and simulations that take one property each."""
    truth = synthetic.sample_geology((16, 32, 32), 1, kinds={"blocks": 1.0, "intrusions": 1.0}, sharing="partly",
                                     random_seed=12)[0].numpy()  # fmt: skip
    truth = {name: one[::-1].ravel() for name, one in zip(("density", "susceptibility"), truth, strict=True)}
    mesh = TensorMesh([[(CELL, 32)], [(CELL, 32)], [(CELL, 16)]], origin=(0.0, 0.0, -16 * CELL))
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    stations = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, HEIGHT)])
    gz = simpeg_gravity.receivers.Point(stations, components="gz")
    tmi = simpeg_magnetics.receivers.Point(stations, components="tmi")
    surveys = [
        simpeg_gravity.survey.Survey(simpeg_gravity.sources.SourceField([gz])),
        simpeg_magnetics.survey.Survey(simpeg_magnetics.sources.UniformBackgroundField([tmi], **FIELD)),
    ]
    identity = maps.IdentityMap(nP=mesh.n_cells)
    simulations = [
        gravity.Simulation3DIntegral(mesh, survey=surveys[0], rhoMap=identity),
        magnetics.Simulation3DIntegral(mesh, survey=surveys[1], chiMap=identity),
    ]
    rng = np.random.default_rng(0)
    data = []
    for simulation, model in zip(simulations, truth.values(), strict=True):
        exact = simulation.dpred(model)
        deviation = NOISE * np.sqrt(np.mean(exact**2))
        values = exact + deviation * rng.standard_normal(exact.size)
        data.append(Data(simulation.survey, dobs=values, standard_deviation=deviation))
    return mesh, truth, data, simulations


# %%
# Training
# --------
# One command, ``python -m simpeg_jointdl.networks.train gravmag``; here at its smallest, and called from Python. The
# weights that come with the package are of the same command at full size; ``network.card`` tells.


def train_small(folder):
    """A network after 40 steps."""
    path = folder / "small.safetensors"
    with contextlib.redirect_stderr(io.StringIO()):  # a line per validation
        train.main(["gravmag", "--size", "small", "--output", str(path)])  #:
    return networks.GravMagUNet.from_pretrained(path)  #:


# %%
# Fine-tuning
# -----------
# The prediction is first fitted to the data over cells, with as little change as they allow. The network's weights are
# then inverted for models near that which fit both data sets to their noise; what a few steps leave above it, cells
# take up. The fine-tuned network: ``recipe.network``.


def fine_tune(data, simulations, network, max_iterations):
    """Properties and the recipe."""
    recipe = recipes.create_finetuned_inversion(  #:
        data, simulations, network=network, dtype="float32", progress=False, max_iterations=max_iterations
    )
    with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
        return recipe.run(), recipe  #:


# %%
# Without a network
# -----------------
# What a user would do: sparse norms, each data set for itself.


def separate(mesh, data, simulations, max_iterations):
    """Properties of an inversion over cells."""
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    views = [
        gravity.Simulation3DIntegral(mesh, survey=simulations[0].survey, rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=simulations[1].survey, chiMap=wires.susceptibility),
    ]
    misfits = [data_misfit.L2DataMisfit(data=one, simulation=view) for one, view in zip(data, views, strict=True)]
    options = {"bounds": {"susceptibility": (0.0, np.inf)}, "norms": (0, 1, 1, 1), "strategy": "separate"}
    recipe = recipes.create_joint_inversion(mesh, misfits, wires, progress=False, **options, **max_iterations)
    with contextlib.redirect_stdout(io.StringIO()):
        return recipe.run()


# %%
# Run it
# ------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", choices=("small", "default"), default="default", help="small: two iterations of each")
    parser.add_argument("--output", type=Path, default=Path("output/10_pretrained_network"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    get_logger().setLevel("WARNING")
    is_small = options.size == "small"
    mesh, truth, data, simulations = make_survey()
    network = networks.GravMagUNet.from_pretrained()  #:
    table = Table(title=f"{len(data[0].dobs)} + {len(data[1].dobs)} data, {100 * NOISE:g} % noise")
    for name in ("", "rms error ρ", "rms error κ", "χ gravity", "χ magnetics", "seconds"):
        table.add_column(name, justify="right" if name else "left")
    results = {}

    def add(name, run):
        start = time.perf_counter()
        results[name] = run()
        seconds = time.perf_counter() - start
        parts = [(results[name][key], truth[key]) for key in truth]
        errors = [np.linalg.norm(found - true) / np.linalg.norm(true) for found, true in parts]
        chi = [fit.chi for fit in data_fits(data, simulations, results[name])]
        table.add_row(name, *(f"{one:.3f}" for one in errors), *(f"{one:.2f}" for one in chi), f"{seconds:.2f}")

    def predicted(by):
        found = by.predict(*data)  #:
        return {"density": found.density, "susceptibility": found.susceptibility}

    start = time.perf_counter()
    small = train_small(options.output)
    console = Console(width=100)
    console.print(f"40 steps of training: {time.perf_counter() - start:.1f} s")
    most = 2 if is_small else None
    add("40 steps", lambda: predicted(small))
    add("shipped", lambda: predicted(network))
    add("fine-tuned", lambda: fine_tune(data, simulations, network, most)[0])
    limit = {"max_iterations": most} if most else {}
    add("separate, sparse norms", lambda: separate(mesh, data, simulations, limit))
    console.print(table)
    draw(mesh, truth, data, simulations, results, network.predict(*data).boundary, options.output)
    console.print(f"Errors are relative to the rms of the truth. Figures are in {options.output}/.")


# %%
# Figures
# -------


def data_fits(data, simulations, properties) -> list[plotting.DataFit]:
    """Both data sets and what models predict."""
    fits = []
    for name, unit, one, simulation, key in zip(
        ("gravity gz", "magnetics tmi"), ("mGal", "nT"), data, simulations, properties, strict=True
    ):
        there = simulation.survey.receiver_locations
        fits.append(
            plotting.DataFit(name, unit, there, one.dobs, simulation.dpred(properties[key]), one.standard_deviation)
        )
    return fits


def draw(mesh, truth, data, simulations, results, boundary, folder):
    """Both properties at three depths with the true outlines, the boundaries, and the data."""
    for key, unit, signed in (("density", "g/cc", True), ("susceptibility", "SI", False)):
        models = [
            plotting.PropertyModel(f"{key}, {name}", unit, results[name][key], signed=signed)
            for name in ("shipped", "fine-tuned", "separate, sparse norms")
        ]
        models.insert(0, plotting.PropertyModel(f"{key}, true", unit, truth[key], signed=signed))
        outlines = [truth[key]] * len(models)
        figure = plotting.plot_depth_slices(mesh, models, depths=(100.0, 220.0, 380.0), true_models=outlines)
        figure.savefig(folder / f"{key}.png", dpi=100)
    edges = plotting.PropertyModel("probability of a boundary", "", boundary)
    figure = plotting.plot_depth_slices(mesh, edges, depths=(100.0, 220.0, 380.0), true_models=[truth["density"]])
    figure.savefig(folder / "boundaries.png", dpi=100)
    for name in ("shipped", "fine-tuned"):
        figure = plotting.plot_data_fit(data_fits(data, simulations, results[name]))
        figure.savefig(folder / f"data_fit_{name}.png", dpi=100)


if __name__ == "__main__":
    main()
