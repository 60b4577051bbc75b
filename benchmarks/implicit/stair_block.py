"""Stair-block gravity: networks with several encodings and activations, SimPEG, and the published training loop.

    python -m benchmarks.implicit.stair_block [--seeds 5] [--only outputs,encodings,activations]

The problem is that of Mishra et al. (2025, https://doi.org/10.48550/arXiv.2510.17876). Networks are fitted by
Gauss-Newton until χ is in [0.95, 1.05]. None is given the true contrast of 400 kg/m³; all have the bounds 0 and 600
kg/m³. "units=1" adds a statement that SimPEG's regularizations do not make: the body has one density, and the
background is zero. "free" leaves the density of each point free.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from rich.console import Console
from simpeg import data_misfit, directives, inverse_problem, inversion, maps, optimization, regularization

from benchmarks._common import results
from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.maps import INRMap
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
from simpeg_jointdl.optimization import LevenbergMarquardt
from simpeg_jointdl.potential_fields import gravity

UPPER = 0.6  # g/cc
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


@dataclass
class Result:
    """A model in g/cc, its χ, and its cost."""

    density: np.ndarray
    chi: float
    steps: int
    seconds: float
    n_parameters: int


def make_simulation(survey):
    """Our gravity simulation, with stored sensitivities."""
    mesh = survey.mesh
    return gravity.Simulation3DIntegral(
        mesh, survey=survey.gravity.survey(), rhoMap=maps.IdentityMap(nP=mesh.n_cells), engine="dense"
    )


def network(encoding="none", activation="gelu", width=32, depth=3, **options):
    """A network of the coordinates; 3 layers of 32 with GELU and no encoding if not told otherwise."""
    encoding, activation = ENCODINGS.get(encoding, lambda: encoding)(), ACTIVATIONS[activation]()
    return ImplicitNetwork(encoding=encoding, activation=activation, width=width, depth=depth, **SINGLE, **options)


def quietly(function):
    """The result of a function, without SimPEG's table of iterations on the screen."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function()


def implicit(survey, *, units=1, optimizer=None, **options) -> Result:
    """Run the recipe, with another network, output or minimizer if given."""
    seed = options.pop("seed", 0)
    recipe = recipes.create_inr_inversion(
        survey.gravity.data(), make_simulation(survey), bounds=(0.0, UPPER), units=units,
        network=network(random_seed=seed, **options), optimizer=optimizer, progress=False, **SINGLE,
    )  # fmt: skip
    start = time.perf_counter()
    density = quietly(recipe.run)["density"]
    steps = recipe.inversion.opt.iter
    return Result(density, recipe.chi[0], steps, time.perf_counter() - start, recipe.network_map.nP)


class Reweight(directives.InversionDirective):
    """Update the weights of sparse norms from the latest model."""

    def endIter(self):
        self.reg.objfcts[0].update_weights(self.opt.xc)


def through_the_map(survey, *, sparse: bool, **options) -> Result:
    """Free outputs with SimPEG's regularization and sensitivity weights, cooled until the data are fitted."""
    inr = INRMap(survey.mesh, bounds=(0.0, UPPER), network=network(**options), **SINGLE)
    sensitivity = np.sqrt(make_simulation(survey).getJtJdiag(np.zeros(survey.mesh.n_cells)))
    simulation = make_simulation(survey)
    simulation.rhoMap = inr
    misfit = data_misfit.L2DataMisfit(data=survey.gravity.data(), simulation=simulation)
    kind = {"norms": [0, 1, 1, 1], "gradient_type": "total", "irls_threshold": 0.02} if sparse else {}
    term = (regularization.Sparse if sparse else regularization.WeightedLeastSquares)(
        survey.mesh,
        mapping=inr,
        reference_model=np.zeros(inr.nP),
        weights={"depth": sensitivity / sensitivity.max()},
        **kind,
    )
    minimizer = LevenbergMarquardt(maxIter=60, cg_maxiter=60)
    problem = inverse_problem.BaseInvProblem(misfit, 1.0 * term, minimizer, init_bfgs=False)
    for one in term.objfcts:
        one.reference_model = None
    start, model = time.perf_counter(), inr.initial_model()
    steps = [directives.BetaEstimate_ByEig(beta0_ratio=1.0, random_seed=0), directives.BetaSchedule(2.0, 1)]
    model = quietly(lambda: inversion.BaseInversion(problem, steps + ([Reweight()] if sparse else [])).run(model))
    chi = misfit(model) / misfit.nD
    return Result(inr * model, chi, minimizer.iter, time.perf_counter() - start, inr.nP)


