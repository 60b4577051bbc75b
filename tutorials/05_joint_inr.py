"""
A network for two surveys
=========================

For readers of tutorial 04. One network of the coordinates may have several outputs: gravity and magnetics
then share all its layers but the last. Two kinds of network model are compared with a joint inversion on the
cells of a mesh, each made by one call of a recipe.
"""

# %%
# =======================  ================================================  =========================================
# model                    use it when                                       avoid it when
# =======================  ================================================  =========================================
# rock units               there are a few rock types in a quiet host: the   properties change gradually, or cells may
# (``units=2``)            network says where each is, two numbers what it   have any pair of values
#                          is; all properties share the shapes of the units
# free properties and      nothing is known but bounds; the coupling acts    time is short: many small steps
# a coupling               on the outputs of the network
# cells of a mesh          smooth models are wanted, or a reference for the  bodies have sharp edges
#                          other two
# =======================  ================================================  =========================================

import os
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.utils import get_logger

from simpeg_jointdl import data, datasets, diagnostics, plotting, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

SIZE = os.environ.get("TUTORIAL_SIZE", "full")  # "small" for a quick look
OUTPUT = Path(os.environ.get("TUTORIAL_OUTPUT", "output"))
OUTPUT.mkdir(parents=True, exist_ok=True)
get_logger().setLevel("WARNING")

# %%
# Data
# ----
# The two blocks of tutorial 01. Each simulation takes one property on all cells; the recipes put the network in front.

shape, n_stations = ((12, 12, 6), (10, 10)) if SIZE == "full" else ((8, 8, 4), (8, 8))
survey = datasets.load("two_blocks", shape=shape, cell_size=2400.0 / shape[0], n_stations=n_stations)
mesh, truth = survey.mesh, survey.true_models
observed = [survey.gravity.data(), survey.magnetics.data()]
bounds = [(-1.0, 1.0), (0.0, 0.2)]  # density contrast in g/cc, susceptibility in SI; wider than any rock here


def simulate(density_map, susceptibility_map):
    """Make the simulations of both data sets, through these maps."""
    return [
        gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=density_map),
        magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=susceptibility_map),
    ]


# %%
# On the cells of the mesh
# ------------------------
# The reference: smooth, with a cross-gradient.

wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
pairs = zip(observed, simulate(wires.density, wires.susceptibility), strict=True)
cells = recipes.create_joint_inversion(
    mesh,
    [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in pairs],
    wires,
    couplings=regularization.CrossGradient,
    bounds=dict(zip(truth, bounds, strict=True)),
    progress=False,
)
models = {"cells, cross-gradient": cells.run()}

# %%
# Separate networks
# -----------------
# Two rock units for each property, whose contrasts the inversion finds. Nothing ties the two networks to each other.

identity = maps.IdentityMap(nP=mesh.n_cells)
simulations = simulate(identity, identity)
options = {"units": 2, "progress": False}
separate = [
    recipes.create_inr_inversion(d, s, bounds=b, **options)
    for d, s, b in zip(observed, simulations, bounds, strict=True)
]
models["two networks, units"] = separate[0].run() | separate[1].run()

# %%
# One network, rock units
# -----------------------
# The same call with both data sets. The units share their shapes, so each data set helps to place them. The true units
# are (0.40 g/cc, 0.060 SI) and (-0.30 g/cc, 0.030 SI). The network gives every cell a part of each unit, so the model
# stays below the contrasts that are found.

joint = recipes.create_inr_inversion(observed, simulations, bounds=bounds, **options)
models["one network, units"] = joint.run()
for density, susceptibility in joint.network_map.contrasts(joint.model):
    print(f"rock unit found: {density:.2f} g/cc, {susceptibility:.3f} SI")

# %%
# One network, free properties
# ----------------------------
# Without units each property is free within its bounds, and Adam is the minimizer. Only the cross-gradient ties the two
# properties to each other.

free = recipes.create_inr_inversion(
    observed, simulations, bounds=bounds, couplings=regularization.CrossGradient, progress=False
)
models["one network, cross-gradient"] = free.run()

# %%
# Comparison
# ----------
# Nothing smooths the networks and nothing weights them against depth: the network, its start and the stop at the noise
# level of the data do. Another seed gives another model that fits as well: what differs between the two is not
# determined by the data. This is one seed each, so differences of a few per cent mean nothing.

table = Table(title="two blocks; density ρ in g/cc, susceptibility κ in SI")
for column in ("", "χ gravity", "χ magnetics", "rms ρ", "rms κ", "corr. ρ", "corr. κ", "similarity"):
    table.add_column(column, justify="right" if column else "left")
fits = [cells.chi, [separate[0].chi[0], separate[1].chi[0]], joint.chi, free.chi]
table.add_row("a model of zero", "", "", *(f"{np.sqrt(np.mean(true**2)):.4f}" for true in truth.values()))
for (name, model), chi in zip(models.items(), fits, strict=True):
    rms = [f"{np.sqrt(np.mean((model[key] - true) ** 2)):.4f}" for key, true in truth.items()]
    correlations = [f"{np.corrcoef(model[key], true)[0, 1]:.2f}" for key, true in truth.items()]
    similarity = diagnostics.structural_similarity(mesh, *model.values())
    table.add_row(name, *(f"{one:.2f}" for one in chi), *rms, *correlations, f"{similarity:.2f}")
Console(width=110).print(table)

# %%
# Density
# -------
center = (-450.0, 0.0, -350.0)  # in m, inside the western block
rows = [data.PropertyModel(name, "g/cc", model["density"], signed=True) for name, model in models.items()]
density_figure = plotting.plot_models(mesh, rows, center=center, true_models=[truth["density"]] * len(rows))
density_figure.savefig(OUTPUT / "05_density.png")

# %%
# Susceptibility
# --------------
rows = [data.PropertyModel(name, "SI", model["susceptibility"]) for name, model in models.items()]
susceptibility_figure = plotting.plot_models(
    mesh, rows, center=center, true_models=[truth["susceptibility"]] * len(rows)
)
susceptibility_figure.savefig(OUTPUT / "05_susceptibility.png")

# %%
# The same network on a finer mesh
# --------------------------------
# A network knows no cells and can be evaluated on any mesh of the same domain, or at any points. What it shows between
# the cells of the inversion the data have not asked for.

fine = TensorMesh([np.repeat(h / 3, 3) for h in mesh.h], origin=mesh.origin)
density, susceptibility = (np.asarray(one * joint.model) for one in joint.network_map.on(fine).properties)
rows = [
    data.PropertyModel("density, fine", "g/cc", density, signed=True),
    data.PropertyModel("susceptibility, fine", "SI", susceptibility),
]
parents = mesh.point2index(fine.cell_centers)
fine_figure = plotting.plot_models(fine, rows, center=center, true_models=[true[parents] for true in truth.values()])
fine_figure.savefig(OUTPUT / "05_finer.png")
