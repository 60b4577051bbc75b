"""An implicit representation on 8000 to two million cells: time per step, memory, parameters, error.

    python -m benchmarks.implicit.inr_growth [--only 20 40] [--scale 1.0] [--device cpu]

One dipping block below a regular grid of gravity stations, 1 % noise, Toeplitz engine; the same network on meshes of
20³, 40³, 80³ and 128³ cells. The true model is averaged over the cells of each mesh, and the data are computed there.
Networks are fitted from their initial weights, by Levenberg-Marquardt in the model space and by Adam, and from the
network that was fitted on the next coarser mesh. The largest meshes get few steps, which the table shows; "ended"
says whether the noise was reached. Every size runs in a process of its own, so that the peak memory is its own.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from simpeg import data_misfit, inverse_problem, inversion, maps, regularization
from simpeg.data import Data
from simpeg.potential_fields import gravity as simpeg_gravity

from benchmarks._common import results
from simpeg_jointdl.maps import INRMap
from simpeg_jointdl.optimization import LevenbergMarquardt, TorchMinimize
from simpeg_jointdl.potential_fields import gravity

EXTENT = np.array([2000.0, 2000.0, 1000.0])  # m
BOUNDS, CONTRAST = (0.0, 0.6), 0.4  # g/cc
STATIONS = {20: 20, 40: 40, 80: 40, 128: 64}
# steps of Levenberg-Marquardt and of Adam from the initial weights, and of the former from the coarser mesh
STEPS = {20: (60, 500, 0), 40: (60, 200, 20), 80: (1, 4, 3), 128: (1, 2, 1)}
CG = {20: 100, 40: 100, 80: 30, 128: 12}  # largest number of iterations
SIZES = tuple(STEPS)


def inside(points) -> np.ndarray:
    """Whether points are in the block: 600 m along y, 300 m thick along x, 150 to 650 m deep, dipping by 45°."""
    x, y, z = points.T
    depth = -z
    return (np.abs(x - 700.0 - depth) < 150.0) & (np.abs(y - 1000.0) < 300.0) & (depth > 150.0) & (depth < 650.0)


def make_mesh(n: int) -> TensorMesh:
    """A mesh of n³ cells."""
    return TensorMesh([np.full(n, extent / n) for extent in EXTENT], origin=(0.0, 0.0, -EXTENT[2]))


def truth_on(mesh) -> np.ndarray:
    """Density averaged over every cell, g/cc, from 128 to 160 points along an axis of the mesh."""
    per_cell = max(1, 160 // mesh.shape_cells[0])
    shifts = (np.arange(per_cell) + 0.5) / per_cell - 0.5
    total, widths = np.zeros(mesh.n_cells), mesh.h_gridded[0]
    for shift in np.stack(np.meshgrid(shifts, shifts, shifts), axis=-1).reshape(-1, 3):
        total += inside(mesh.cell_centers + shift * widths)
    return CONTRAST * total / per_cell**3


def make_simulation(mesh, mapping, device):
    """Gravity 20 m above the surface, on the grid of stations that belongs to the mesh."""
    n = STATIONS[mesh.shape_cells[0]]
    along = (np.arange(n) + 0.5) * EXTENT[0] / n
    x, y = np.meshgrid(along, along)
    points = simpeg_gravity.Point(np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 20.0)]), components="gz")
    survey = simpeg_gravity.Survey(simpeg_gravity.SourceField([points]))
    return gravity.Simulation3DIntegral(mesh, survey=survey, rhoMap=mapping, engine="toeplitz", device=device)


class Fit:
    """One size: the network on its mesh, the data, and the misfit."""

    def __init__(self, n: int, device: str):
        self.n, self.device, self.mesh = n, device, make_mesh(n)
        # on one thread the processor time does not depend on what else runs on the machine
        self.clock = time.process_time if is_cpu(device) else time.perf_counter
        self.truth = truth_on(self.mesh)
        clean = make_simulation(self.mesh, maps.IdentityMap(nP=self.mesh.n_cells), device).dpred(self.truth)
        self.std = 0.01 * clean.std()
        self.dobs = clean + self.std * np.random.default_rng(0).standard_normal(clean.size)
        gc.collect()
        gc.freeze()  # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each
        coarse = INRMap(make_mesh(SIZES[0]), units=1, bounds=BOUNDS, dtype=np.float32, device=device)
        self.inr = coarse.on(self.mesh)
        self.simulation = make_simulation(self.mesh, self.inr, device)
        data = Data(self.simulation.survey, dobs=self.dobs, standard_deviation=self.std)
        self.misfit = data_misfit.L2DataMisfit(data, self.simulation)

    def errors(self, m) -> tuple[float, float]:
        """χ, and the rms error in g/cc."""
        return self.misfit(m) / self.dobs.size, float(np.sqrt(np.mean((self.inr * m - self.truth) ** 2)))

    def seconds_per_product(self) -> float:
        """Seconds for one product of the Hessian with a vector, the smallest of a few."""
        m, found = self.inr.initial_model(), []
        v = np.random.default_rng(0).standard_normal(m.size)
        for _ in range(3 if self.n < 128 else 2):
            began = self.clock()
            self.misfit.deriv2(m, v)
            found.append(self.clock() - began)
        return min(found)

    def run(self, optimizer, start) -> tuple[np.ndarray, dict]:
        """The final model of an optimizer, and a row of the table."""
        nothing = regularization.Smallness(TensorMesh([self.inr.nP]))
        problem = inverse_problem.BaseInvProblem(self.misfit, nothing, optimizer, beta=0.0, init_bfgs=False)
        made = inversion.BaseInversion(problem, directiveList=[])
        began = self.clock()
        with contextlib.redirect_stdout(io.StringIO()):
            m = made.run(start)
        seconds, steps = self.clock() - began, max(optimizer.iter, 1)
        chi, rms = self.errors(m)
        row = {"steps": steps, "seconds": seconds, "chi": chi, "rms": rms, "ended": optimizer.stopped_because}
        return m, row | {"per_step": seconds / steps}


def work(n: int, folder: Path, device: str, scale: float):
    """One size, in a process of its own: rows of the table, and the model for the next size."""
    imported = peak_gib()
    fit = Fit(n, device)
    n_gauss_newton, n_adam, n_refine = (round(scale * steps) or min(steps, 1) for steps in STEPS[n])
    made = {"imported": imported, "rows": {}, "cells": fit.mesh.n_cells, "data": fit.dobs.size}
    made["parameters"], made["zero"] = fit.inr.nP, float(np.sqrt(np.mean(fit.truth**2)))
    made["product"] = fit.seconds_per_product()
    start, found = fit.inr.initial_model(), {}
    damped = {"space": "model", "cg_maxiter": CG[n], "device": device, "dtype": np.float32}
    coarser = sorted(folder.glob("*.npy"), key=lambda path: int(path.stem))
    if coarser and n_refine:
        from_coarser = np.load(coarser[-1])
        chi, rms = fit.errors(from_coarser)
        name = f"network of {coarser[-1].stem}³"
        made["rows"][f"{name}, as it is"] = {"steps": 0, "seconds": 0.0, "chi": chi, "rms": rms, "ended": ""}
        # the Hessian of a network that already fits needs little damping
        found[name], made["rows"][name] = fit.run(
            LevenbergMarquardt(maxIter=n_refine, damping=1e-3, **damped), from_coarser
        )
    found["LM"], made["rows"]["LM"] = fit.run(LevenbergMarquardt(maxIter=n_gauss_newton, **damped), start)
    found["Adam"], made["rows"]["Adam"] = fit.run(
        TorchMinimize("adam", lr=1e-2, maxIter=n_adam, patience=1, target_chi=1.05, device=device), start
    )
    best = min(found, key=lambda name: abs(np.log(made["rows"][name]["chi"])))
    np.save(folder / f"{n}.npy", found[best])
    made["peak"] = peak_gib()
    made["peak_device"] = None if is_cpu(device) else torch.cuda.max_memory_allocated() / 2**30
    (folder / f"{n}.json").write_text(json.dumps(made))


def is_cpu(device) -> bool:
    """Whether the device is the processor."""
    return torch.device(device).type == "cpu"


def peak_gib() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def add_rows(table, n: int, made: dict):
    """Add the rows of one size."""
    for name, row in made["rows"].items():
        memory = (made["peak"], made["peak_device"])
        fixed = (made["cells"], made["data"], made["parameters"], made["product"], *memory)
        times = row["steps"], row.get("per_step"), row["seconds"]
        table.add_row(f"{n}³, {name}", *fixed, *times, row["chi"], row["rms"], made["zero"], row["ended"])


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--only", nargs="*", type=int, choices=SIZES, default=SIZES)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the numbers of steps")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", type=Path, help="keep models and rows here, and begin with those that are there")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.folder, options.device, options.scale)
        return
    console, cores = Console(width=160), len(os.sched_getaffinity(0))
    kind = "of the processor" if is_cpu(options.device) else "on the clock"
    table = results.Table(
        f"growth, {options.device}",
        f"Growth with the number of cells; {options.device}, {cores} core(s), {torch.get_num_threads()} thread(s), "
        f"seconds {kind}",
        {
            "cells": "{:.0f}",
            "data": "{:.0f}",
            "parameters": "{:.0f}",
            "s per Hessian product": "{:.3f}",
            "peak, GiB": "{:.2f}",
            "peak of the device, GiB": "{:.2f}",
            "steps": "{:.0f}",
            "s per step": "{:.2f}",
            "s": "{:.0f}",
            "χ": "{:.3f}",
            "rms, g/cc": "{:.4f}",
            "rms of the zero model": "{:.4f}",
            "ended": "",
        },
        heading="mesh and run",
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        for n in options.only:
            command = [
                sys.executable,
                "-m",
                "benchmarks.implicit.inr_growth",
                "--work",
                str(n),
                "--folder",
                str(folder),
                "--device",
                options.device,
            ]
            subprocess.run([*command, "--scale", str(options.scale)], check=True)
            made = json.loads((folder / f"{n}.json").read_text())
            console.log(n, made)
            add_rows(table, n, made)
    table.note = f"A process that has imported everything holds {made['imported']:.2f} GiB."
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
