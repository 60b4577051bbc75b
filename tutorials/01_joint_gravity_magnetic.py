"""
Joint inversion of gravity and magnetic data
============================================

One survey of gravity and one of magnetics over the same ground, inverted twice: each for itself, and
together with a coupling that asks both models to agree. By default the data are computed on the spot;
``--data ernest_henry`` takes a real survey around the Ernest Henry copper-gold deposit, Queensland.

    python tutorials/01_joint_gravity_magnetic.py
    python tutorials/01_joint_gravity_magnetic.py --data ernest_henry --coupling cross-gradient

Everything in here is SimPEG; what this package adds is marked with ``#:``. Models (UBC and npz), data fit
and figures are written to the folder that ``--output`` names.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, directives, inverse_problem, inversion, maps, optimization
from simpeg.potential_fields import gravity, magnetics
from simpeg.regularization import WeightedLeastSquares

from simpeg_jointdl import datasets, plotting
from simpeg_jointdl import directives as joint_directives
from simpeg_jointdl import regularization as joint_regularization

# %%
# The couplings
# -------------
# Any of the four, built the same way: a mesh, the maps from the model to the properties, the active cells.
# Windows are in cells. The centres of the clusters, (density in g/cc, susceptibility in SI), are what one
# knows of the rocks; the first is the background.

CENTERS = {
    "two_blocks": [[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]],
    # host rocks; magnetite-rich dense rocks; Naraku granite: hand-sample values rounded, so guided, not fixed
    "ernest_henry": [[0.0, 0.0], [0.25, 0.08], [-0.15, 0.0]],
}


def make_coupling(name: str, data: str, mesh, wires, active_cells):
    """The coupling of this name, or None."""
    window = [min(size, len(h)) for size, h in zip((6, 6, 4), mesh.h, strict=True)]
    options = dict(active_cells=active_cells)
    return {
        "none": lambda: None,
        "cross-gradient": lambda: joint_regularization.CrossGradient(mesh, wires, **options),  #:
        "gramian": lambda: joint_regularization.Gramian(mesh, wires, window=window, overlap=0.5, **options),  #:
        "pearson": lambda: joint_regularization.LocalPearson(mesh, wires, window=window, **options),  #:
        "fuzzy-cmeans": lambda: joint_regularization.GuidedFuzzyCMeans(  #:
            mesh, wires, CENTERS[data], **options
        ),
    }[name]()


COUPLINGS = ("none", "cross-gradient", "gramian", "pearson", "fuzzy-cmeans")

# %%
# Data and mesh
# -------------
# The synthetic survey brings its mesh. Around the real one we build it: cells as wide as the grid's
# spacing, and padding that reaches as far as regional sources may lie. Both real grids are continued
# upwards by a kilometre: the magnetic one was sampled too coarsely for what it measured. A trend of second
# order is taken out of both.

# where the planes of the figures cross: the deposit, as published
CENTER = {"two_blocks": None, "ernest_henry": (468_700.0, 7_739_800.0, -1250.0)}


def load(data: str, size: str):
    """Data set, mesh, active cells, and the part of the mesh to look at: (lower, upper) in x, y and z."""
    if data == "two_blocks":
        shape = (24, 24, 12) if size == "full" else (14, 14, 7)
        cell_size = 100.0 * 24 / shape[0]
        survey = datasets.load("two_blocks", cell_size=cell_size, shape=shape)  #:
        return survey, survey.mesh, survey.active_cells, None
    every = 1 if size == "full" else 3
    survey = datasets.load(  #:
        "ernest_henry", trend_order=2, upward_continuation=1000.0 * every, every=every, gravity_uncertainty=0.5
    )
    width, n_padding = 1000.0 * every, 6 if size == "full" else 4
    locations = survey.gravity.locations
    n_core = [int(np.ceil(np.ptp(locations[:, axis]) / width)) + 1 for axis in (0, 1)]
    sides = [[(width, n_padding, -1.4), (width, n), (width, n_padding, 1.4)] for n in n_core]
    n_layers = 8 if size == "full" else 4
    thickness = 0.5 * width * np.r_[np.ones(n_layers), 1.3 ** np.arange(1, 7)]
    mesh = TensorMesh([*sides, thickness[::-1]])
    middle = 0.5 * (locations.min(axis=0) + locations.max(axis=0))
    mesh.origin = np.array([*(middle[axis] - 0.5 * mesh.h[axis].sum() for axis in (0, 1)), -thickness.sum()])
    view = [*zip(locations.min(axis=0)[:2], locations.max(axis=0)[:2], strict=True), (-10_000.0, 0.0)]
    return survey, mesh, np.ones(mesh.n_cells, dtype=bool), view


# %%
# The inversion
# -------------
# A SimPEG script as everybody writes it. The coupling is added to the regularization, and four directives do
# the rest: sensitivity weights normalised for each property, a trade-off parameter per property cooled until
# its own data are fitted, the coupling's weight (the ratio stays at 1), and a preconditioner that honours all
# of these. Clusters take a fifth, which lets their guided centres follow the model.


@dataclass
class Result:
    """What an inversion leaves behind."""

    properties: dict[str, np.ndarray]  # on the active cells
    chi: np.ndarray
    predicted: list[np.ndarray]
    history: dict[str, dict[str, list]]
    seconds: float


class Record(directives.InversionDirective):
    """Keeps what the convergence figure shows: groups of curves, one value per iteration."""

    def __init__(self, betas, names, coupling):
        super().__init__()
        self._betas, self._names, self._coupling = betas, names, coupling
        self.history = {"chi": {name: [] for name in names}, "beta": {name: [] for name in names}}
        if coupling is not None:
            self.history |= {group: {"coupling": []} for group in ("coupling_weight", "coupling_value")}

    def endIter(self):
        """After each iteration."""
        for name, chi, beta in zip(self._names, self._betas.chi, self._betas.betas, strict=True):
            self.history["chi"][name].append(chi)
            self.history["beta"][name].append(beta)
        if self._coupling is not None:
            self.history["coupling_weight"]["coupling"].append(self.reg.multipliers[-1])
            self.history["coupling_value"]["coupling"].append(self._coupling(self.invProb.model))


def invert(survey, mesh, active_cells, coupling, wires, options) -> Result:
    """Density and susceptibility from both data sets; coupled, or each for itself."""
    n = int(active_cells.sum())
    simulations = [
        gravity.Simulation3DIntegral(
            mesh, survey=survey.gravity.survey(), rhoMap=wires.density, active_cells=active_cells
        ),
        magnetics.Simulation3DIntegral(
            mesh, survey=survey.magnetics.survey(), chiMap=wires.susceptibility, active_cells=active_cells
        ),
    ]
    observed = [survey.gravity.data(), survey.magnetics.data()]
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(observed, simulations, strict=True)]
    smoothness = [
        WeightedLeastSquares(mesh, active_cells=active_cells, mapping=one, alpha_s=1e-3)
        for one in (wires.density, wires.susceptibility)
    ]
    regularization = smoothness[0] + smoothness[1]
    if coupling is not None:
        regularization += coupling

    optimizer = optimization.ProjectedGNCG(
        maxIter=options.max_iterations,
        lower=np.r_[np.full(n, -np.inf), np.zeros(n)],  # rocks are not diamagnetic to speak of
        upper=np.full(2 * n, np.inf),
        cg_maxiter=40,
        cg_rtol=1e-3,
    )
    problem = inverse_problem.BaseInvProblem(misfits[0] + misfits[1], regularization, optimizer, print_version=False)
    betas = joint_directives.JointBetaSchedule(chifact=options.chifact)  #:
    record = Record(betas, ("gravity", "magnetics"), coupling)
    steps = [joint_directives.UpdateJointSensitivityWeights(threshold_value=1e-2), betas]  #:
    if coupling is not None:
        steps.append(joint_directives.EstimateCouplingWeights(options.ratio))  #:
    if isinstance(coupling, joint_regularization.GuidedFuzzyCMeans):
        steps.append(joint_directives.UpdateFuzzyClusters())  #:
    steps += [joint_directives.UpdateJointPreconditioner(), record]  #:

    start = time.perf_counter()
    model = inversion.BaseInversion(problem, directiveList=steps).run(np.r_[np.zeros(n), np.full(n, 1e-5)])
    seconds = time.perf_counter() - start
    return Result(
        {"density": wires.density * model, "susceptibility": wires.susceptibility * model},
        betas.chi,
        [simulation.dpred(model) for simulation in simulations],
        record.history,
        seconds,
    )


# %%
# What comes out
# --------------


def report(results: dict[str, Result], survey, mesh, active_cells, console: Console):
    """Table of both runs: data fit, iterations, time, similarity of structure, error where the truth is known."""
    table = Table(title=survey.name)
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")

    def row(title, value):
        table.add_row(title, *(value(result) for result in results.values()))

    row("χ gravity", lambda r: f"{r.chi[0]:.3f}")
    row("χ magnetics", lambda r: f"{r.chi[1]:.3f}")
    row("iterations", lambda r: str(len(r.history["chi"]["gravity"])))
    row("time, s", lambda r: f"{r.seconds:.1f}")

    def similarity(r):
        models = r.properties.values()
        return f"{joint_regularization.structural_similarity(mesh, *models, active_cells=active_cells):.3f}"  #:

    row("structural similarity", similarity)
    if survey.true_models is not None:
        for name, truth in survey.true_models.items():
            row(f"rms error, {name}", lambda r, n=name, t=truth: f"{np.sqrt(np.mean((r.properties[n] - t) ** 2)):.4f}")
    console.print(table)


def write(name: str, result: Result, survey, mesh, active_cells, coupling, limits, folder: Path):
    """Models as UBC and npz files, the data fit, and figures."""
    on_mesh = {}
    for key, values in result.properties.items():
        on_mesh[f"{name}_{key}.ubc"] = np.full(mesh.n_cells, -100.0)
        on_mesh[f"{name}_{key}.ubc"][active_cells] = values
    mesh.write_UBC("mesh.msh", models=on_mesh, directory=str(folder))
    np.savez(folder / f"{name}_models.npz", active_cells=active_cells, **result.properties)
    fits = []
    for data, observed, unit, predicted in (
        (survey.gravity, survey.gravity.gz, "mGal", result.predicted[0]),
        (survey.magnetics, survey.magnetics.tmi, "nT", result.predicted[1]),
    ):
        title = "gravity gz" if unit == "mGal" else "magnetics tmi"
        fits.append(plotting.DataFit(title, unit, np.array(data.locations), observed, predicted, data.uncertainty))
        columns = np.c_[data.locations, observed, predicted, data.uncertainty]
        header = f"x_m,y_m,z_m,observed_{unit},predicted_{unit},uncertainty_{unit}"
        np.savetxt(folder / f"{name}_{title.split()[0]}_fit.csv", columns, "%.6g", ",", header=header, comments="")

    density, susceptibility = result.properties.values()
    properties = [
        plotting.PropertyModel("density contrast", "g/cc", density, signed=True),
        plotting.PropertyModel("susceptibility", "SI", susceptibility, signed=False),
    ]
    truth = None if survey.true_models is None else list(survey.true_models.values())
    view = dict(active_cells=active_cells, limits=limits, center=CENTER[survey.name])
    figures = {
        "data_fit": plotting.plot_data_fit(fits),
        "models": plotting.plot_models(mesh, properties, true_models=truth, **view),
        "crossplot": plotting.plot_crossplot(
            *properties,
            weights=mesh.cell_volumes[active_cells],
            weights_label="volume (m³)",
            centers=getattr(coupling, "centers", None),
        ),
        "convergence": plotting.plot_convergence(result.history),
    }
    if coupling is not None:
        values = coupling.cell_values(np.r_[density, susceptibility]) / mesh.cell_volumes[active_cells]
        figures["coupling"] = plotting.plot_cell_values(mesh, values, title=f"{name} coupling", unit="per m³", **view)
    for key, figure in figures.items():
        figure.savefig(folder / f"{name}_{key}.png", dpi=120)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--data", choices=("two_blocks", "ernest_henry"), default="two_blocks")
    parser.add_argument("--coupling", choices=COUPLINGS, default="cross-gradient")
    parser.add_argument(
        "--ratio", type=float, default=1.0, help="strength of the coupling; 1 means the same everywhere"
    )
    parser.add_argument("--chifact", type=float, default=1.0, help="target misfit per datum")
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: for a quick look")
    parser.add_argument("--max-iterations", type=int, default=40)
    parser.add_argument("--output", type=Path, default=Path("output/01_joint_gravity_magnetic"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    survey, mesh, active_cells, limits = load(options.data, options.size)
    n = int(active_cells.sum())
    wires = maps.Wires(("density", n), ("susceptibility", n))
    results = {}
    for name in dict.fromkeys(("none", options.coupling)):
        coupling = make_coupling(name, options.data, mesh, wires, active_cells)
        title = "separate" if coupling is None else name
        results[title] = invert(survey, mesh, active_cells, coupling, wires, options)
        write(title, results[title], survey, mesh, active_cells, coupling, limits, options.output)
    console = Console(width=100)
    report(results, survey, mesh, active_cells, console)
    console.print(f"Models, data fit and figures are in {options.output.resolve()}")
    if any((result.chi > options.chifact).any() for result in results.values()):
        raise SystemExit("Not all data sets reached their target misfit; give more --max-iterations.")


if __name__ == "__main__":
    main()
