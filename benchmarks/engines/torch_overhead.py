"""What TorchMinimize and SimPEG's inversion around it cost per step beside the function itself.

    python -m benchmarks.engines.torch_overhead --cells 1000 100000

Adam on a linear problem with 200 dense data, smallness and smoothness: TorchMinimize in a BaseInversion, against a loop
by hand around the same misfit and regularization, no inversion. Both take the same steps; processor time per step,
medians of rounds in turns. What comes once, before the first step (a collection of garbage above all), is given apart.
"""

from __future__ import annotations

import argparse
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

from simpeg_jointdl.optimization import TorchMinimize

BETA, LR = 1e-3, 1e-3


def make_problem(n_cells, n_data=200, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n_data, n_cells)) / np.sqrt(n_cells)
    simulation = LinearSimulation(model_map=maps.IdentityMap(nP=n_cells), G=matrix)
    dobs = matrix @ rng.standard_normal(n_cells)
    data = Data(simulation.survey, dobs=dobs, standard_deviation=np.full(n_data, 0.1))
    return L2DataMisfit(data, simulation), WeightedLeastSquares(TensorMesh([n_cells]), alpha_s=1.0, alpha_x=1.0)


def by_inversion(misfit, term, n_steps):
    """Model, seconds per step, seconds before the first."""
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
    """The same by a plain loop."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    console = Console(width=120)
    torch.set_num_threads(1)
    for n_cells in options.cells:
        misfit, term = make_problem(n_cells)
        rows = []
        for _ in range(options.rounds):
            model, ours, before = by_inversion(misfit, term, options.steps)
            plain, hand = by_hand(misfit, term, options.steps)
            rows.append((1e3 * ours, 1e3 * hand, 1e3 * before))
        ours, hand, before = np.median(rows, axis=0)
        console.print(
            f"{n_cells} cells: {ours:.2f} ms per step, {hand:.2f} by hand, {before:.0f} ms once before the first step; "
            f"models differ by {np.abs(model - plain).max():.1e}"
        )


if __name__ == "__main__":
    main()
