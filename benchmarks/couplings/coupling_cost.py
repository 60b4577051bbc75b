"""Time and memory of each coupling, relative to SimPEG's cross-gradient in the same run.

    python -m benchmarks.couplings.coupling_cost [--cells 1000000] [--repeats 5] [--device cpu] [--dtype float64]
    OMP_NUM_THREADS=1 python -m benchmarks.couplings.coupling_cost --clock processor    # on a busy machine

For each coupling: the time of its value, gradient and one Hessian product at a new model, of a further product at
the same model, and of the Hessian's diagonal. Times are medians over repeats, each at a model not seen before. The
value includes the linearization, which gradient, products and diagonal at the same model reuse. Memory is the peak
that building the coupling and one round of all this adds to a fresh process, in bytes per cell, at the full size
and at an eighth of it: if both numbers are equal, memory grows linearly with the number of cells.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from benchmarks._common import results
from simpeg_jointdl import regularization

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def factories(mesh, wires, device, dtype):
    """Functions that build the couplings, by name."""
    options = dict(device=device, dtype=dtype)
    gramian, centers = regularization.Gramian, [[0.0, 0.0], [1.0, 1.0], [-1.0, 0.5]]
    return {
        "SimPEG CrossGradient": lambda: simpeg_regularization.CrossGradient(mesh, wires),
        "CrossGradient": lambda: regularization.CrossGradient(mesh, wires, **options),
        "CrossGradient, normalized": lambda: regularization.CrossGradient(mesh, wires, normalized=True, **options),
        "Gramian, gradient, whole mesh": lambda: gramian(mesh, wires, **options),
        "Gramian, gradient, windows of 8³": lambda: gramian(mesh, wires, window=(8, 8, 8), overlap=0.5, **options),
        "Gramian, gradient, pointwise": lambda: gramian(mesh, wires, window=(1, 1, 1), **options),
        "Gramian, Laplacian, windows of 8³": lambda: gramian(
            mesh, wires, operator="laplacian", window=(8, 8, 8), overlap=0.5, **options
        ),
        "LocalPearson, 8 × 8 × 6": lambda: regularization.LocalPearson(mesh, wires, window=(8, 8, 6), **options),
        "LocalPearson, 16³": lambda: regularization.LocalPearson(mesh, wires, window=(16, 16, 16), **options),
        "LocalPearson, 2³": lambda: regularization.LocalPearson(mesh, wires, window=(2, 2, 2), **options),
        "GuidedFuzzyCMeans, 3 clusters": lambda: regularization.GuidedFuzzyCMeans(mesh, wires, centers, **options),
    }


def clock(function, now) -> float:
    """Seconds that one call takes, by a clock."""
    start = now()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return now() - start


def one_round(coupling, model, v, now=time.perf_counter) -> list[float]:
    """Seconds for the value, the gradient, a product, a further product, and the diagonal."""
    row = [
        clock(lambda: coupling(model), now),
        clock(lambda: coupling.deriv(model), now),
        clock(lambda: coupling.deriv2(model, v), now),
        clock(lambda: coupling.deriv2(model, v), now),
    ]
    diagonal = getattr(coupling, "hessian_diagonal", None)
    return [*row, clock(lambda: diagonal(model), now) if diagonal else np.nan]


def make_problem(n_cells):
    """A mesh, the wires of two properties, a random model and a random vector."""
    mesh = TensorMesh([round(n_cells ** (1 / 3))] * 3)
    wires = maps.Wires(("first", mesh.n_cells), ("second", mesh.n_cells))
    return mesh, wires, *np.random.default_rng(0).normal(size=(2, wires.nP))


def peak() -> float:
    """Largest resident memory of this process so far, in bytes."""
    # not getrusage: that remembers the parent's peak across fork and exec
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) * 1024.0


def print_bytes_per_cell(name, options):
    """Run in a fresh process: peak memory that one coupling adds."""
    mesh, wires, model, v = make_problem(options.cells)
    before = peak()
    one_round(factories(mesh, wires, options.device, options.dtype)[name](), model, v)
    print((peak() - before) / mesh.n_cells)


def bytes_per_cell(name, n_cells, options) -> float:
    """Peak memory that one coupling adds to a fresh process."""
    command = [sys.executable, "-m", "benchmarks.couplings.coupling_cost", "--memory-of", name, "--cells", str(n_cells)]
    command += ["--device", options.device, "--dtype", options.dtype]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--only", nargs="*", help="couplings to measure; SimPEG's is always measured")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="which seconds are counted")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print_bytes_per_cell(options.memory_of, options)
        return
    mesh, wires, model, v = make_problem(options.cells)
    models = [model + 1e-6 * i for i in range(options.repeats + 1)]  # the first warms up

    table = results.Table(
        f"cost, {mesh.n_cells} cells, {options.clock} clock",
        f"Cost of one coupling of two properties, {mesh.n_cells} cells, {options.device}, {options.dtype}, "
        f"seconds by the {options.clock} clock",
        dict.fromkeys(("setup, s", "value, s", "gradient, s", "product, s", "sum, s"), "{:.3f}")
        | {"sum / SimPEG's": "{:.2f}", "next product, s": "{:.3f}", "diagonal, s": "{:.3f}"}
        | {"peak bytes per cell": "{:.0f}", "the same at 1/8 of the cells": "{:.0f}"},
        note=f"Medians of {options.repeats} repeats.",
        heading="coupling",
    )
    reference = None
    for name, build in factories(mesh, wires, options.device, options.dtype).items():
        if reference is not None and options.only and name not in options.only:
            continue
        gc.collect()
        now = CLOCKS[options.clock]
        start = now()
        coupling = build()
        setup = now() - start
        rows = [one_round(coupling, each, v, now) for each in models]
        value, gradient, product, again, diagonal = np.median(rows[1:], axis=0)
        del coupling
        total = value + gradient + product
        reference = total if reference is None else reference
        times = (setup, value, gradient, product, total, total / reference, again)
        memory = [bytes_per_cell(name, n_cells, options) for n_cells in (options.cells, options.cells // 8)]
        table.add_row(name, *times, None if np.isnan(diagonal) else diagonal, *memory)
    Console(width=160).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
