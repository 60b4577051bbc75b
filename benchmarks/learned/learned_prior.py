"""The learned prior on the stair-block model: gravity inverted for a latent vector.

    python -m benchmarks.learned.learned_prior                                    # about two minutes on one core
    python -m benchmarks.learned.learned_prior --recipe --pool 1000 --starts 16   # the package's recipe
    python -m benchmarks.learned.learned_prior --weights other.safetensors --seeds 1 --verbose

For each seed of the noise (1 % of the standard deviation of the data): χ and the rms density error in kg/m³ of the
latent vector alone, of the latent vector with offsets of its bodies (both for the start with the lowest objective), and
of the mean over all starts. Then the medians over the seeds.

Starts are encodings of random geology: of `--pool` of them, those whose decoded models fit the data best after scaling.
Each start is also the reference model: the prior is N(start, I), that of the amplitude N(0, 1). The latent vector is
found by Levenberg-Marquardt with the noise increased 30, 10 and 3 times; then offsets of its bodies are found besides,
with a prior whose weight is reduced until χ is 1.
"""

from __future__ import annotations

import contextlib
import io
import time

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from simpeg import maps
from simpeg.potential_fields import gravity
from torch.func import jacfwd, vmap

from benchmarks._common import results
from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.networks import GeologyVAE
from simpeg_jointdl.networks.geology import KINDS, N_SHAPE, occupancy
from simpeg_jointdl.potential_fields import gravity as our_gravity

STAGES = (30.0, 10.0, 3.0)  # factors on the noise
COOLING = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # weights of the prior
TARGET, KG, BATCH = 1.05, 1000.0, 250
LARGEST = 2.0  # standard deviations of the amplitude; a start with a larger one is not used


def stair_block():
    """Matrix of gz, the true density in g/cc, and the cell centers in the box of the network."""
    mesh = TensorMesh([np.full(21, 50.0), np.full(21, 50.0), np.full(11, 50.0)], origin=[-25.0, -25.0, -525.0])
    x, y = np.meshgrid(50.0 * np.arange(21), 50.0 * np.arange(21))
    stations = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)])
    receiver = gravity.receivers.Point(stations, components="gz")
    simulation = gravity.Simulation3DIntegral(
        mesh,
        survey=gravity.survey.Survey(gravity.sources.SourceField([receiver])),
        rhoMap=maps.IdentityMap(nP=mesh.n_cells),
        engine="geoana",
    )
    density = np.zeros(mesh.shape_cells, order="F")
    for i in range(7):
        density[7:13, 11 - i : 16 - i, 9 - i] = 0.4
    fractions = (mesh.cell_centers - mesh.nodes.min(axis=0)) / np.ptp(mesh.nodes, axis=0)
    points = np.column_stack([2.0 * fractions[:, :2] - 1.0, 1.0 - fractions[:, 2]])
    as_float = (torch.as_tensor(a, dtype=torch.float32) for a in (simulation.G, density.ravel(order="F"), points))
    return tuple(as_float)


class LatentModel:
    """Density of the cells and its gravity as functions of one latent vector; the Jacobian is computed by bodies."""

    def __init__(self, network: GeologyVAE, matrix, points):
        self.network, self.matrix, self.points = network, matrix, points
        self._box = points * torch.tensor([1.0, 1.0, 2.0]) - torch.tensor([0.0, 0.0, 1.0])
        self._scales = network._offset_scales[: N_SHAPE + 1]

    def density(self, z):
        """Density of the cells, (n_cells,)."""
        return self.network.decode(z[None], self.points)[0, 0]

    def linearized(self, z):
        """Density, and derivatives of the data (n_data, len(z))."""
        network, n_amplitudes = self.network, len(self.network.properties)
        parameters = self._density_bodies(z[n_amplitudes:])
        amplitude = torch.exp(network._log_median[0] + network._spread[0] * z[0])
        per_body = vmap(jacfwd(self._body))(parameters)  # (n_bodies, n_cells, 18)
        by_body = amplitude * torch.einsum("dn,knp->dkp", self.matrix, per_body).flatten(1)
        density = self.density(z)
        jacobian = torch.zeros(len(self.matrix), len(z))
        jacobian[:, 0] = network._spread[0] * (self.matrix @ density)
        inner = jacfwd(lambda z: self._density_bodies(z).flatten())(z[n_amplitudes : network.n_latent])
        jacobian[:, n_amplitudes : network.n_latent] = by_body @ inner
        if len(z) > network.n_latent:
            offsets = jacobian[:, network.n_latent :].unflatten(1, (network.n_bodies, -1))
            offsets[..., : N_SHAPE + 1] = by_body.unflatten(1, (network.n_bodies, -1)) * self._scales
        return density, jacobian

    def _density_bodies(self, z):
        return self.network.bodies(z[None])[0, :, : N_SHAPE + 1]

    def _body(self, parameters):
        inside = occupancy(parameters[None, None, :N_SHAPE], self._box)[0, 0]
        return parameters[N_SHAPE] * inside


