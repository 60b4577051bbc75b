"""
A model that is a network
=========================

Gravity over a block that descends in stairs, inverted for a density that is a small network of the coordinates: an
implicit neural representation (INR). To SimPEG the network is a map and its weights are the model.

    python tutorials/04_inr_gravity.py --size small

What to look for: SimPEG's sparse norms with bounds, which a user would pick otherwise, lose the deep end of the stair.
The network is told one thing more, that the block is one rock in a background of zero (``units=1``); its contrast it
has to find between the same bounds. An ensemble of such networks, started apart, shows where the data leave them a
choice: at the edges, and most below the deep end.

What not to believe: an ensemble's spread is no posterior. All members prefer what a small network prefers, and their
90 % band holds the truth less often than that, as the last line of the output says.
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
from simpeg import data_misfit, directives, inverse_problem, inversion, maps, optimization, regularization

from simpeg_jointdl import datasets, plotting, recipes
from simpeg_jointdl.potential_fields import gravity

BOUNDS = (0.0, 0.6)  # g/cc, for both

# %%
# The survey
# ----------
# 441 stations, 1 % noise: the problem on which such networks have been published (Mishra et al., 2025).


def make_simulation(survey):
    """Gravity of this package, whose sensitivities the minimizer can use on tensors; any of SimPEG's would do."""
    return gravity.Simulation3DIntegral(
        survey.mesh, survey=survey.gravity.survey(), rhoMap=maps.IdentityMap(nP=survey.mesh.n_cells), engine="dense"
    )


# %%
# What one would pick otherwise
# -----------------------------
# SimPEG's own sparse inversion between the same bounds.


def invert_sparse(survey, max_iterations):
    """SimPEG's sparse norms (0, 1, 1, 1), cooled to the noise."""
    simulation = make_simulation(survey)
    misfit = data_misfit.L2DataMisfit(data=survey.gravity.data(), simulation=simulation)
    reg = regularization.Sparse(survey.mesh, gradient_type="total", norms=[0, 1, 1, 1])
    minimizer = optimization.ProjectedGNCG(
        maxIter=max_iterations, maxIterLS=20, lower=BOUNDS[0], upper=BOUNDS[1], cg_maxiter=20, cg_rtol=1e-3, cg_atol=0.0
    )
    problem = inverse_problem.BaseInvProblem(misfit, reg, minimizer)
    steps = [
        directives.UpdateSensitivityWeights(every_iteration=False),
        directives.BetaEstimate_ByEig(beta0_ratio=10.0, random_seed=0),
        directives.UpdateIRLS(f_min_change=1e-4, max_irls_iterations=30, misfit_tolerance=1e-2),
        directives.UpdatePreconditioner(),
    ]
    model = inversion.BaseInversion(problem, directiveList=steps).run(np.full(survey.mesh.n_cells, 1e-4))
    return model, misfit(model) / misfit.nD


# %%
# The network
# -----------
# The recipe puts an :class:`~simpeg_jointdl.maps.INRMap` in front of the simulation's own map and minimizes by damped
# Gauss-Newton over the weights, until the data are fitted to their noise. Nothing is smoothed, and nothing is tuned.


def invert_network(survey, seed=0):
    """The recipe."""
    return recipes.create_inr_inversion(  #:
        survey.gravity.data(), make_simulation(survey), bounds=BOUNDS, units=1, random_seed=seed, dtype="float32",
        progress=False,
    )  # fmt: skip


# %%
# A finer mesh for nothing
# ------------------------
# The same weights on cells of half the size.


def refined(mesh, factor=2):
    """Cells cut in so many parts each way."""
    return TensorMesh([np.repeat(h / factor, factor) for h in mesh.h], origin=mesh.origin)


# %%
# Run it
# ------


