"""What a coupling ratio of 0.1, 1 and 10 does on three problems of different size, units and cell size.

    python -m benchmarks.couplings.coupling_weight
    python -m benchmarks.couplings.coupling_weight --small      # coarser meshes

The same synthetic survey three times: with cells of 100 m in g/cc and SI; with cells of 5 m in kg/m³ and 1e-3 SI, and
fewer of them; with cells of 2 km, and more of them. Runs end at their target misfits, or after 40 iterations. The table
shows the value of the coupling divided by its value at the separate models, χ of both data sets, the number of
iterations, and the multiplier that was estimated, which a user would otherwise have to guess.
"""

from __future__ import annotations

import contextlib
import io
from functools import reduce
from operator import add

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from simpeg import data_misfit, inverse_problem, inversion, maps, optimization
from simpeg.potential_fields import gravity, magnetics
from simpeg.regularization import WeightedLeastSquares

from benchmarks._common import results
from simpeg_jointdl import datasets, directives, regularization

# cell size in m, shape, and one unit of the model in g/cc and SI
PROBLEMS = {
    "100 m, g/cc, SI": (100.0, (20, 20, 10), (1.0, 1.0)),
    "5 m, kg/m³, 1e-3 SI": (5.0, (16, 16, 8), (1e-3, 1e-3)),
    "2 km, g/cc, SI": (2000.0, (26, 26, 12), (1.0, 1.0)),
}
SMALL = {"100 m, g/cc, SI": (12, 12, 6), "5 m, kg/m³, 1e-3 SI": (10, 10, 6), "2 km, g/cc, SI": (16, 16, 8)}
COUPLINGS = {
    "CrossGradient": lambda mesh, wires, units: regularization.CrossGradient(mesh, wires),
    "Gramian, windows of 4³": lambda mesh, wires, units: regularization.Gramian(
        mesh, wires, window=(4, 4, 4), overlap=0.5
    ),
    "LocalPearson, 6 × 6 × 4": lambda mesh, wires, units: regularization.LocalPearson(mesh, wires, window=(6, 6, 4)),
    # densities of 0.4 and -0.3 g/cc, susceptibilities of 0.06 and 0.03 SI, in the problem's units
    "GuidedFuzzyCMeans, fixed true centers": lambda mesh, wires, units: regularization.GuidedFuzzyCMeans(
        mesh, wires, np.array([[0.0, 0.0], [0.4, 0.06], [-0.3, 0.03]]) / units, guidance=np.inf
    ),
}


def invert(survey, units, make_coupling=None, ratio=1.0):
    """The model, χ, the number of iterations, and the multiplier of the coupling."""
    mesh, n = survey.mesh, survey.mesh.n_cells
    wires = maps.Wires(("density", n), ("susceptibility", n))
    scaled = [maps.LinearMap(unit * _identity(n)) * one for unit, one in zip(units, _parts(wires), strict=True)]
    misfit = data_misfit.L2DataMisfit(
        data=survey.gravity.data(),
        simulation=gravity.Simulation3DIntegral(mesh, survey=survey.gravity.survey(), rhoMap=scaled[0]),
    ) + data_misfit.L2DataMisfit(
        data=survey.magnetics.data(),
        simulation=magnetics.Simulation3DIntegral(mesh, survey=survey.magnetics.survey(), chiMap=scaled[1]),
    )
    terms = reduce(add, (WeightedLeastSquares(mesh, mapping=one, alpha_s=1e-3) for one in _parts(wires)))
    if make_coupling is not None:
        terms += make_coupling(mesh, wires, units)
    lower = np.r_[np.full(n, -np.inf), np.zeros(n)]
    optimizer = optimization.ProjectedGNCG(
        maxIter=40, lower=lower, upper=np.full(2 * n, np.inf), cg_maxiter=40, cg_rtol=1e-3
    )
    problem = inverse_problem.BaseInvProblem(misfit, terms, optimizer, print_version=False)
    betas = directives.JointBetaSchedule()
    steps = [directives.UpdateJointSensitivityWeights(threshold_value=1e-2), betas]
    if make_coupling is not None:
        steps.append(directives.EstimateCouplingWeights(ratio))
    steps.append(directives.UpdateJointPreconditioner())
    with contextlib.redirect_stdout(io.StringIO()):
        start = np.r_[np.zeros(n), np.full(n, 1e-5 / units[1])]
        model = inversion.BaseInversion(problem, directiveList=steps).run(start)
    return model, betas.chi, optimizer.iter, terms.multipliers[-1]


def _identity(n):
    return sp.identity(n, format="csr")


def _parts(wires):
    return wires.density, wires.susceptibility


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--ratios", type=float, nargs="*", default=[0.1, 1.0, 10.0])
    parser.add_argument("--only", default="", help="couplings whose name contains this text")
    parser.add_argument("--small", action="store_true", help="coarser meshes")
    options = parser.parse_args()
    console = Console(width=140)
    columns = {f"ratio {ratio:g}": "{:.2f} ({:.2f}, {:.2f}; {:.0f})" for ratio in options.ratios}
    columns[f"multiplier at {options.ratios[-1]:g}"] = "{:.1e}"
    table = results.Table(
        "ratio, small" if options.small else "ratio",
        "Value of the coupling relative to that at the separate models" + (", coarse meshes" if options.small else ""),
        columns,
        note="In brackets: χ of gravity, χ of magnetics; iterations.",
        heading="coupling and problem",
    )
    rows = {}
    for problem, (cell_size, shape, units) in PROBLEMS.items():
        shape = SMALL[problem] if options.small else shape
        survey = datasets.make_two_blocks(cell_size=cell_size, shape=shape)
        separate, *_ = invert(survey, units)
        n = survey.mesh.n_cells
        wires = maps.Wires(("density", n), ("susceptibility", n))
        for name, make in COUPLINGS.items():
            if options.only not in name:
                continue
            cells = []
            for ratio in options.ratios:
                model, chi, iterations, multiplier = invert(survey, units, make, ratio)
                coupling = make(survey.mesh, wires, units)
                cells.append((coupling(model) / coupling(separate), *chi, iterations))
            told = "; ".join(f"{one[0]:.2f} ({one[1]:.2f}, {one[2]:.2f}; {one[3]})" for one in cells)
            console.log(f"{name}, {problem}: {told}; multiplier {multiplier:.1e}")
            rows[name, problem] = [*cells, multiplier]
    for name in COUPLINGS:  # all problems of a coupling together
        for problem in PROBLEMS:
            if (name, problem) in rows:
                table.add_row(f"{name}; {problem}", *rows[name, problem])
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
