"""Time of conjugate gradients on a device, compared with SimPEG's minimizer, and the part of it that copies take.

    python -m benchmarks.engines.tensor_cg --cells 1000000 --device cuda

The data resemble gravity and magnetics, one datum of each above every column of a cube of cells (1e4 + 1e4 at 1e6
cells). They are computed by convolutions that cost both minimizers the same: SimPEG's calls `Jvec` and `Jtvec` in
numpy, which copy to the device and back each time; ours calls `tensor_jacobian`. The problem has smallness and
smoothness of both properties, a cross-gradient, bounds and the Jacobi preconditioner. Both minimizers take the same
steps, in turns in one process. The first Gauss-Newton iteration, which moves the operators to the device, is reported
separately. Time is that of `findSearchDirection`; the copies counted for SimPEG are those of the simulations, without
the coupling's. Both models differ as much as SimPEG's own do when the last bit of the data changes: conjugate gradients
are that sensitive here.
"""

from __future__ import annotations

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
from simpeg import data, data_misfit, inverse_problem, inversion, maps
from simpeg import optimization as simpeg_optimization
from simpeg.regularization import WeightedLeastSquares
from simpeg.simulation import LinearSimulation

from benchmarks._common import results
from simpeg_jointdl import directives, optimization, regularization

MINIMIZERS = {"SimPEG's": simpeg_optimization.ProjectedGNCG, "ours": optimization.ProjectedGNCG}


class Copies:
    """Copies arrays to a device and back, and adds up the seconds that this takes."""

    def __init__(self, device, dtype):
        self.device, self.dtype, self.seconds = torch.device(device), getattr(torch, dtype), 0.0

    def start_count(self):
        """Begin to count from zero."""
        self.seconds = 0.0

    def send(self, array):
        """The array as a tensor on the device."""
        return self._timed(lambda: torch.as_tensor(array).to(self.device, self.dtype))

    def fetch(self, tensor):
        """The tensor as an array of float64."""
        return self._timed(lambda: tensor.to("cpu", torch.float64).numpy())

    def _timed(self, copy):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # so that only the copy is timed
        began = time.perf_counter()
        copied = copy()
        self.seconds += time.perf_counter() - began
        return copied


@dataclass
class Convolution:
    """Linear map on tensors from one property of a cube of cells to data above every column."""

    spectrum: torch.Tensor  # (n, 2 n, n + 1), complex
    part: slice
    n_parameters: int
    n: int
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of_power(cls, power, part, n_parameters, n, copies):
        """With kernels that decay with this power of the distance, one for each layer."""
        away = np.fft.fftfreq(2 * n, 0.5 / n)
        depth = np.arange(0.5, n)[::-1, None, None]  # of the layers, from the lowest up
        kernel = depth / (depth**2 + away[:, None] ** 2 + away**2) ** (power / 2)
        return cls(torch.fft.rfft2(copies.send(kernel)), part, n_parameters, n, copies.device, copies.dtype)

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
    """The same map as a SimPEG simulation, with numpy arrays."""

    def __init__(self, power, part, n_parameters, n, copies, **kwargs):
        super().__init__(**kwargs)
        self.survey._vnD = np.r_[n * n]
        self.copies = copies
        self.jacobian = Convolution.of_power(power, part, n_parameters, n, copies)
        self.energy = Convolution.of_power(2 * power - 2, part, n_parameters, n, copies)  # about kernels squared

    G = None

    def tensor_jacobian(self, model):
        """The same for every model, since the map is linear."""
        return self.jacobian

    def fields(self, m):
        """The data."""
        return self.Jvec(m, m)

    def dpred(self, m=None, f=None):
        """The data."""
        return self.fields(m) if f is None else f

    def Jvec(self, m, v, f=None):
        """(nP,) -> (n²,), through the device."""
        return self.copies.fetch(self.jacobian.tangent(self.copies.send(v)))

    def Jtvec(self, m, v, f=None):
        """(n²,) -> (nP,), through the device."""
        return self.copies.fetch(self.jacobian.adjoint(self.copies.send(v)))

    def getJtJdiag(self, m, W=None, f=None):
        """Approximate sums of squares, for the preconditioner."""
        squares = self.copies.send(W.diagonal() ** 2)
        return np.abs(self.copies.fetch(self.energy.adjoint(squares)))


