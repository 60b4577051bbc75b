"""
Fine-tuning a network on field data
===================================

Gravity and magnetics over 36 x 36 km around the Ernest Henry copper-gold deposit, Queensland: a network that was
trained on geology drawn at random predicts density and susceptibility, and is then fitted to both data sets, by an
inversion of its weights. Beside it, the inversion over cells that a user would do without a network: sparse norms,
coupled by the cross-gradient.

    python tutorials/11_finetune_field_data.py --size small

The data are prepared as in tutorial 02b: continued upwards by a kilometre, a trend of second order taken out.

What may be interpreted, and what may not:

- The magnetic body under the deposit (468.7 km E, 7739.8 km N; the planes of the figures cross there) is in the data,
  in the prediction and in both inversions. Where the models differ, and all of them fit, no datum decides: the network
  has learnt what geology looks like, of a kind that somebody wrote down, and the cells know smooth and sparse.
- The network draws bodies with bottoms. The data do not see these: compare the sections.
- All models end at the border of the survey, and sources beyond it are put inside: what clings to a border, or sits in
  the corner of a section, is of that kind. So is a chequered texture of single cells in the fine-tuned model.
- Density at the deposit: see tutorial 02b. Stations of gravity are several kilometres apart.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.utils import get_logger

from simpeg_jointdl import datasets, networks, plotting, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

DEPOSIT = (468_700.0, 7_739_800.0, -1250.0)
FIGURE_DEPTH = 10_000.0
BOUNDS = {"susceptibility": (0.0, np.inf)}

# %%
# Data and prediction
# -------------------
# ``ground`` is the elevation of the top of the models. The files hold no heights; continuation has put the data 1000 m
# (gravity) and 1080 m (magnetics) above it. Of the rest the network asks nothing: cells are as wide as data are apart,
# a grid of more than 32 x 32 is cut into tiles that overlap, the field's direction is the survey's.


def load(every: int):
    """Gravity and magnetics as SimPEG's data."""
    survey = datasets.load(
        "ernest_henry", trend_order=2, upward_continuation=1000.0 * every, every=every, gravity_uncertainty=0.5
    )
    return [survey.gravity.data(), survey.magnetics.data()]


def predict(data):
    """What the network says, on its mesh."""
    return networks.GravMagUNet.from_pretrained().predict(*data, ground=0.0)  #:


def make_simulations(mesh, data):
    """Each of its own property, on the network's mesh."""
    identity = maps.IdentityMap(nP=mesh.n_cells)
    return [
        gravity.Simulation3DIntegral(mesh, survey=data[0].survey, rhoMap=identity),
        magnetics.Simulation3DIntegral(mesh, survey=data[1].survey, chiMap=identity),
    ]


# %%
# Two inversions
# --------------


def fine_tune(data, simulations, **limit):
    """Over the network's weights, cells last."""
    return recipes.create_finetuned_inversion(  #:
        data, simulations, ground=0.0, dtype="float32", progress=False, **limit
    )


def over_cells(mesh, data, simulations, **limit):
    """Without a network: sparse, with the cross-gradient."""
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    views = [
        gravity.Simulation3DIntegral(mesh, survey=data[0].survey, rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=data[1].survey, chiMap=wires.susceptibility),
    ]
    misfits = [data_misfit.L2DataMisfit(data=one, simulation=view) for one, view in zip(data, views, strict=True)]
    return recipes.create_joint_inversion(
        mesh, misfits, wires, couplings=regularization.CrossGradient, bounds=BOUNDS, norms=(0, 1, 1, 1),
        progress=False, **limit,
    )  # fmt: skip


# %%
# What comes out
# --------------


def data_fits(data, simulations, properties) -> list[plotting.DataFit]:
    """Both data sets and what models predict."""
    fits = []
    kinds = (("gravity gz", "mGal", "density"), ("magnetics tmi", "nT", "susceptibility"))
    for (name, unit, key), one, simulation in zip(kinds, data, simulations, strict=True):
        there, predicted = one.survey.receiver_locations, simulation.dpred(properties[key])
        fits.append(plotting.DataFit(name, unit, there, one.dobs, predicted, one.standard_deviation))
    return fits


def draw(mesh, results, fits, folder: Path):
    """Each property of all models through the deposit, on one set of colours, and the fit of every model."""
    for key, unit, signed in (("density", "g/cc", True), ("susceptibility", "SI", False)):
        rows = [plotting.PropertyModel(name, unit, found[key], signed=signed) for name, found in results.items()]
        view = [*zip(mesh.nodes.min(axis=0)[:2], mesh.nodes.max(axis=0)[:2], strict=True), (-FIGURE_DEPTH, 0.0)]
        plotting.plot_models(mesh, rows, center=DEPOSIT, limits=view).savefig(folder / f"{key}.png", dpi=110)  #:
        slices = plotting.plot_depth_slices(mesh, rows, depths=4, limits=view)  #:
        slices.savefig(folder / f"{key}_slices.png", dpi=90)
    for name, fit in fits.items():
        plotting.plot_data_fit(fit).savefig(folder / f"data_fit_{name.replace(' ', '_')}.png", dpi=100)


# %%
# All of it
# ---------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: every fourth datum each way")
    parser.add_argument("--output", type=Path, default=Path("output/11_finetune_field_data"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    get_logger().setLevel("WARNING")
    data = load(1 if options.size == "full" else 4)
    start = time.perf_counter()
    prediction = predict(data)
    seconds = {"network": time.perf_counter() - start}
    mesh = prediction.mesh
    simulations = make_simulations(mesh, data)
    results = {"network": {"density": prediction.density, "susceptibility": prediction.susceptibility}}
    makers = {
        "fine-tuned": lambda: fine_tune(data, simulations),
        "over cells": lambda: over_cells(mesh, data, simulations),
    }
    for name, make in makers.items():
        gc.freeze()  # SimPEG collects garbage at every evaluation, and need not go through what imports have made
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
            results[name] = make().run()  #:
        seconds[name] = time.perf_counter() - start
    fits = {name: data_fits(data, simulations, found) for name, found in results.items()}
    table = Table(title=f"Ernest Henry, {len(data[0].dobs)} + {len(data[1].dobs)} data, {mesh.n_cells} cells")
    for name in ("", "χ gravity", "χ magnetics", "structural similarity", "seconds"):
        table.add_column(name, justify="right" if name else "left")
    for name, found in results.items():
        similarity = regularization.structural_similarity(mesh, found["density"], found["susceptibility"])
        chi = [f"{fit.chi:.2f}" for fit in fits[name]]
        table.add_row(name, *chi, f"{similarity:.2f}", f"{seconds[name]:.1f}")
    console = Console(width=100)
    console.print(table)
    draw(mesh, results, fits, options.output)
    console.print(f"Figures are in {options.output.resolve()}")
    if any(fit.chi > 1.1 for name in makers for fit in fits[name]):
        raise SystemExit("Not all data sets reached their target misfit.")


if __name__ == "__main__":
    main()
