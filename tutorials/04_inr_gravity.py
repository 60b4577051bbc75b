"""
A model that is a network
=========================

For a geophysicist who inverts gravity over compact bodies, and for a machine-learning engineer who knows
coordinate networks. The density is a small network of the coordinates, an implicit neural representation
(INR). To SimPEG the network is a map and its weights are the model. It is compared with SimPEG's sparse norms
on a block that descends in stairs, and an ensemble of networks shows where the data leave a choice.
"""

import contextlib
import io
import os
import time
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, directives, inverse_problem, inversion, maps, optimization, regularization
from simpeg.utils import get_logger

from simpeg_jointdl import data, datasets, plotting, recipes
from simpeg_jointdl.potential_fields import gravity

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small" for a quick look
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Data
# ----
# 441 stations and 1 % noise: the problem of Mishra et al. (2025, https://doi.org/10.48550/arXiv.2510.17876). The
# simulation is this package's drop-in for SimPEG's, so that the minimizer can use its sensitivities on tensors.

survey = datasets.load("stair_block", random_seed=0)
mesh, truth = survey.mesh, survey.true_models["density"]
bounds = (0.0, 0.6)  # density contrast in g/cc, for all inversions
simulation = gravity.Simulation3DIntegral(
    mesh, survey=survey.gravity.survey(), rhoMap=maps.IdentityMap(nP=mesh.n_cells), engine="dense"
)

# %%
# Sparse norms
# ------------
# SimPEG's sparse inversion with norms (0, 1, 1, 1) between the same bounds, which one would choose otherwise.

misfit = data_misfit.L2DataMisfit(data=survey.gravity.data(), simulation=simulation)
sparse = regularization.Sparse(mesh, gradient_type="total", norms=[0, 1, 1, 1])
minimizer = optimization.ProjectedGNCG(
    maxIter=60, maxIterLS=20, lower=bounds[0], upper=bounds[1], cg_maxiter=20, cg_rtol=1e-3, cg_atol=0.0
)
steps = [
    directives.UpdateSensitivityWeights(every_iteration=False),
    directives.BetaEstimate_ByEig(beta0_ratio=10.0, random_seed=0),
    directives.UpdateIRLS(f_min_change=1e-4, max_irls_iterations=30, misfit_tolerance=1e-2),
    directives.UpdatePreconditioner(),
]
problem = inverse_problem.BaseInvProblem(misfit, sparse, minimizer, print_version=False)
start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()):  # SimPEG prints a line per iteration
    model = inversion.BaseInversion(problem, directiveList=steps).run(np.full(mesh.n_cells, 1e-4))
results = {"sparse norms": (model, misfit(model) / misfit.nD, mesh.n_cells, time.perf_counter() - start)}

# %%
# One network
# -----------
# The recipe puts an :class:`~simpeg_jointdl.maps.INRMap` in front of the simulation's map and minimizes over the
# weights by damped Gauss-Newton, until the data are fitted to their noise. ``units=1`` tells the network one thing
# more: the block is one rock in a background of zero, with a contrast to be found between the bounds. Nothing smooths
# the model, and nothing weights it against depth.

start = time.perf_counter()
recipe = recipes.create_inr_inversion(
    survey.gravity.data(), simulation, bounds=bounds, units=1, random_seed=0, dtype="float32", progress=False
)
model = recipe.run()["density"]
results["network"] = (model, recipe.chi[0], recipe.network_map.nP, time.perf_counter() - start)
print(f"contrast found: {recipe.network_map.contrasts(recipe.model).item():.2f} g/cc, true: {truth.max():.2f} g/cc")

# %%
# An ensemble of networks
# -----------------------
# Networks that start from other weights fit the data as well. They differ where the data leave a choice.

start = time.perf_counter()
members = recipes.create_inr_ensemble(
    survey.gravity.data(), simulation, n_members=4 if SIZE == "full" else 2, bounds=bounds, units=1, dtype="float32",
    progress=False,
)  # fmt: skip
ensemble = members.run()
results["ensemble mean"] = (
    ensemble.mean["density"], ensemble.chi.max(), members.network_map.nP, time.perf_counter() - start,
)  # fmt: skip

# %%
# Comparison
# ----------
# Sparse norms put too much density into the shallow end of the stair and blur the deep end; the network finds both.
# All networks fill the top layer as well: each station lies almost at the centre of a cell of that layer, which it
# hardly sees.

table = Table(title="stair block, 1 % noise")
for column in ("", "rms error (g/cc)", "correlation with the truth", "χ", "parameters", "seconds"):
    table.add_column(column, justify="right" if column else "left")
table.add_row("a model of zero", f"{np.sqrt(np.mean(truth**2)):.3f}")
for name, (model, chi, n_parameters, seconds) in results.items():
    error, correlation = np.sqrt(np.mean((model - truth) ** 2)), np.corrcoef(model, truth)[0, 1]
    table.add_row(name, f"{error:.3f}", f"{correlation:.2f}", f"{chi:.2f}", str(n_parameters), f"{seconds:.1f}")
Console(width=110).print(table)

# %%
center = (475.0, 400.0, -175.0)  # in m, inside the stair
rows = [
    data.PropertyModel(f"density, {name}", "g/cc", model, color_limits=(0.0, 0.4))
    for name, (model, *_) in results.items()
]
model_figure = plotting.plot_models(mesh, rows, center=center, true_models=[truth] * len(rows))
model_figure.savefig(OUTPUT / "04_models.png")

# %%
# Spread of the ensemble
# ----------------------
# The networks differ at the edges, and most below the deep end. The spread is no posterior: all members prefer what a
# small network prefers. In the top layer they agree and are wrong, and the 90 % interval contains the truth less often
# than its name says.

spread = ensemble.spread["density"]
unsure = spread > 0.01 * bounds[1]
coverage = ensemble.coverage(survey.true_models, 0.9, cells=unsure, tolerance=0.01 * bounds[1])["density"]
print(f"cells in which the networks differ: {unsure.sum()} of {mesh.n_cells}")
print(f"of these, the 90 % interval contains the truth in {100 * coverage:.0f} %")
spread_figure = plotting.plot_models(
    mesh, data.PropertyModel("standard deviation", "g/cc", spread), center=center, true_models=[truth]
)
spread_figure.savefig(OUTPUT / "04_spread.png")

# %%
# The same network on a finer mesh
# --------------------------------
# A network knows no cells. Between the cells of the inversion it interpolates: the data have not asked for that.

fine = TensorMesh([np.repeat(h / 2, 2) for h in mesh.h], origin=mesh.origin)
finer = data.PropertyModel("density, cells of 25 m", "g/cc", recipe.network_map.on(fine) * recipe.model)
fine_figure = plotting.plot_models(fine, finer, center=center)
fine_figure.savefig(OUTPUT / "04_finer.png")

# %%
# Weights are saved as safetensors, with a description of what they are.

recipe.network_map.save(OUTPUT / "04_network.safetensors", recipe.model, data="stair_block, seed 0")