def levenberg_marquardt(model, z, reference, data, deviation, weight, n_iterations, target=0.0):
    """Minimize |(data - G m(z)) / deviation|² + weight |z - reference|²; stop at χ = `target` or without progress."""

    def objective(z, density):
        misfit = ((data - model.matrix @ density) / deviation).square().sum()
        return misfit + weight * (z - reference).square().sum(), misfit / len(data)

    damping = 1.0
    value, _ = objective(z, model.density(z))
    for _ in range(n_iterations):
        density, jacobian = model.linearized(z)
        jacobian = jacobian / deviation
        hessian = jacobian.T @ jacobian + weight * torch.eye(len(z))
        descent = jacobian.T @ ((data - model.matrix @ density) / deviation) - weight * (z - reference)
        for _ in range(8):
            step = torch.linalg.solve(hessian + damping * torch.diag(hessian.diagonal()), descent)
            new, chi = objective(z + step, model.density(z + step))
            if new < value:
                break
            damping *= 4.0
        else:
            return z, value
        z, decrease, value, damping = z + step, float((value - new) / value), new, max(damping / 5.0, 1e-5)
        if chi <= target or decrease < 1e-3:
            break
    return z, value


def starts(network, matrix, points, data, n_starts, pool, random_seed=7000):
    """The best of a pool of latent vectors, (n_starts, n_latent), with their amplitude fitted to the data."""
    latent, misfits = [], []
    for batch in range(-(-pool // BATCH)):
        z = network.sample_latent(BATCH, kinds=KINDS, random_seed=random_seed + batch)
        predicted = network.decode(z, points)[:, 0] @ matrix.T
        scale = (predicted @ data) / predicted.square().sum(1).clamp(min=1e-12)
        misfit = (scale[:, None] * predicted - data).square().sum(1)
        z[:, 0] += torch.log(scale.clamp(min=1e-6)) / network._spread[0]
        latent.append(z)
        misfits.append(torch.where((scale > 0) & (z[:, 0].abs() < LARGEST), misfit, torch.inf))
    latent, misfits = torch.cat(latent), torch.cat(misfits)
    return latent[misfits.argsort()[:n_starts]]


def invert(network, matrix, points, truth, seed, n_starts=6, pool=2000, verbose=False):
    """Latent vectors and models of all starts, the lowest objective first, and the mean of the models."""
    clean = matrix @ truth
    deviation = 0.01 * clean.std()
    data = clean + deviation * torch.tensor(np.random.default_rng(seed).standard_normal(len(clean))).float()
    model, results = LatentModel(network, matrix, points), []

    def report(density):
        chi = float(((data - matrix @ density) / deviation).square().mean())
        return {"density": density, "chi": chi, "rms": KG * float((density - truth).square().mean().sqrt())}

    for z in starts(network, matrix, points, data, n_starts, pool):
        reference = z.clone()
        reference[0] = 0.0  # the median amplitude of geology, not the fitted one
        for factor in STAGES:
            z, value = levenberg_marquardt(model, z, reference, data, factor * deviation, 1.0, 6)
        latent = report(model.density(z))
        none = torch.zeros(network.n_offsets)
        z, reference = torch.cat([z, none]), torch.cat([reference, none])
        for weight in COOLING:
            z, _ = levenberg_marquardt(model, z, reference, data, deviation, weight, 8, TARGET)
            freed = report(model.density(z))
            if freed["chi"] <= TARGET:
                break
        results.append({"objective": float(value), "latent": latent, "freed": freed, "z": z, "weight": weight})
        if verbose:
            print(f"   objective {float(value):7.0f}   {line(latent)} -> {line(freed)} (weight {weight:g})", flush=True)
    results.sort(key=lambda result: result["objective"])
    mean = report(torch.stack([result["freed"]["density"] for result in results]).mean(0))
    return results, mean


def line(result):
    """χ and the error of a model, for the screen."""
    return f"χ {result['chi']:5.2f} rms {result['rms']:5.1f}"


def by_recipe(n_seeds, n_candidates, n_starts) -> results.Table:
    """`recipes.create_prior_inversion`; with its own settings for --pool 1000 --starts 16."""
    table = results.Table(
        f"recipe, {n_candidates} candidates, {n_starts} starts",
        f"create_prior_inversion(n_candidates={n_candidates}, n_starts={n_starts}): another pool for each seed",
        {"rms, kg/m³": "{:.1f}", "χ": "{:.2f}", "CPU s": "{:.0f}"},
        heading="seed",
    )
    errors = []
    for seed in range(n_seeds):
        survey = datasets.load("stair_block", random_seed=seed)
        mesh, truth = survey.mesh, survey.true_models["density"]
        simulation = our_gravity.Simulation3DIntegral(
            mesh, survey=survey.gravity.survey(), rhoMap=maps.IdentityMap(nP=mesh.n_cells), engine="dense"
        )
        began = time.process_time()
        recipe = recipes.create_prior_inversion(
            survey.gravity.data(),
            simulation,
            n_candidates=n_candidates,
            n_starts=n_starts,
            random_seed=seed,
            dtype="float32",
            progress=False,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            density = recipe.run()["density"]
        errors.append(KG * float(np.sqrt(np.mean((density - truth) ** 2))))
        table.add_row(f"{seed}", errors[-1], recipe.chi[0], time.process_time() - began)
        print(f"seed {seed}:", *table.cells(f"{seed}"), flush=True)
    table.add_row("median", np.median(errors), None, None)
    return table


def by_hand(options, console) -> results.Table:
    """The inversion of this file, with one pool for all seeds."""
    network = GeologyVAE.from_pretrained(options.weights)
    matrix, truth, points = stair_block()
    zero = KG * float(truth.square().mean().sqrt())
    pair = "{:.2f}, {:.1f}"
    table = results.Table(
        f"one pool of {options.pool}, {options.starts} starts",
        f"One pool of {options.pool} candidates for all seeds, {options.starts} starts: χ and rms in kg/m³",
        {"latent vector": pair, "with offsets of its bodies": pair, "mean of the starts": pair, "CPU s": "{:.0f}"},
        note=f"rms of the zero model: {zero:.1f} kg/m³.",
        heading="seed",
    )
    rows = []
    for seed in range(options.seeds):
        began = time.process_time()
        found, mean = invert(network, matrix, points, truth, seed, options.starts, options.pool, options.verbose)
        kinds = (found[0]["latent"], found[0]["freed"], mean)
        rows.append([(one["chi"], one["rms"]) for one in kinds])
        table.add_row(f"{seed}", *rows[-1], time.process_time() - began)
        console.print(f"seed {seed}:", *map(line, kinds))
    table.add_row("median", *np.median(rows, axis=0), None)
    return table


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--weights", help="weights of a GeologyVAE; those of the package if not given")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--recipe", action="store_true", help="the package's recipe, with another pool for each seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    table = by_recipe(options.seeds, options.pool, options.starts) if options.recipe else by_hand(options, console)
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
