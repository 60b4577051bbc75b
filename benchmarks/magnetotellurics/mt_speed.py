"""Stitched one-dimensional magnetotellurics compared with a Python loop over SimPEG's own simulation.

    python -m benchmarks.magnetotellurics.mt_speed --threads 2
    python -m benchmarks.magnetotellurics.mt_speed --device cuda --models 500000 --frequencies 64 --dtypes float32

The loop calls SimPEG's Simulation1DRecursive, built once, with one model after the other; ours takes all models as the
stations of one survey. The data are apparent resistivity and phase at every frequency. "with Jacobian": the data and
the derivative of all data by all layers, once each at a new model. Times are by the clock, in turns, medians, in
microseconds per model. Agreement of both is checked first. "kernel": impedances alone, on tensors on the device.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from rich.console import Console
from simpeg import maps

from benchmarks._common import results
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.kernels import layered_impedance


def make_simulations(n_models, frequencies, thicknesses, device, dtype):
    """SimPEG's simulation of one station, and ours of all stations."""
    n_layers = len(thicknesses) + 1
    one = natural_source.create_survey([[0.0, 0.0, 0.0]], frequencies)
    theirs = natural_source.Simulation1DRecursive(one, thicknesses=thicknesses[::-1], sigmaMap=maps.ExpMap(nP=n_layers))
    locations = np.c_[100.0 * np.arange(n_models), np.zeros((n_models, 2))]
    ours = natural_source.Simulation1DStitched(
        natural_source.create_survey(locations, frequencies),
        thicknesses,
        sigmaMap=maps.ExpMap(nP=n_models * n_layers),
        device=device,
        dtype=dtype,
    )
    return theirs, ours


def check(theirs, ours, models, rtol):
    """Check that data and derivatives by the logarithm agree, each in its own order."""
    n = min(3, len(models))
    found = ours.dpred(models.ravel()).reshape(-1, 2, len(models))  # frequency, component, station
    matrix = ours.getJ(models.ravel())
    n_layers = models.shape[1]
    for i in range(n):
        wanted = theirs.dpred(models[i, ::-1]).reshape(-1, 2)
        np.testing.assert_allclose(found[:, :, i], wanted, rtol=rtol)
        derivative = theirs.getJ(models[i, ::-1])["sigma"][:, ::-1] * np.exp(models[i])
        rows = np.arange(found[..., 0].size) * len(models) + i
        mine = matrix[rows, i * n_layers : (i + 1) * n_layers].toarray()
        np.testing.assert_allclose(mine, derivative, rtol=0, atol=10 * rtol * np.abs(derivative).max())


def seconds(function, device):
    """Seconds of one call."""
    began = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def loop(simulation, models, derivative):
    """SimPEG's simulation for one model after the other; its layers are ordered from the bottom up."""
    for model in models:
        simulation.dpred(model[::-1])
        if derivative:
            simulation.getJ(model[::-1])


def at_once(simulation, models, derivative):
    """Our simulation for all models."""
    simulation.dpred(models.ravel())
    if derivative:
        simulation.tensor_jacobian(models.ravel())


def new_models(rng, n_models, n_layers):
    """Random logarithms of the conductivity, (n_models, n_layers)."""
    return np.log(10.0 ** rng.uniform(-3.5, 0.0, (n_models, 1))) + 0.5 * rng.standard_normal((n_models, n_layers))


def compare(options, frequencies, thicknesses, dtype, device):
    """Rows of name, SimPEG's and our seconds per model."""
    theirs, ours = make_simulations(options.models, frequencies, thicknesses, device, dtype)
    rng, n_layers = np.random.default_rng(0), len(thicknesses) + 1
    check(theirs, ours, new_models(rng, options.models, n_layers), 1e-10 if dtype == torch.float64 else 1e-4)
    times = {"forward": [], "with Jacobian": []}
    for _ in range(options.rounds):
        models = new_models(rng, options.models, n_layers)
        for name, derivative in (("forward", False), ("with Jacobian", True)):
            few = models[: options.loop]
            slow = seconds(lambda m=few, d=derivative: loop(theirs, m, d), device) / len(few)
            fast = seconds(lambda m=models, d=derivative: at_once(ours, m, d), device) / len(models)
            times[name].append((slow, fast))
            models = models + 1e-3  # so that nothing of the model before is reused
    return [(name, *np.median(pairs, axis=0)) for name, pairs in times.items()]


def kernel(options, frequencies, thicknesses, dtype, device):
    """Seconds for the impedances of all models."""
    generator = torch.Generator().manual_seed(0)
    log = torch.randn(options.models, len(thicknesses) + 1, generator=generator, dtype=dtype)
    sigma = torch.exp(log - 4.0).to(device)
    f, h = (torch.as_tensor(array, dtype=dtype, device=device) for array in (frequencies, thicknesses))
    layered_impedance(f, sigma, h)
    return np.median([seconds(lambda: layered_impedance(f, sigma, h), device) for _ in range(options.rounds)])


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--models", type=int, default=2000, help="stations of the stitched simulation")
    parser.add_argument("--loop", type=int, default=200, help="number of these models in SimPEG's loop")
    parser.add_argument("--layers", type=int, default=40)
    parser.add_argument("--frequencies", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"], choices=["float64", "float32"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    frequencies = np.geomspace(1e-3, 1e3, options.frequencies)
    thicknesses = np.geomspace(10.0, 1000.0, options.layers - 1)

    table = results.Table(
        f"speed, {device}, {options.models} models",
        f"{options.models} models of {options.layers} layers, {options.frequencies} frequencies, "
        f"{options.threads} thread(s), {device}",
        {"SimPEG, µs per model": "{:.0f}", "ours, µs per model": "{:.2f}", "times faster": "{:.1f}"},
        heading="task",
    )
    for name in options.dtypes:
        dtype = getattr(torch, name)
        if device.type == "cpu" or options.models <= 20_000:
            for what, slow, fast in compare(options, frequencies, thicknesses, dtype, device):
                table.add_row(f"{what}, {name}", 1e6 * slow, 1e6 * fast, slow / fast)
        whole = kernel(options, frequencies, thicknesses, dtype, device)
        table.add_row(f"kernel, {name}", None, 1e6 * whole / options.models, None)
    Console(width=110).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
