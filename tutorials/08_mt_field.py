"""
Magnetotellurics in the field
=============================

Impedances as an instrument's software leaves them, in EDI files: read, reduced to their determinant, given the errors
that a layered earth deserves, handed to a network that says at once what lies below every station and how sure it is,
and refined to their noise.

    python tutorials/08_mt_field.py --size small
    python tutorials/08_mt_field.py --edi a_folder_of_yours

The data are 44 broadband stations of the U.S. Geological Survey around the Yellowstone caldera, where the folder of
SIMPEG_JOINTDL_DATA has them and the extra ``mt`` is installed; else a synthetic profile.

What to look for: the network has never seen a real sounding, nor these frequencies, and fits about half of the
stations to their errors as it is. Refinement changes it where it does not fit, and little else. In the middle of the
section, under the caldera, conductors of about 10 ohm m lie in the uppermost kilometre and, from 5 to 10 km on, rock
of a few ohm m; at both ends it has a thousand and more.

What not to believe: columns below stations that end at χ > 1. At YNP35 and YNP44 layers fit the resistivities alone and
the phases alone, and not both: what lies there is not layered. At YNP16 a few points about 1 s are spikes. A χ of 1
does not prove the contrary: neighbours that differ tenfold, or columns below 1 ohm m, are no layered earth either.
The 90 % band is the linearised one, near this model. It is too narrow where sharp layers meet: of the synthetic
profile it holds less than it says.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from simpeg_jointdl import datasets, networks, plotting, recipes
from simpeg_jointdl.datasets import synthetic

FLOOR = 0.05  # of the impedance: formal errors of 0.2 % know nothing of what is not layered
PROFILE = np.array([[485e3, 4897e3], [577e3, 4983e3]])  # UTM 12N, across the caldera from south-west to north-east
NEAR = 9e3  # m, stations that belong to it
MAX_DEPTH, SHALLOW = 30e3, 3e3  # m, of figures

# %%
# Reading
# -------
# One call for a folder. Points in the wrong quadrant, with large errors or out of their neighbours' reach go. Those of
# Yellowstone were looked through by hand; ``datasets.load`` reads the same EDIs and leaves out what was flagged.


def read(folder=None):
    """Soundings of the determinant, with errors of 5 % at least."""
    if folder is None:
        stations = datasets.load("ynp_mt")  #:
    else:
        stations = datasets.read_edi(folder)  #:
        stations = stations.without(wrong_quadrant=True, relative_error=0.5, spikes=0.15)  #:
    soundings = stations.soundings("determinant", error_floor=FLOOR)  #:
    return soundings[soundings.n_data > 2]


# %%
# Without field data: a profile over layers that are known, a conductor at changing depth and another one far below.


def make_synthetic(n_stations=16):
    """Soundings along 75 km, and the resistivities (n_stations, 40) and thicknesses that they are of."""
    thicknesses = synthetic.layer_thicknesses("wide").numpy()
    middle = np.cumsum(thicknesses) - 0.5 * thicknesses
    depth, x = np.append(middle, 1.2 * thicknesses.sum()), np.linspace(0.0, 1.0, n_stations)[:, None]
    log_rho = np.full((n_stations, depth.size), 2.0) + 0.8 * (depth > 2e3)
    top = 250.0 + 500.0 * (1.0 + np.cos(2.0 * np.pi * x))
    log_rho[(depth > top) & (depth < 3.0 * top)] = 0.7
    deep = 12e3 + 20e3 * np.abs(x - 0.5)
    log_rho[(depth > deep) & (depth < 2.5 * deep)] = 1.3
    places = np.column_stack([75e3 * x[:, 0], 4e3 * np.sin(9.0 * x[:, 0]), 2000.0 + 300.0 * np.sin(5.0 * x[:, 0])])
    frequencies = np.logspace(-3, 2.4, 34)
    options = {"noise": FLOOR, "locations": places, "random_seed": 1}
    return synthetic.make_soundings(10.0**log_rho, thicknesses, frequencies, **options), 10.0**log_rho, thicknesses


# %%
# Prediction and refinement
# -------------------------
# The recipe scales the network's layers to the depths that the data see, predicts, and prepares a Gauss-Newton
# inversion of all stations at once, each with a trade-off of its own.


def invert(soundings, weights):
    """The recipe after it ran, and its seconds."""
    start = time.perf_counter()
    network = networks.MT1DUNet.from_pretrained(weights)  #:
    recipe = recipes.create_mt_inversion(soundings, network=network, progress=False)  #:
    before = recipe.station_chi
    with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
        recipe.run()  #:
    return recipe, before, time.perf_counter() - start


def part_held(recipe, truth, thicknesses):
    """Part of the true layers above the figures' depth whose middle lies within the 90 % band."""
    middle = np.cumsum(thicknesses) - 0.5 * thicknesses
    middle = middle[middle < MAX_DEPTH]
    layer = np.searchsorted(np.cumsum(recipe.thicknesses), middle)
    lower, upper = (edge[:, layer] for edge in recipe.band(0.9))
    true = truth[:, : middle.size]
    return np.mean((true > lower) & (true < upper))


