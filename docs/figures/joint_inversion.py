"""Draw the README's figure: the two blocks, and what separate and joint inversion of their data recover.

Run it from the repository's root; it takes under a minute::

    PYTHONPATH=. python docs/figures/joint_inversion.py

The joint inversion is given the density and susceptibility of the rock units, and nothing about their shapes. All else
(data, sparse norms, bounds, sensitivity weights, target misfits) is the same in the separate inversion.
"""

from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from simpeg import data_misfit, maps

from simpeg_jointdl import datasets, recipes, regularization
from simpeg_jointdl.potential_fields import gravity, magnetics

OUTPUT = Path(__file__).parents[1] / "_static" / "joint_inversion.png"
UNITS = [(0.0, 0.0), (0.4, 0.06), (-0.3, 0.03)]  # density contrast in g/cc and susceptibility in SI
DEPTH = 350.0  # of the maps, in m
NORTHING = 0.9  # the maps end here on both sides, in km
# name: (title, unit, colour map, colour limits)
STYLES = {
    "density": ("density contrast", "g/cc", "RdBu_r", (-0.4, 0.4)),
    "susceptibility": ("susceptibility", "SI", "YlOrRd", (0.0, 0.06)),
}


def invert(problem):
    """Models and relative errors of the separate and the joint inversion, by title."""
    mesh, n = problem.mesh, problem.mesh.n_cells
    wires = maps.Wires(("density", n), ("susceptibility", n))
    simulations = (
        gravity.Simulation3DIntegral(mesh, survey=problem.gravity.survey(), rhoMap=wires.density),
        magnetics.Simulation3DIntegral(mesh, survey=problem.magnetics.survey(), chiMap=wires.susceptibility),
    )
    observed = (problem.gravity.data(), problem.magnetics.data())
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]
    settings = dict(norms=(0, 1, 1, 1), bounds={"susceptibility": (0, 1)}, progress=False)
    coupling = partial(regularization.GuidedFuzzyCMeans, centers=UNITS, balance=1.0)
    cases = {"separate": dict(strategy="separate"), "joint": dict(couplings=coupling)}
    models, errors = {"truth": problem.true_models}, {}
    for title, case in cases.items():
        recipe = recipes.create_joint_inversion(mesh, misfits, wires, **case, **settings)
        models[title] = recipe.run()
        errors[title] = {
            name: np.linalg.norm(models[title][name] - truth) / np.linalg.norm(truth)
            for name, truth in problem.true_models.items()
        }
        shown = ", ".join(f"{name} {error:.3f}" for name, error in errors[title].items())
        print(f"{title}: misfit per datum {np.round(recipe.chi, 2)}, relative error {shown}")
    return models, errors


def draw(problem, models, errors):
    """One row per property and view, one column per model."""
    mesh = problem.mesh
    x, y, z = (nodes / 1000.0 for nodes in (mesh.nodes_x, mesh.nodes_y, mesh.nodes_z))
    row = int(np.argmin(np.abs(mesh.cell_centers_y)))
    layer = int(np.argmin(np.abs(mesh.cell_centers_z + DEPTH)))
    figure, axes = plt.subplots(
        4, 3, figsize=(9.0, 8.2), layout="constrained", sharex=True, height_ratios=2 * (2 * NORTHING, np.ptp(z))
    )
    for i, (name, (label, unit, colors, limits)) in enumerate(STYLES.items()):
        plan, section = axes[2 * i], axes[2 * i + 1]
        truth = problem.true_models[name].reshape(mesh.shape_cells, order="F") != 0
        for j, (title, properties) in enumerate(models.items()):
            values = properties[name].reshape(mesh.shape_cells, order="F")
            style = dict(cmap=colors, vmin=limits[0], vmax=limits[1], rasterized=True)
            image = plan[j].pcolormesh(x, y, values[:, :, layer].T, **style)
            section[j].pcolormesh(x, z, values[:, row, :].T, **style)
            _outline(plan[j], x, y, truth[:, :, layer])
            _outline(section[j], x, z, truth[:, row, :])
            plan[j].axhline(0.0, color="0.4", lw=0.6, ls=":")
            section[j].axhline(-DEPTH / 1000.0, color="0.4", lw=0.6, ls=":")
            error = "" if title == "truth" else f" (relative error {errors[title][name]:.2f})"
            plan[j].set_title(f"{title}{error}", fontsize=10)
            for axis, view in ((plan[j], f"map at {DEPTH:.0f} m depth"), (section[j], "section at northing 0")):
                axis.set_aspect("equal")
                axis.set_yticks(np.arange(-1.0, 1.0, 0.5))
                axis.tick_params(labelsize=8, labelleft=j == 0)
                axis.text(0.02, 0.03, view, transform=axis.transAxes, fontsize=7.5, color="0.25")
            plan[j].set_ylim(-NORTHING, NORTHING)
            section[j].set_ylim(z[0], z[-1])
        plan[0].set_ylabel("northing (km)", fontsize=9)
        section[0].set_ylabel("elevation (km)", fontsize=9)
        bar = figure.colorbar(image, ax=list(axes[2 * i : 2 * i + 2].ravel()), shrink=0.75, pad=0.01)
        bar.set_label(f"{label} ({unit})", fontsize=9)
        bar.ax.tick_params(labelsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("easting (km)", fontsize=9)
    return figure


def _outline(axis, horizontal, vertical, inside):
    """Edges of the cells in which the true model is not zero."""
    padded = np.pad(inside, 1)
    for i, j in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]):
        axis.plot([horizontal[i]] * 2, vertical[j : j + 2], "k", lw=0.9)
    for i, j in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]):
        axis.plot(horizontal[i : i + 2], [vertical[j]] * 2, "k", lw=0.9)


if __name__ == "__main__":
    two_blocks = datasets.load("two_blocks", noise=0.01)
    figure = draw(two_blocks, *invert(two_blocks))
    OUTPUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUTPUT, dpi=110, metadata={"Software": None})
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1000:.0f} kB")