def ensemble(survey, *, n_members=5) -> Result:
    """Mean of members in one batch."""
    recipe = recipes.create_inr_ensemble(
        survey.gravity.data(),
        make_simulation(survey),
        n_members=n_members,
        bounds=(0.0, UPPER),
        progress=False,
        **SINGLE,
    )
    start = time.perf_counter()
    result = quietly(recipe.run)
    seconds = time.perf_counter() - start
    return Result(result.mean["density"], result.chi.max(), recipe.inversion.opt.iter, seconds, recipe.network_map.nP)


def simpeg(survey, *, norms=None, lower=0.0, upper=UPPER) -> Result:
    """What a SimPEG user would run: sensitivity weights, bounds, and IRLS if there are `norms`."""
    start, mesh = time.perf_counter(), survey.mesh
    misfit = data_misfit.L2DataMisfit(data=survey.gravity.data(), simulation=make_simulation(survey))
    if norms is None:
        smoothness = regularization.WeightedLeastSquares(mesh)
        cooling = [directives.BetaSchedule(coolingFactor=2, coolingRate=1), directives.TargetMisfit(chifact=1)]
    else:
        smoothness = regularization.Sparse(mesh, gradient_type="total")
        smoothness.norms = norms
        cooling = [directives.UpdateIRLS(f_min_change=1e-4, max_irls_iterations=30, misfit_tolerance=1e-2)]
    minimizer = optimization.ProjectedGNCG(
        maxIter=60, maxIterLS=20, cg_maxiter=20, cg_rtol=1e-3, cg_atol=0.0, lower=lower, upper=upper
    )
    steps = [
        directives.UpdateSensitivityWeights(every_iteration=False),
        directives.BetaEstimate_ByEig(beta0_ratio=10, random_seed=0),
        *cooling,
        directives.UpdatePreconditioner(),
    ]
    run = inversion.BaseInversion(inverse_problem.BaseInvProblem(misfit, smoothness, minimizer), steps)
    model = quietly(lambda: run.run(np.full(mesh.n_cells, 1e-4)))
    return Result(model, misfit(model) / misfit.nD, minimizer.iter, time.perf_counter() - start, mesh.n_cells)


