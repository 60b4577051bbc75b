"""How far a fitted line is from the truth under outliers, by least squares and by robust misfits.

    python -m benchmarks.implicit.robust_line --seeds 200

60 data with Gaussian noise on a line. Part of them are five standard deviations off, all to one side. Each misfit is
minimized to convergence, without regularization. The table has the mean distance of intercept and slope from the truth.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from rich.console import Console
from scipy.optimize import minimize
from simpeg import maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.simulation import LinearSimulation

from benchmarks._common import results
from simpeg_jointdl.data_misfit import HuberDataMisfit, StudentTDataMisfit

N_DATA = 60
TRUTH = np.array([0.7, -0.4])
MISFITS = {
    "least squares": L2DataMisfit,
    "Huber, 1.345": HuberDataMisfit,
    "Student t, 4": StudentTDataMisfit,
    "Student t, 1": partial(StudentTDataMisfit, dof=1.0),
}


def line() -> LinearSimulation:
    """Data on a line; the model is its intercept and slope."""
    matrix = np.stack([np.ones(N_DATA), np.linspace(-1.0, 1.0, N_DATA)], axis=1)
    return LinearSimulation(model_map=maps.IdentityMap(nP=2), G=matrix)


def observe(simulation, outliers: float, seed: int, std: float = 0.1) -> Data:
    """Gaussian noise, and a part of the data five standard deviations off to one side."""
    rng = np.random.default_rng(seed)
    clean = simulation.dpred(TRUTH)
    noise = std * rng.standard_normal(clean.size)
    wrong = rng.choice(clean.size, round(outliers * clean.size), replace=False)
    noise[wrong] += 5.0 * std
    return Data(simulation.survey, dobs=clean + noise, standard_deviation=np.full(clean.size, std))


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--outliers", type=float, nargs="+", default=[0.0, 0.05, 0.1])
    options = parser.parse_args()
    table = results.Table(
        "line",
        f"Distance of intercept and slope from the truth, mean of {options.seeds} draws and its standard error",
        {f"{100 * part:g} % outliers": "{:.4f} ± {:.4f}" for part in options.outliers},
        heading="misfit",
    )
    for name, make in MISFITS.items():
        cells = []
        for part in options.outliers:
            errors = []
            for seed in range(options.seeds):
                simulation = line()
                misfit = make(observe(simulation, part, seed), simulation)
                found = minimize(misfit, np.zeros(2), jac=misfit.deriv, method="BFGS", options={"gtol": 1e-6}).x
                errors.append(np.linalg.norm(found - TRUTH))
            cells.append((np.mean(errors), np.std(errors) / np.sqrt(len(errors))))
        table.add_row(name, *cells)
    Console(width=100).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
