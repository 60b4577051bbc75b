"""Stair-block gravity with implicit networks: encodings, activations, outputs, an ensemble, SimPEG, the published loop.

    python tests/benchmarks/stair_block.py --seeds 5 [--only outputs,encodings,activations,ensemble,simpeg,plain]

The problem is that of Mishra et al. (2025, https://doi.org/10.48550/arXiv.2510.17876). Networks are fitted by
Gauss-Newton in data space until χ² is in [0.95, 1.05]; none knows the true 400 kg/m³, all have the bounds 0 and 600
kg/m³. "contrast" adds what SimPEG's regularizations do not know: the body has one density, and the ground none.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
import warnings

import numpy as np
import torch
from _data_space import Output, Result, fit
from _stair_block import CHI2, G_PER_CC, StairBlock, share_noise_free
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, directives, inverse_problem, inversion, optimization, regularization

from simpeg_jointdl.networks import (
    Finer,
    FourierEncoding,
    Gabor,
    Gauss,
    HashEncoding,
    ImplicitNetwork,
    PositionalEncoding,
    Sine,
)

BOUNDS = (0.0, 600.0)
SINGLE = {"dtype": "float32"}
ENCODINGS = {
    "none": lambda: "none",
    "positional, 2": lambda: "positional",
    "positional, 2, π": lambda: PositionalEncoding(n_frequencies=2, pi=True),
    "Fourier 16, s 0.25": lambda: FourierEncoding(n_features=16, scale=0.25, **SINGLE),
    "Fourier 16, s 0.5": lambda: FourierEncoding(n_features=16, scale=0.5, **SINGLE),
    "hash 2 to 8": lambda: HashEncoding(n_levels=3, coarsest=2, finest=8, amplitude=0.1, **SINGLE),
}
ACTIVATIONS = {
    "gelu": lambda: "gelu",
    "sine, ω 30": lambda: Sine(30.0),
    "sine, ω 3": lambda: Sine(3.0),
    "finer, ω 3": lambda: Finer(3.0),
    "gauss, s 1": lambda: Gauss(1.0),
    "gabor, ω 3, s 1": lambda: Gabor(3.0, 1.0),
    "leaky_relu": lambda: "leaky_relu",
    "tanh": lambda: "tanh",
}


def implicit(problem, *, output="contrast", encoding="none", activation="gelu", width=32, depth=2, network_seed=0):
    """The recipe: 2 x 32 GELU on plain coordinates, one learned contrast, data-space Gauss-Newton."""
    transform = Output(output, BOUNDS, start=-1.0)
    network = ImplicitNetwork(
        n_outputs=transform.n_outputs,
        width=width,
        depth=depth,
        encoding=ENCODINGS.get(encoding, lambda: encoding)(),
        activation=ACTIVATIONS.get(activation, lambda: activation)(),
        random_seed=network_seed,
        **SINGLE,
    )
    return fit(problem, network, transform, band=CHI2)


def ensemble(problem, *, n_members=5, **kwargs) -> Result:
    """Mean of members that differ in their first weights; those that never fitted the data are left out."""
    members = [implicit(problem, network_seed=seed, **kwargs) for seed in range(n_members)]
    kept = [m for m in members if m.chi2 <= CHI2[1] + 0.01]
    mean = np.mean([m.density for m in kept or members], axis=0)
    seconds, n_parameters = (sum(getattr(m, name) for m in members) for name in ("seconds", "n_parameters"))
    return Result(mean, problem.chi2(mean), len(kept), seconds, n_parameters)


def simpeg(problem, *, norms=None, bounds=BOUNDS) -> Result:
    """What a SimPEG user would run: sensitivity weights, bounds, and with `norms` IRLS."""
    start, mesh = time.perf_counter(), problem.mesh
    misfit = data_misfit.L2DataMisfit(data=problem.data, simulation=problem.simulation)
    if norms is None:
        smoothness = regularization.WeightedLeastSquares(mesh)
        cooling = [directives.BetaSchedule(coolingFactor=2, coolingRate=1), directives.TargetMisfit(chifact=1)]
    else:
        smoothness = regularization.Sparse(mesh, gradient_type="total")
        smoothness.norms = norms
        cooling = [directives.UpdateIRLS(f_min_change=1e-4, max_irls_iterations=30, misfit_tolerance=1e-2)]
    lower, upper = (b / G_PER_CC for b in bounds)
    minimizer = optimization.ProjectedGNCG(
        maxIter=60, maxIterLS=20, cg_maxiter=20, cg_rtol=1e-3, lower=lower, upper=upper
    )
    run = inversion.BaseInversion(
        inverse_problem.BaseInvProblem(misfit, smoothness, minimizer),
        [
            directives.UpdateSensitivityWeights(every_iteration=False),
            directives.BetaEstimate_ByEig(beta0_ratio=10, random_seed=0),
            *cooling,
            directives.UpdatePreconditioner(),
        ],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        model = run.run(np.full(mesh.n_cells, 1e-4)) * G_PER_CC
    return Result(model, problem.chi2(model), minimizer.iter, time.perf_counter() - start, mesh.n_cells)


def plain_loop(problem, *, epochs=500, random_seed=0) -> Result:
    """The published loop: 4 x 256 LeakyReLU on encoded z-scores, 600 tanh, Adam with lr 1e-2, float32."""
    torch.manual_seed(random_seed)
    matrix, observed = problem.whitened()
    x = problem.points()
    x = (x - x.mean(0)) / x.std(0)
    x = torch.cat([x, *(f(2.0**k * x) for k in (0, 1) for f in (torch.sin, torch.cos))], dim=1)
    layers = [torch.nn.Linear(x.shape[1], 256), torch.nn.LeakyReLU()]
    for _ in range(3):
        layers += [torch.nn.Linear(256, 256), torch.nn.LeakyReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(256, 1))
    optimizer, start = torch.optim.Adam(network.parameters(), lr=1e-2), time.perf_counter()
    n_steps = 0
    for _ in range(epochs):
        n_steps += 1
        density = 600.0 * torch.tanh(network(x)[:, 0])
        chi2 = (matrix @ density - observed).square().mean()
        optimizer.zero_grad()
        chi2.backward()
        if chi2.item() <= CHI2[1]:
            break
        optimizer.step()
    model = density.detach().double().numpy()
    n_parameters = sum(p.numel() for p in network.parameters())
    return Result(model, problem.chi2(model), n_steps, time.perf_counter() - start, n_parameters)


def rows(only):
    """Group, label, and a function from a problem to a result."""
    if "outputs" in only:
        for kind in ("contrast", "contrast field", "bounded"):
            yield f"output: {kind}", lambda p, k=kind: implicit(p, output=k)
    if "ensemble" in only:
        for kind in ("contrast", "contrast field"):
            yield f"mean of 5: {kind}", lambda p, k=kind: ensemble(p, output=k)
    if "encodings" in only:
        for name in ENCODINGS:
            yield f"encoding: {name}", lambda p, k=name: implicit(p, encoding=k)
    if "activations" in only:
        for name in ACTIVATIONS:
            yield f"activation: {name}", lambda p, k=name: implicit(p, activation=k)
    if "simpeg" in only:
        for upper in (600.0, 400.0):
            yield f"SimPEG L2, 0 to {upper:g}", lambda p, u=upper: simpeg(p, bounds=(0.0, u))
            yield f"SimPEG sparse, 0 to {upper:g}", lambda p, u=upper: simpeg(p, norms=[0, 1, 1, 1], bounds=(0.0, u))
    if "plain" in only:
        yield "published loop, 500 epochs", plain_loop


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    groups = "outputs,ensemble,encodings,activations,simpeg,plain"
    parser.add_argument("--only", default=groups, help=f"some of {groups}")
    parser.add_argument("--seeds", type=int, default=5, help="draws of the noise, from 0")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    problems = [StairBlock(seed) for seed in range(options.seeds)]
    share_noise_free(problems)
    table = Table(title=f"stair block; zero model {problems[0].rms(np.zeros(problems[0].mesh.n_cells)):.1f} kg/m³")
    for head in ("", "parameters", "median rms", "rms of every seed", "χ²", "steps", "seconds"):
        table.add_column(head, justify="right" if head else "left")
    console = Console(width=140)
    for label, run in rows(options.only.split(",")):
        results = [run(problem) for problem in problems]
        rms = [problem.rms(result.density) for problem, result in zip(problems, results, strict=True)]
        chi2, steps, seconds = ([getattr(r, name) for r in results] for name in ("chi2", "steps", "seconds"))
        line = [
            str(results[0].n_parameters),
            f"{np.median(rms):.1f}",
            " ".join(f"{value:.1f}" for value in rms),
            f"{min(chi2):.2f} to {max(chi2):.2f}",
            f"{np.median(steps):.0f}",
            f"{np.median(seconds):.1f}",
        ]
        table.add_row(label, *line)
        console.log(label, *line)
    console.print(table)


if __name__ == "__main__":
    main()
