"""The learned prior on the stair-block model: gravity inverted for a latent vector.

    python -m benchmarks.learned.learned_prior                        # about two minutes on one core
    python -m benchmarks.learned.learned_prior --weights other.safetensors --seeds 1 --verbose

For each seed of the noise (1 % of the data's standard deviation): χ² and rms density error in kg/m³ of the latent
vector alone and with offsets of its bodies, for the start whose objective came out lowest, and of the mean over all
starts. Then their medians over the seeds.

Starts are encodings of random geology, `--pool` of them, those whose decoded models fit the data best when scaled. Each
is a reference model, too: the prior is N(start, I), that of the amplitude N(0, 1). The latent vector is found by
Levenberg-Marquardt with the noise inflated 30, 10 and 3 times, then offsets of its bodies beside it, with a prior that
is cooled until χ² is 1.
"""

from __future__ import annotations

import argparse
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

from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.networks import GeologyVAE
from simpeg_jointdl.networks.geology._bodies import KINDS, N_SHAPE, occupancy
from simpeg_jointdl.potential_fields import gravity as our_gravity

STAGES = (30.0, 10.0, 3.0)  # factors on the noise
COOLING = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # weights of the prior
TARGET, KG, BATCH = 1.05, 1000.0, 250
LOUDEST = 2.0  # standard deviations of the amplitude, up to which a start is taken


def stair_block():
    """Matrix of gz, the true density in g/cc, and the cells in the box of the network."""
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
    """Density of the cells and its gravity as functions of one latent vector, with a Jacobian body by body."""

    def __init__(self, network: GeologyVAE, matrix, points):
        self.network, self.matrix, self.points = network, matrix, points
        self._box = points * torch.tensor([1.0, 1.0, 2.0]) - torch.tensor([0.0, 0.0, 1.0])
        self._scales = network._offset_scales[: N_SHAPE + 1]

    def density(self, z):
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
    """Minimize |(data - G m(z)) / deviation|² + weight |z - reference|²; stops at χ² = `target` or when stale."""

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
    """The best of a pool of latent vectors, (n_starts, n_latent), their density amplitude fitted to the data."""
    latent, misfits = [], []
    for batch in range(-(-pool // BATCH)):
        z = network.sample_latent(BATCH, kinds=KINDS, random_seed=random_seed + batch)
        predicted = network.decode(z, points)[:, 0] @ matrix.T
        scale = (predicted @ data) / predicted.square().sum(1).clamp(min=1e-12)
        misfit = (scale[:, None] * predicted - data).square().sum(1)
        z[:, 0] += torch.log(scale.clamp(min=1e-6)) / network._spread[0]
        latent.append(z)
        misfits.append(torch.where((scale > 0) & (z[:, 0].abs() < LOUDEST), misfit, torch.inf))
    latent, misfits = torch.cat(latent), torch.cat(misfits)
    return latent[misfits.argsort()[:n_starts]]


def invert(network, matrix, points, truth, seed, n_starts=6, pool=2000, verbose=False):
    """Latent vectors and models of all starts, the lowest objective first, as dicts; and the mean of the models."""
    clean = matrix @ truth
    deviation = 0.01 * clean.std()
    data = clean + deviation * torch.tensor(np.random.default_rng(seed).standard_normal(len(clean))).float()
    model, results = LatentModel(network, matrix, points), []

    def report(density):
        chi2 = float(((data - matrix @ density) / deviation).square().mean())
        return {"density": density, "chi2": chi2, "rms": KG * float((density - truth).square().mean().sqrt())}

    for z in starts(network, matrix, points, data, n_starts, pool):
        reference = z.clone()
        reference[0] = 0.0  # the median amplitude of geology, not what this shape would need
        for factor in STAGES:
            z, value = levenberg_marquardt(model, z, reference, data, factor * deviation, 1.0, 6)
        latent = report(model.density(z))
        none = torch.zeros(network.n_offsets)
        z, reference = torch.cat([z, none]), torch.cat([reference, none])
        for weight in COOLING:
            z, _ = levenberg_marquardt(model, z, reference, data, deviation, weight, 8, TARGET)
            freed = report(model.density(z))
            if freed["chi2"] <= TARGET:
                break
        results.append({"objective": float(value), "latent": latent, "freed": freed, "z": z, "weight": weight})
        if verbose:
            print(f"   objective {float(value):7.0f}   {line(latent)} -> {line(freed)} (weight {weight:g})", flush=True)
    results.sort(key=lambda result: result["objective"])
    mean = report(torch.stack([result["freed"]["density"] for result in results]).mean(0))
    return results, mean


def line(result):
    return f"χ² {result['chi2']:5.2f} rms {result['rms']:5.1f}"


def by_recipe(n_seeds, n_candidates, n_starts):
    """`recipes.create_prior_inversion`; as it comes with --pool 1000 --starts 16."""
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
        print(
            f"seed {seed}: χ² {recipe.chi[0]:.2f} rms {errors[-1]:.1f}   {time.process_time() - began:.0f} s",
            flush=True,
        )
    print(f"median: {np.median(errors):.1f} kg/m³")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", help="of a GeologyVAE; those of the package if not given")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--recipe", action="store_true", help="the package's recipe, another pool for each seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.recipe:
        by_recipe(options.seeds, options.pool, options.starts)
        return
    network = GeologyVAE.from_pretrained(options.weights)
    matrix, truth, points = stair_block()
    Console().print(f"zero model: rms {KG * float(truth.square().mean().sqrt()):.1f} kg/m³")
    table = []
    for seed in range(options.seeds):
        began = time.process_time()
        results, mean = invert(network, matrix, points, truth, seed, options.starts, options.pool, options.verbose)
        best = results[0]
        seconds = time.process_time() - began
        print(
            f"seed {seed}: latent {line(best['latent'])}   with offsets {line(best['freed'])}   mean of "
            f"{options.starts} {line(mean)}   {seconds:.0f} s",
            flush=True,
        )
        table.append((best["latent"]["rms"], best["freed"]["rms"], mean["rms"]))
    latent, freed, mean = np.median(table, axis=0)
    print(f"median: latent {latent:.1f}   with offsets {freed:.1f}   mean of starts {mean:.1f} kg/m³")


if __name__ == "__main__":
    main()
