"""
Geology as a prior
==================

Gravity over a block that descends in stairs, inverted for geology that a network has learned from thousands of random
models: layers, folds, faults, dykes, blocks and bodies (``datasets.make_geology``). What is inverted for is the latent
vector of its decoder, which is about standard normal, so that SimPEG's smallness is the prior.

    python tutorials/06_learned_prior.py --size small

What to look for: the prior's draws (first figure) are geology, if soft. The inversion looks at many such models, tries
those that fit best, and goes on from the best; where it ends, the block has edges that nobody has smoothed.

What not to believe: geology that the network has never seen. The stair itself is not in its training, compact dipping
bodies are. And a start matters: other draws, and ``rank=1``, end in other models that fit as well.
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
from simpeg import maps

from simpeg_jointdl import datasets, networks, plotting, recipes
from simpeg_jointdl import maps as network_maps
from simpeg_jointdl.potential_fields import gravity

# %%
# The prior
# ---------
# A decoder turns 64 numbers into density and susceptibility anywhere in a box; the map evaluates it on the mesh.


def draws(survey, n):
    """Densities of random geology as the decoder has them, (n, n_cells), in g/cc."""
    decoder = networks.GeologyVAE.from_pretrained()  #:
    prior = network_maps.DecoderMap(decoder, survey.mesh, dtype="float32")  #:
    return [prior.properties[0] * model for model in prior.candidates(n, random_seed=3)]


# %%
# The inversion
# -------------
# Data and a simulation in, a plain SimPEG inversion out, as everywhere.


def invert(survey, n_candidates, rank=0):
    """The recipe; candidates are looked at while it is made."""
    simulation = gravity.Simulation3DIntegral(
        survey.mesh, survey=survey.gravity.survey(), rhoMap=maps.IdentityMap(nP=survey.mesh.n_cells), engine="dense"
    )
    return recipes.create_prior_inversion(  #:
        survey.gravity.data(), simulation, n_candidates=n_candidates, n_starts=max(n_candidates // 100, rank + 1),
        rank=rank, progress=False, dtype="float32",
    )  # fmt: skip


# %%
# Run it
# ------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", choices=("small", "default"), default="default")
    parser.add_argument("--output", type=Path, default=Path("output/prior"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    n_candidates = 100 if options.size == "small" else 400
    survey = datasets.load("stair_block", random_seed=0)
    truth = survey.true_models["density"]
    table = Table(title="Stair-block gravity, 1 % noise, learned prior")
    for name in ("", "rms error, kg/m³", "correlation", "χ", "seconds"):
        table.add_column(name, justify="left" if not name else "right")
    table.add_row("a model of zero", f"{1e3 * np.sqrt(np.mean(truth**2)):.1f}")
    models = []
    for rank in (0, 1)[: 1 if options.size == "small" else 2]:
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
            recipe = invert(survey, n_candidates, rank)
            density = recipe.run()["density"]
        models.append(density)
        error, correlation = 1e3 * np.sqrt(np.mean((density - truth) ** 2)), np.corrcoef(density, truth)[0, 1]
        seconds = time.perf_counter() - start
        table.add_row(f"rank {rank}", f"{error:.1f}", f"{correlation:.3f}", f"{recipe.chi[0]:.2f}", f"{seconds:.0f}")
    Console(width=100).print(table)
    draw(survey, draws(survey, 4), models, options.output)
    Console().print(f"Figures are in {options.output}/.")


# %%
# Figures
# -------


def draw(survey, samples, models, folder):
    """Draws of the prior, and the models found."""
    center = (475.0, 390.0, -175.0)
    shown = [
        plotting.PropertyModel(
            f"draw {i + 1}", "g/cc", one, signed=True, color_limits=(-np.abs(one).max(), np.abs(one).max())
        )
        for i, one in enumerate(samples)
    ]
    plotting.plot_models(survey.mesh, shown, center=center).savefig(folder / "draws.png", dpi=120)
    truth = survey.true_models["density"]
    shown = [plotting.PropertyModel(f"rank {i}", "g/cc", one, color_limits=(0.0, 0.4)) for i, one in enumerate(models)]
    figure = plotting.plot_models(survey.mesh, shown, center=center, true_models=[truth] * len(shown))
    figure.savefig(folder / "models.png", dpi=120)


if __name__ == "__main__":
    main()
