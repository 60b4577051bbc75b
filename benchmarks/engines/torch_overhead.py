"""Time that TorchMinimize and SimPEG's inversion around it add to each step, compared with a loop written by hand.

    python -m benchmarks.engines.torch_overhead --cells 1000 100000

Adam on a linear problem with 200 data, a dense matrix, smallness and smoothness: TorchMinimize in a BaseInversion,
compared with a plain loop around the same misfit and regularization. Both take the same steps. The table has the
processor time per step, medians of rounds that take turns. What happens once before the first step (above all a
collection of garbage) is given separately.
"""

from __future__ import annotations

import gc
import time

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from simpeg import inverse_problem, inversion, maps
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.regularization import WeightedLeastSquares
from simpeg.simulation import LinearSimulation

from benchmarks._common import results
from simpeg_jointdl.optimization import TorchMinimize

BETA, LR = 1e-3, 1e-3


def make_problem(n_cells, n_data=200, seed=0):
    """Data misfit and regularization."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n_data, n_cells)) / np.sqrt(n_cells)
    simulation = LinearSimulation(model_map=maps.IdentityMap(nP=n_cells), G=matrix)
    dobs = matrix @ rng.standard_normal(n_cells)
    data = Data(simulation.survey, dobs=dobs, standard_deviation=np.full(n_data, 0.1))
    return L2DataMisfit(data, simulation), WeightedLeastSquares(TensorMesh([n_cells]), alpha_s=1.0, alpha_x=1.0)


def by_inversion(misfit, term, n_steps):
    """The model, seconds per step, and seconds before the first step."""
    opt = TorchMinimize("adam", LR, maxIter=n_steps, target_chi=None, keep="last")
    opt.printInit = opt.printIter = opt.printDone = lambda *args: None
    stamps = []
    problem = inverse_problem.BaseInvProblem(misfit, term, opt, beta=BETA, print_version=False, init_bfgs=False)
    whole = inversion.BaseInversion(problem, directiveList=[])
    opt._doStartIteration_stamp = lambda: stamps.append(time.process_time())
    began = time.process_time()
    model = whole.run(np.zeros(term.nP))
    return model, (stamps[-1] - stamps[0]) / n_steps, stamps[0] - began


def by_hand(misfit, term, n_steps):
    """The model and seconds per step of a plain loop."""
    x = torch.zeros(term.nP, dtype=torch.float64)
    x.grad = torch.zeros_like(x)
    optimizer = torch.optim.Adam([x], lr=LR)
    gc.collect()
    gc.freeze()
    began = time.process_time()
    for _ in range(n_steps):
        model = x.numpy().copy()
        fields = misfit.simulation.fields(model)
        misfit(model, f=fields) + BETA * term(model)
        x.grad.copy_(torch.as_tensor(misfit.deriv(model, f=fields) + BETA * term.deriv(model)))
        optimizer.step()
    seconds = (time.process_time() - began) / n_steps
    gc.unfreeze()
    return x.numpy().copy(), seconds


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = results.Table(
        "overhead",
        "Processor time per step of Adam",
        {
            "TorchMinimize, ms per step": "{:.2f}",
            "by hand, ms per step": "{:.2f}",
            "once before the first step, ms": "{:.0f}",
            "largest difference of the models": "{:.1e}",
        },
        heading="parameters",
    )
    for n_cells in options.cells:
        misfit, term = make_problem(n_cells)
        rows = []
        for _ in range(options.rounds):
            model, ours, before = by_inversion(misfit, term, options.steps)
            plain, hand = by_hand(misfit, term, options.steps)
            rows.append((1e3 * ours, 1e3 * hand, 1e3 * before))
        table.add_row(f"{n_cells}", *np.median(rows, axis=0), np.abs(model - plain).max())
    Console(width=120).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
