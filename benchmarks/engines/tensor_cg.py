"""Conjugate gradients on a device against SimPEG's: time per iteration, and how much of it copies take.

    python -m benchmarks.engines.tensor_cg --cells 1000000 --device cuda

Gravity- and magnetics-like data, one datum of each above every column of a cube of cells (1e4 + 1e4 at 1e6 cells), by
convolutions that either minimizer gets at the same cost: SimPEG's through `Jvec` and `Jtvec` in numpy, which go to the
device and back in each, ours through `tensor_jacobian`. With smallness and smoothness of both properties, a
cross-gradient, bounds and the Jacobi preconditioner. Both minimizers take the same steps, in turns in one process;
the first Gauss-Newton iteration, which moves the operators, is told from later ones. Time is that of
`findSearchDirection`; copies of SimPEG's runs are those of the simulations alone, the coupling's not counted. Models
differ as much as SimPEG's own do where the last bit of the data changes: conjugate gradients are that sensitive here.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import torch
from discretize import TensorMesh
from rich.console import Console
from rich.table import Table
from simpeg import data, data_misfit, inverse_problem, inversion, maps
from simpeg import optimization as simpeg_optimization
from simpeg.regularization import WeightedLeastSquares
from simpeg.simulation import LinearSimulation

from simpeg_jointdl import directives, optimization, regularization
from simpeg_jointdl._tensor_path import Crossing

MINIMIZERS = {"SimPEG's": simpeg_optimization.ProjectedGNCG, "ours": optimization.ProjectedGNCG}


@dataclass
class Convolution:
    """Tensor linearization of data above every column of a cube of cells; one property of the whole model."""

    spectrum: torch.Tensor  # (n, 2 n, n + 1), complex
    part: slice
    n_parameters: int
    n: int
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of_power(cls, power, part, n_parameters, n, crossing):
        """Kernels that decay with this power of the distance, layer by layer."""
        away = np.fft.fftfreq(2 * n, 0.5 / n)
        depth = np.arange(0.5, n)[::-1, None, None]  # of layers from the lowest up
        kernel = depth / (depth**2 + away[:, None] ** 2 + away**2) ** (power / 2)
        return cls(torch.fft.rfft2(crossing.send(kernel)), part, n_parameters, n, crossing.device, crossing.dtype)

    def tangent(self, v):
        """(nP,) -> (n²,)."""
        layers = v[self.part].reshape(self.n, self.n, self.n)
        total = (torch.fft.rfft2(layers, s=(2 * self.n, 2 * self.n)) * self.spectrum).sum(0)
        return torch.fft.irfft2(total, s=(2 * self.n, 2 * self.n))[: self.n, : self.n].reshape(-1)

    def adjoint(self, y):
        """(n²,) -> (nP,)."""
        spectrum = torch.fft.rfft2(y.reshape(self.n, self.n), s=(2 * self.n, 2 * self.n)) * self.spectrum.conj()
        total = y.new_zeros(self.n_parameters)
        layers = torch.fft.irfft2(spectrum, s=(2 * self.n, 2 * self.n))[:, : self.n, : self.n]
        total[self.part] = layers.reshape(-1)
        return total


class ConvolutionSimulation(LinearSimulation):
    """The same for SimPEG: numpy in and out."""

    def __init__(self, power, part, n_parameters, n, crossing, **kwargs):
        super().__init__(**kwargs)
        self.survey._vnD = np.r_[n * n]
        self.crossing = crossing
        self.jacobian = Convolution.of_power(power, part, n_parameters, n, crossing)
        self.energy = Convolution.of_power(2 * power - 2, part, n_parameters, n, crossing)  # about kernels squared

    G = None

    def tensor_jacobian(self, model):
        """Linear: the same everywhere."""
        return self.jacobian

    def fields(self, m):
        """The data."""
        return self.Jvec(m, m)

    def dpred(self, m=None, f=None):
        """The data."""
        return self.fields(m) if f is None else f

    def Jvec(self, m, v, f=None):
        """(nP,) -> (n²,), through the device."""
        return self.crossing.fetch(self.jacobian.tangent(self.crossing.send(v)))

    def Jtvec(self, m, v, f=None):
        """(n²,) -> (nP,), through the device."""
        return self.crossing.fetch(self.jacobian.adjoint(self.crossing.send(v)))

    def getJtJdiag(self, m, W=None, f=None):
        """Sums of squares, for the preconditioner; roughly."""
        squares = self.crossing.send(W.diagonal() ** 2)
        return np.abs(self.crossing.fetch(self.energy.adjoint(squares)))


def make_problem(n, crossing):
    """Misfits, regularization terms and the starting model, of a cube of n³ cells."""
    mesh = TensorMesh([np.ones(n)] * 3, origin="CCN")
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    truth = np.zeros(2 * mesh.n_cells)
    inside = (np.abs(mesh.cell_centers - [0, 0, -0.3 * n]) < 0.15 * n).all(axis=1)
    truth[: mesh.n_cells], truth[mesh.n_cells :] = inside, 0.5 * inside
    rng, misfits = np.random.default_rng(0), []
    for i, power in enumerate((3, 5)):
        part = slice(i * mesh.n_cells, (i + 1) * mesh.n_cells)
        simulation = ConvolutionSimulation(power, part, truth.size, n, crossing)
        clean = simulation.fields(truth)
        noise = 0.02 * np.abs(clean).max()
        observed = clean + noise * rng.standard_normal(clean.size)
        misfits.append(
            data_misfit.L2DataMisfit(
                data=data.Data(simulation.survey, dobs=observed, standard_deviation=np.full(clean.size, noise)),
                simulation=simulation,
            )
        )
    terms = [WeightedLeastSquares(mesh, mapping=wire) for wire in (wires.density, wires.susceptibility)]
    terms.append(regularization.CrossGradient(mesh, wires, device=crossing.device, dtype=crossing.dtype))
    return misfits, terms, np.full(truth.size, 1e-3)


def run(minimizer, problem, crossing, options):
    """Seconds, CG iterations and copying seconds of each Gauss-Newton iteration; fallbacks; the model."""
    misfits, terms, start = problem
    own = {"device": crossing.device, "dtype": crossing.dtype} if minimizer is optimization.ProjectedGNCG else {}
    optimizer = minimizer(maxIter=options.iterations, cg_maxiter=options.cg, cg_rtol=0.0, lower=0.0, **own)
    optimizer.printers, optimizer.stoppers = [], optimizer.stoppers[-1:]
    search, rows = optimizer.findSearchDirection, []

    def timed():
        crossing.start_count()
        began = time.perf_counter()
        direction = search()
        seconds = time.perf_counter() - began
        rows.append((seconds, optimizer.cg_count, crossing.seconds + getattr(optimizer, "copy_seconds", 0.0)))
        return direction

    optimizer.findSearchDirection = timed
    invprob = inverse_problem.BaseInvProblem(
        reduce(add, misfits), reduce(add, terms), optimizer, print_version=False, init_bfgs=False
    )
    steps = [directives.UpdateJointPreconditioner()]
    with contextlib.redirect_stdout(io.StringIO()):
        model = inversion.BaseInversion(invprob, directiveList=steps).run(start)
    return np.array(rows), getattr(optimizer, "fallbacks", ()), model


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=27_000, help="rounded to a cube")
    parser.add_argument("--cg", type=int, default=10, help="CG iterations per Gauss-Newton iteration")
    parser.add_argument("--iterations", type=int, default=3, help="Gauss-Newton iterations")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64")
    options = parser.parse_args()
    n, console = round(options.cells ** (1 / 3)), Console(width=120)
    crossing = Crossing(options.device, options.dtype)
    problem = make_problem(n, crossing)
    found = {name: [] for name in MINIMIZERS}
    for i in range(options.rounds):
        for name, minimizer in MINIMIZERS.items():
            began = time.perf_counter()
            found[name].append(run(minimizer, problem, crossing, options))
            console.log(f"{i + 1}/{options.rounds} {name}: {time.perf_counter() - began:.1f} s")
    table = Table(title=f"{n**3} cells, {n * n} + {n * n} data, {options.device}, {options.dtype}")
    for head in ("", "ms per CG, first GN", "copies, first", "ms per CG, later", "copies, later", "through numpy"):
        table.add_column(head, justify="right" if head else "left")
    for name, runs in found.items():
        first = np.median([rows[0] for rows, _, _ in runs], axis=0)
        later = np.median(np.concatenate([rows[1:] for rows, _, _ in runs] or [first[None]]), axis=0)
        cells = [f"{1e3 * row[0] / row[1]:.1f}|{100 * row[2] / row[0]:.1f} %" for row in (first, later)]
        table.add_row(name, *[part for cell in cells for part in cell.split("|")], ", ".join(runs[0][1]) or "-")
    console.print(table)
    theirs, ours = (found[name][0][2] for name in MINIMIZERS)
    console.print(f"largest difference of the models: {np.abs(ours - theirs).max() / np.abs(theirs).max():.1e}")


if __name__ == "__main__":
    main()
