"""Cost of the couplings beside SimPEG's cross-gradient, in one run on one machine.

    python tests/benchmarks/coupling_cost.py [--cells 1000000] [--repeats 5] [--device cpu] [--dtype float64]

For each coupling: the time of value + gradient + one Hessian product at a new model, of a further product at
the same model, and of the diagonal; medians over alternating repeats, so that noise hits all alike. Memory is
what building the coupling and one round of all this adds to the process.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl import regularization


def resident() -> float:
    """Resident memory of this process, GiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def factories(mesh, wires, device, dtype):
    """Name -> function that builds the coupling."""
    options = dict(device=device, dtype=dtype)
    gramian, centers = regularization.Gramian, [[0.0, 0.0], [1.0, 1.0], [-1.0, 0.5]]
    return {
        "SimPEG CrossGradient": lambda: simpeg_regularization.CrossGradient(mesh, wires),
        "CrossGradient": lambda: regularization.CrossGradient(mesh, wires, **options),
        "CrossGradient normalized": lambda: regularization.CrossGradient(mesh, wires, normalized=True, **options),
        "Gramian global": lambda: gramian(mesh, wires, **options),
        "Gramian 8x8x8": lambda: gramian(mesh, wires, window=(8, 8, 8), overlap=0.5, **options),
        "Gramian pointwise": lambda: gramian(mesh, wires, window=(1, 1, 1), **options),
        "Gramian laplacian 8x8x8": lambda: gramian(
            mesh, wires, operator="laplacian", window=(8, 8, 8), overlap=0.5, **options
        ),
        "LocalPearson 8x8x6": lambda: regularization.LocalPearson(mesh, wires, window=(8, 8, 6), **options),
        "LocalPearson 16x16x16": lambda: regularization.LocalPearson(mesh, wires, window=(16, 16, 16), **options),
        "LocalPearson 2x2x2": lambda: regularization.LocalPearson(mesh, wires, window=(2, 2, 2), **options),
        "GuidedFuzzyCMeans": lambda: regularization.GuidedFuzzyCMeans(mesh, wires, centers, **options),
    }


def clock(function) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(build, models, v):
    """Setup, the three costs (value, gradient, product), a further product, the diagonal; and memory."""
    gc.collect()
    before = resident()
    start = time.perf_counter()
    coupling = build()
    setup = time.perf_counter() - start
    rows = []
    for model in models:
        row = [
            clock(lambda m=model: coupling(m)),
            clock(lambda m=model: coupling.deriv(m)),
            clock(lambda m=model: coupling.deriv2(m, v)),
            clock(lambda m=model: coupling.deriv2(m, v)),
        ]
        diagonal = getattr(coupling, "hessian_diagonal", None)
        row.append(clock(lambda m=model, d=diagonal: d(m)) if diagonal else np.nan)
        rows.append(row)
    return setup, np.median(rows[1:], axis=0), resident() - before


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--only", nargs="*", help="names to measure; SimPEG's always is")
    options = parser.parse_args()
    n = round(options.cells ** (1 / 3))
    mesh = TensorMesh([n, n, n])
    wires = maps.Wires(("first", mesh.n_cells), ("second", mesh.n_cells))
    rng = np.random.default_rng(0)
    model, v = rng.normal(size=(2, wires.nP))
    models = [model + 1e-6 * i for i in range(options.repeats + 1)]  # the first warms up

    table = Table(title=f"{mesh.n_cells} cells, two properties, {options.device}, {options.dtype}; seconds")
    for title in ("", "setup", "value", "gradient", "product", "sum", "ratio", "next product", "diagonal", "GiB"):
        table.add_column(title, justify="right" if title else "left")
    reference = None
    for name, build in factories(mesh, wires, options.device, options.dtype).items():
        if reference is not None and options.only and name not in options.only:
            continue
        setup, (value, gradient, product, again, diagonal), memory = measure(build, models, v)
        total = value + gradient + product
        reference = total if reference is None else reference
        cells = (setup, value, gradient, product, total, total / reference, again, diagonal, memory)
        table.add_row(name, *(f"{cell:.3f}" for cell in cells))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