def make_problem(n, copies):
    """Misfits, regularization terms and starting model for a cube of n³ cells."""
    mesh = TensorMesh([np.ones(n)] * 3, origin="CCN")
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    truth = np.zeros(2 * mesh.n_cells)
    inside = (np.abs(mesh.cell_centers - [0, 0, -0.3 * n]) < 0.15 * n).all(axis=1)
    truth[: mesh.n_cells], truth[mesh.n_cells :] = inside, 0.5 * inside
    rng, misfits = np.random.default_rng(0), []
    for i, power in enumerate((3, 5)):
        part = slice(i * mesh.n_cells, (i + 1) * mesh.n_cells)
        simulation = ConvolutionSimulation(power, part, truth.size, n, copies)
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
    terms.append(regularization.CrossGradient(mesh, wires, device=copies.device, dtype=copies.dtype))
    return misfits, terms, np.full(truth.size, 1e-3)


def run(minimizer, problem, copies, options):
    """Seconds, CG iterations and seconds of copying per step; terms that went through numpy; the model."""
    misfits, terms, start = problem
    own = {"device": copies.device, "dtype": copies.dtype} if minimizer is optimization.ProjectedGNCG else {}
    optimizer = minimizer(maxIter=options.iterations, cg_maxiter=options.cg, cg_rtol=0.0, lower=0.0, **own)
    optimizer.printers, optimizer.stoppers = [], optimizer.stoppers[-1:]
    search, rows = optimizer.findSearchDirection, []

    def timed():
        copies.start_count()
        began = time.perf_counter()
        direction = search()
        seconds = time.perf_counter() - began
        rows.append((seconds, optimizer.cg_count, copies.seconds + getattr(optimizer, "copy_seconds", 0.0)))
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
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--cells", type=int, default=27_000, help="rounded to a cube")
    parser.add_argument("--cg", type=int, default=10, help="CG iterations per Gauss-Newton iteration")
    parser.add_argument("--iterations", type=int, default=3, help="Gauss-Newton iterations")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64")
    options = parser.parse_args()
    n, console = round(options.cells ** (1 / 3)), Console(width=120)
    copies = Copies(options.device, options.dtype)
    problem = make_problem(n, copies)
    found = {name: [] for name in MINIMIZERS}
    for i in range(options.rounds):
        for name, minimizer in MINIMIZERS.items():
            began = time.perf_counter()
            found[name].append(run(minimizer, problem, copies, options))
            console.log(f"{i + 1}/{options.rounds} {name}: {time.perf_counter() - began:.1f} s")
    table = results.Table(
        f"cg, {n**3} cells, {options.device}, {options.dtype}",
        f"Conjugate gradients with {n**3} cells, {n * n} + {n * n} data, {options.device}, {options.dtype}",
        {
            "first step, ms per CG iteration": "{:.1f}",
            "copies in it": "{:.1%}",
            "later steps, ms per CG iteration": "{:.1f}",
            "copies in them": "{:.1%}",
            "terms through numpy": "",
        },
        heading="minimizer",
    )
    for name, runs in found.items():
        first = np.median([rows[0] for rows, _, _ in runs], axis=0)
        later = np.median(np.concatenate([rows[1:] for rows, _, _ in runs] or [first[None]]), axis=0)
        cells = [number for row in (first, later) for number in (1e3 * row[0] / row[1], row[2] / row[0])]
        table.add_row(name, *cells, ", ".join(runs[0][1]) or "none")
    theirs, ours = (found[name][0][2] for name in MINIMIZERS)
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    table.note = f"Largest difference of the models: {difference:.1e} of the largest value."
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