def report(console, recipe, before, seconds):
    """What was fitted and what was not."""
    after, steps = recipe.station_chi, recipe.station_iterations
    table = Table(title="rms, the root of χ")
    for name in ("station", "U-Net alone", "refined", "iterations"):
        table.add_column(name, justify="right" if table.columns else "left")
    names = list(after)
    worst = sorted(names, key=lambda name: -before[name])[:10]
    for name in sorted(worst, key=names.index):
        rms = (f"{np.sqrt(chi[name]):.2f}" for chi in (before, after))
        table.add_row(name + (" (not fitted)" if name in recipe.failed else ""), *rms, str(steps[name]))
    console.print("The ten stations that the network fits worst:")
    console.print(table)
    fits = [sum(chi <= 1.0 for chi in some.values()) for some in (before, after)]
    console.print(
        f"{len(names)} stations: {fits[0]} are fitted by the network alone (median rms "
        f"{np.median(np.sqrt(list(before.values()))):.2f}), {fits[1]} after refinement; {seconds:.1f} s. "
        f"Not fitted by any layers found: {', '.join(recipe.failed) or 'none'}."
    )


# %%
# Figures
# -------


def chosen(recipe, before):
    """The station that the network fits best, the one that refinement mends most, and the worst that is left."""
    after = recipe.station_chi
    mended = max(after, key=lambda name: before[name] / after[name])
    names = [min(before, key=before.get), mended, max(after, key=after.get)]
    return list(dict.fromkeys(names))


def draw(soundings, recipe, before, folder, truth=None):
    """Fits and models of three stations, the section, the map."""
    start = np.exp(recipe.initial_model).reshape(len(soundings), -1)
    fits = {"U-Net": recipe.predicted(start), "refined": recipe.predicted()}
    lower, upper = recipe.band(0.9)
    for name in chosen(recipe, before):
        i = soundings.names.index(name)
        plotting.plot_sounding(recipe.soundings, name, fits).savefig(folder / f"sounding_{name}.png")
        others = {"U-Net": (recipe.thicknesses, start[i])}
        if truth is not None:
            others["truth"] = (truth[1], truth[0][i])
        figure = plotting.plot_layered_model(
            recipe.thicknesses, recipe.resistivity[i], lower[i], upper[i], name="refined", band_names=["90 % band"],
            others=others, max_depth=2.0 * MAX_DEPTH, depth_scale="log", title=name,
        )  # fmt: skip
        figure.savefig(folder / f"layers_{name}.png")
    on_line = np.ones(len(soundings), dtype=bool) if truth is not None else near(soundings.locations)
    if np.sum(on_line) < 3:  # of other surveys: all stations on the line that fits them best
        on_line[:] = True
    line = PROFILE if on_line.sum() < len(soundings) else None
    for label, depth in (("section", MAX_DEPTH), ("section_shallow", SHALLOW)):
        figure = plotting.plot_section(
            soundings.locations[on_line], recipe.thicknesses, recipe.resistivity[on_line],
            names=np.array(soundings.names)[on_line], profile=line, max_depth=depth, limits=(1.0, 1e4),
            title="Refined",
        )  # fmt: skip
        figure.savefig(folder / f"{label}.png")
    for label, chi in (("U-Net alone", before), ("refined", recipe.station_chi)):
        names = soundings.names if label == "refined" else None
        figure = plotting.plot_misfit_map(
            soundings.locations, list(chi.values()), names=names, limits=(0.1, 10.0), title=label
        )
        figure.savefig(folder / f"map_{label.split()[0].lower()}.png")


def near(locations):
    """Whether stations lie near the profile, and between its ends."""
    along = (PROFILE[1] - PROFILE[0]) / np.linalg.norm(PROFILE[1] - PROFILE[0])
    offset = locations[:, :2] - PROFILE[0]
    place = offset @ along
    inside = (place > -NEAR) & (place < np.linalg.norm(PROFILE[1] - PROFILE[0]) + NEAR)
    return inside & (np.abs(offset @ np.array([-along[1], along[0]])) < NEAR)


# %%
# Run it
# ------


def has_field_data():
    """Whether the EDIs are in the folder of data, and the library that reads them is there."""
    folder = Path(os.environ.get("SIMPEG_JOINTDL_DATA", "nowhere")) / "ynp_mt"
    return folder.is_dir() and importlib.util.find_spec("mt_metadata") is not None


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", choices=("small", "default"), default="default")
    parser.add_argument("--edi", type=Path, help="a folder of EDI files in the place of those of Yellowstone")
    parser.add_argument("--synthetic", action="store_true", help="the synthetic profile, whatever there is")
    parser.add_argument("--weights", default="wide", help="of the network; those of the package if not given")
    parser.add_argument("--output", type=Path, default=Path("output/mt_field"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    console, truth = Console(width=110), None
    if options.synthetic or (options.edi is None and not has_field_data()):
        soundings, *truth = make_synthetic()
        console.print("A synthetic profile; give --edi, or SIMPEG_JOINTDL_DATA and the extra mt, for real stations.")
    else:
        start = time.perf_counter()
        soundings = read(options.edi)
        console.print(f"Read and reduced in {time.perf_counter() - start:.1f} s: {len(soundings)} stations.")
    if options.size == "small":
        kept = np.arange(0, len(soundings), 4)
        soundings, truth = soundings[kept], truth and (truth[0][kept], truth[1])
    recipe, before, seconds = invert(soundings, options.weights)
    report(console, recipe, before, seconds)
    if truth is not None:
        held = part_held(recipe, *truth)
        console.print(f"The 90 % band holds the truth of {held:.0%} of the layers above 30 km.")
    draw(soundings, recipe, before, options.output, truth)
    console.print(f"Figures are in {options.output}/.")


if __name__ == "__main__":
    main()
