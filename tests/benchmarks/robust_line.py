"""How far off a fitted line is under outliers, by least squares and by robust misfits.

    python tests/benchmarks/robust_line.py --seeds 200

60 data with Gaussian noise on a line, a part of them five standard deviations off, to one side; each misfit minimized
to the end, without regularization. Mean distance of intercept and slope from the truth.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize
from simpeg.data_misfit import L2DataMisfit

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script finds its own folder only

from simpeg_jointdl.data_misfit import HuberDataMisfit, StudentTDataMisfit
from tests.data_misfit.problem import line, observe

TRUTH = np.array([0.7, -0.4])
MISFITS = {
    "least squares": L2DataMisfit,
    "Huber, 1.345": HuberDataMisfit,
    "Student t, 4": StudentTDataMisfit,
    "Student t, 1": partial(StudentTDataMisfit, dof=1.0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--outliers", type=float, nargs="+", default=[0.0, 0.05, 0.1])
    options = parser.parse_args()
    table = Table("misfit", *(f"{100 * part:g} % outliers" for part in options.outliers))
    for name, make in MISFITS.items():
        cells = []
        for part in options.outliers:
            errors = []
            for seed in range(options.seeds):
                simulation = line()
                misfit = make(observe(simulation, TRUTH, outliers=part, seed=seed), simulation)
                found = minimize(misfit, np.zeros(2), jac=misfit.deriv, method="BFGS", options={"gtol": 1e-6}).x
                errors.append(np.linalg.norm(found - TRUTH))
            cells.append(f"{np.mean(errors):.4f} ± {np.std(errors) / np.sqrt(len(errors)):.4f}")
        table.add_row(name, *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