def plain_loop(survey, *, epochs=500, random_seed=0) -> Result:
    """The published loop: 4 layers of 256, LeakyReLU, encoded z-scores, 600 tanh, Adam at 1e-2, float32."""
    torch.manual_seed(random_seed)
    deviation = survey.gravity.uncertainty
    matrix = torch.as_tensor(make_simulation(survey).G / deviation[:, None], dtype=torch.float32)
    observed = torch.as_tensor(survey.gravity.gz / deviation, dtype=torch.float32)
    x = torch.as_tensor(survey.mesh.cell_centers, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    x = torch.cat([x, *(f(2.0**k * x) for k in (0, 1) for f in (torch.sin, torch.cos))], dim=1)
    layers = [torch.nn.Linear(x.shape[1], 256), torch.nn.LeakyReLU()]
    for _ in range(3):
        layers += [torch.nn.Linear(256, 256), torch.nn.LeakyReLU()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(256, 1))
    optimizer, start = torch.optim.Adam(net.parameters(), lr=1e-2), time.perf_counter()
    n_steps = 0
    for _ in range(epochs):
        n_steps += 1
        density = UPPER * torch.tanh(net(x)[:, 0])
        chi = (matrix @ density - observed).square().mean()
        optimizer.zero_grad()
        chi.backward()
        if chi.item() <= 1.05:
            break
        optimizer.step()
    n_parameters = sum(p.numel() for p in net.parameters())
    return Result(density.detach().double().numpy(), chi.item(), n_steps, time.perf_counter() - start, n_parameters)


def rows(only):
    """Table, label, and function from a survey to a result."""
    if "outputs" in only:
        yield "outputs", "network, units=1 (the recipe)", lambda s: implicit(s)
        yield "outputs", "the same, 2 layers of 32", lambda s: implicit(s, depth=2)
        yield "outputs", "network, free, Adam", lambda s: implicit(s, units=None)
        free = {"units": None, "optimizer": "levenberg-marquardt"}
        yield "outputs", "network, free, Levenberg-Marquardt", lambda s: implicit(s, **free)
    if "spaces" in only:
        yield "spaces", "space='data'", lambda s: implicit(s, optimizer=LevenbergMarquardt(space="data"))
        yield "spaces", "space='model'", lambda s: implicit(s, optimizer=LevenbergMarquardt(space="model"))
        yield "spaces", "Adam", lambda s: implicit(s, optimizer="adam")
    if "through" in only:
        for encoding in ("none", "positional, 2, π"):
            for kind, sparse in (("smoothness", False), ("sparse norms", True)):
                label = f"network, free, SimPEG's {kind}, encoding: {encoding}"
                yield "through", label, lambda s, e=encoding, p=sparse: through_the_map(s, sparse=p, encoding=e)
    if "ensemble" in only:
        yield "ensemble", "mean of 5", ensemble
    if "encodings" in only:
        for name in ENCODINGS:
            yield "encodings", f"encoding: {name}", lambda s, k=name: implicit(s, encoding=k)
    if "activations" in only:
        for name in ACTIVATIONS:
            yield "activations", f"activation: {name}", lambda s, k=name: implicit(s, activation=k)
    if "simpeg" in only:
        for upper in (UPPER, 0.4):
            yield "simpeg", f"SimPEG smooth, 0 to {1e3 * upper:g}", lambda s, u=upper: simpeg(s, upper=u)
            label = f"SimPEG sparse, 0 to {1e3 * upper:g}"
            yield "simpeg", label, lambda s, u=upper: simpeg(s, norms=[0, 1, 1, 1], upper=u)
    if "plain" in only:
        yield "plain", "published loop, 500 epochs", plain_loop


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    groups = "outputs,through,spaces,ensemble,encodings,activations,simpeg,plain"
    parser.add_argument("--only", default=groups, help=f"some of {groups}")
    parser.add_argument("--seeds", type=int, default=5, help="draws of the noise, from 0")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    surveys = [datasets.load("stair_block", random_seed=seed) for seed in range(options.seeds)]
    truth = surveys[0].true_models["density"]
    zero = 1e3 * np.sqrt(np.mean(truth**2))
    tables, console = {}, Console(width=140)
    for group, label, run in rows(options.only.split(",")):
        if group not in tables:
            tables[group] = results.Table(
                group,
                f"Stair block: {group}",
                {
                    "parameters": "{:.0f}",
                    "median rms, kg/m³": "{:.1f}",
                    "rms of each seed": " ".join(["{:.1f}"] * options.seeds),
                    "χ": "{:.2f} to {:.2f}",
                    "steps": "{:.0f}",
                    "seconds": "{:.1f}",
                },
                note=f"rms of the zero model: {zero:.1f} kg/m³. Seeds 0 to {options.seeds - 1}.",
                heading="inversion",
            )
        outcomes = [run(survey) for survey in surveys]
        errors = [1e3 * np.sqrt(np.mean((one.density - truth) ** 2)) for one in outcomes]
        chi, steps, seconds = ([getattr(one, name) for one in outcomes] for name in ("chi", "steps", "seconds"))
        middle = np.median(steps), np.median(seconds)
        tables[group].add_row(label, outcomes[0].n_parameters, np.median(errors), errors, (min(chi), max(chi)), *middle)
        console.log(label, *tables[group].cells(label))
        results.store(options, *tables.values())
    for table in tables.values():
        console.print(table.rich())


if __name__ == "__main__":
    main()