def timed(function):
    """Result and seconds, SimPEG's table of iterations kept off the screen."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        result = function()
    return result, time.perf_counter() - start


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--size", choices=("small", "default"), default="default")
    parser.add_argument("--output", type=Path, default=Path("output/inr"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    n_members, sparse_iterations = (2, 8) if options.size == "small" else (4, 60)
    survey = datasets.load("stair_block", random_seed=0)
    truth = survey.true_models["density"]
    console = Console(width=110)

    (sparse, chi), seconds = timed(lambda: invert_sparse(survey, sparse_iterations))
    rows = [("SimPEG, sparse norms", sparse, chi, seconds, len(sparse))]
    recipe = invert_network(survey)
    models, seconds = timed(recipe.run)
    rows.append(("network", models["density"], recipe.chi[0], seconds, recipe.network_map.nP))
    ensemble_recipe = recipes.create_inr_ensemble(  #:
        survey.gravity.data(), make_simulation(survey), n_members=n_members, bounds=BOUNDS, units=1, dtype="float32",
        progress=False,
    )  # fmt: skip
    ensemble, seconds = timed(ensemble_recipe.run)
    mean, n_parameters = ensemble.mean["density"], ensemble_recipe.network_map.nP
    rows.append((f"mean of {n_members} networks", mean, float(ensemble.chi.max()), seconds, n_parameters))

    table = Table(title="Stair-block gravity, 1 % noise")
    for name in ("", "rms error, kg/m³", "correlation", "χ", "parameters", "seconds"):
        table.add_column(name, justify="left" if not name else "right")
    zero = 1e3 * np.sqrt(np.mean(truth**2))
    for name, model, chi, seconds, n in rows:
        error = 1e3 * np.sqrt(np.mean((model - truth) ** 2))
        correlation = np.corrcoef(model, truth)[0, 1]
        table.add_row(name, f"{error:.1f}", f"{correlation:.3f}", f"{chi:.2f}", str(n), f"{seconds:.1f}")
    table.add_row("a model of zero", f"{zero:.1f}")
    console.print(table)
    contrast = recipe.network_map.contrasts(recipe.model).item()
    console.print(f"Contrast found: {1e3 * contrast:.0f} kg/m³; true: {1e3 * truth.max():.0f}.")
    unsure = ensemble.spread["density"] > 0.01 * BOUNDS[1]
    held = ensemble.coverage(survey.true_models, 0.9, cells=unsure, tolerance=0.01 * BOUNDS[1])["density"]
    console.print(
        f"The networks differ in {unsure.sum()} of {len(truth)} cells; there, their 90 % band holds the truth in "
        f"{100 * held:.0f} %."
    )

    draw(survey, rows, ensemble, recipe, options.output)
    recipe.network_map.save(options.output / "network.safetensors", recipe.model, data="stair_block, seed 0")
    console.print(f"Figures and weights are in {options.output}/.")


# %%
# Figures
# -------


def draw(survey, rows, ensemble, recipe, folder):
    """Models, spread, data fit, and the network on a finer mesh."""
    truth, mesh = survey.true_models["density"], survey.mesh
    shown = [plotting.PropertyModel(name, "g/cc", model, color_limits=(0.0, 0.4)) for name, model, *_ in rows]
    shown.append(
        plotting.PropertyModel("spread of the networks", "g/cc", ensemble.spread["density"], color_limits=(0.0, 0.1))
    )
    figure = plotting.plot_models(mesh, shown, center=(475.0, 390.0, -175.0), true_models=[truth] * len(shown))
    figure.savefig(folder / "models.png", dpi=120)
    fine = refined(mesh)
    finer = plotting.PropertyModel("network, cells of 25 m", "g/cc", recipe.network_map.on(fine) * recipe.model)
    plotting.plot_models(fine, [finer], center=(475.0, 390.0, -175.0)).savefig(folder / "finer.png", dpi=120)
    (misfit,) = recipe.inversion.invProb.dmisfit.objfcts
    fit = plotting.DataFit(
        "gravity", "mGal", survey.gravity.locations, survey.gravity.gz, misfit.simulation.dpred(recipe.model),
        survey.gravity.uncertainty,
    )  # fmt: skip
    plotting.plot_data_fit([fit]).savefig(folder / "data.png", dpi=120)


if __name__ == "__main__":
    main()
