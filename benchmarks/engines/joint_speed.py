"""Time of a joint gravity and magnetic inversion, compared with SimPEG's classes; and one with a million cells.

    python -m benchmarks.engines.joint_speed --only joint --cg 100
    python -m benchmarks.engines.joint_speed [--only joint million] [--rounds 3] [--device cpu] [--profile]

``joint``: 40 x 40 x 20 cells, 1600 + 1600 data over two prisms, a cross-gradient. Once with SimPEG's classes throughout
(the faster of its two engines, sensitivities stored in float32; its paired betas, cross-gradient, preconditioner and
minimizer), and once with ours, with SimPEG's algorithm and with our own. Data, noise, bounds, starting model,
smallness, first betas and CG settings are the same. Every run ends at the first iteration that finds both data sets at
their targets. Runs take turns in one process, and each begins without sensitivities: its time is from the first class
to the final model. SimPEG's cross-gradient gets the weight with which its value in our final model equals that of ours,
found in a run that is not timed. What numba compiles is compiled before.

``million``: 1e6 cells, 1e4 + 1e4 data, ours alone, once.
"""

from __future__ import annotations

import contextlib
import cProfile
import gc
import io
import pstats
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from benchmarks._common import results
from benchmarks._common.joint_problem import Problem, make_ours, make_simpegs, simpeg_engines

SPEED_TARGET, SECONDS_TARGET = 8.0, 120.0
MINIMIZERS = {"ours, ProjectedGNCG": "ProjectedGNCG", "ours, BoundedGaussNewton": "BoundedGaussNewton"}


@dataclass
class Outcome:
    """Times and errors of one run."""

    seconds: float
    setup: float  # seconds before the first search: sensitivities, weights, first betas
    searches: list = field(default_factory=list)  # seconds in conjugate gradients, and their number
    chi: np.ndarray = None
    rms: np.ndarray = None

    @property
    def fitted(self) -> bool:
        """Whether both data sets are at their target."""
        return bool((self.chi <= 1.0).all())


def run(make, problem: Problem, profile=None) -> tuple[Outcome, object]:
    """Make an inversion and run it; return its outcome and the inversion."""
    gc.collect()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), profile or contextlib.nullcontext():
        inversion = make()
        optimizer = inversion.opt
        search, rows, starts = optimizer.findSearchDirection, [], []

        def timed():
            start = time.perf_counter()
            starts.append(start)
            direction = search()
            rows.append((time.perf_counter() - start, optimizer.cg_count))
            return direction

        optimizer.findSearchDirection = timed
        model = inversion.run(problem.start.copy())
    seconds = time.perf_counter() - began
    outcome = Outcome(seconds, starts[0] - began, rows)
    outcome.chi, outcome.rms = problem.chi(model), problem.rms(model)
    return outcome, inversion


def matched_weight(inversion, problem: Problem) -> float:
    """Weight of SimPEG's cross-gradient with which it equals our weighted coupling in the last model of our run."""
    multiplier, ours = inversion.invProb.reg[-1]
    model = inversion.invProb.model
    return float(multiplier * ours(model) / problem.simpeg_coupling()(model))


def compare(options, console):
    """Compare SimPEG's classes with ours."""
    problem = Problem.make((40, 40, 20) if not options.small else (20, 20, 10))
    engines, building = simpeg_engines(problem)
    console.log("SimPEG's engines:", ", ".join(f"{one} {seconds:.1f} s" for one, seconds in building.items()))
    makers = {
        name: lambda kind=kind: make_ours(problem, kind, options.device, options.cg, options.max_iterations)
        for name, kind in MINIMIZERS.items()
    }
    _, first = run(makers["ours, BoundedGaussNewton"], problem)
    weight = matched_weight(first, problem)
    console.log(f"cross-gradient: our weight {first.invProb.reg.multipliers[-1]:.3g}, SimPEG's {weight:.3g}")
    makers = {"SimPEG": lambda: make_simpegs(problem, engines, weight, options.cg, options.max_iterations), **makers}
    found = {name: [] for name in makers}
    for i in range(options.rounds):
        for name, make in makers.items():
            found[name].append(run(make, problem)[0])
            out = found[name][-1]
            console.log(f"{i + 1}/{options.rounds} {name}: {out.seconds:.2f} s, χ {out.chi}")
    table = _table(problem, found, ", ".join(sorted(set(engines))), options)
    console.print(table.rich())
    results.store(options, table)
    if options.profile:
        for name in MINIMIZERS:
            show_profile(makers[name], problem, name)


def _table(problem, found, engines, options) -> results.Table:
    threads = torch.get_num_threads()
    table = results.Table(
        f"joint, {threads} thread{'s' * (threads > 1)}, at most {options.cg} CG" + ", small" * options.small,
        f"Joint inversion of {problem.mesh.n_cells} cells, {problem.n_data} + {problem.n_data} data, to χ ≤ 1 of both; "
        f"{threads} thread{'s' * (threads > 1)}, at most {options.cg} CG iterations per step",
        {
            "seconds": "{:.2f}",
            "SimPEG's seconds / this": "{:.1f}",
            "setup, s": "{:.2f}",
            "in CG, s": "{:.2f}",
            "ms per CG iteration": "{:.1f}",
            "steps": "{:.0f}",
            "CG iterations": "{:.0f}",
            "χ gravity": results.Column("{:.3f}", 1.0),
            "χ magnetics": results.Column("{:.3f}", 1.0),
            "density rms, g/cc": "{:.4f}",
            "susceptibility rms, SI": "{:.5f}",
        },
        note=f"Medians of {options.rounds} rounds. SimPEG's engine: {engines}. Target: {SPEED_TARGET:g} times faster.",
        heading="classes",
    )
    reference = None
    for name, outs in found.items():
        in_cg = [sum(seconds for seconds, _ in out.searches) for out in outs]
        counts = [sum(count for _, count in out.searches) for out in outs]
        seconds, setup = np.median([[out.seconds, out.setup] for out in outs], axis=0)
        reference = seconds if reference is None else reference
        per_cg, out = np.median(np.divide(in_cg, counts)), outs[0]
        times = (seconds, reference / seconds, setup, np.median(in_cg), 1e3 * per_cg)
        table.add_row(name, *times, len(out.searches), counts[0], *out.chi, *out.rms)
    return table


def show_profile(make, problem, name):
    """Print where the time of a run goes, by function."""
    profile = cProfile.Profile()
    run(make, problem, profile)
    print(f"--- {name}")
    for order, n in (("cumulative", 60), ("tottime", 30)):
        pstats.Stats(profile, stream=sys.stdout).strip_dirs().sort_stats(order).print_stats(n)


def peak_bytes(device) -> float:
    """Largest memory in use so far, in bytes: of an accelerator, or of this process."""
    if torch.device(device).type == "cuda":
        return float(torch.cuda.max_memory_allocated())
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return 1024.0 * float(line.split()[1])


def million(options, console):
    """A million cells on one device."""
    problem = Problem.make((20, 20, 20) if options.small else (100, 100, 100), device=options.device)
    before = peak_bytes("cpu")
    console.log(f"{problem.mesh.n_cells} cells, {problem.n_data} + {problem.n_data} data; {before / 2**30:.2f} GiB")

    def make():
        made = make_ours(
            problem, "BoundedGaussNewton", options.device, options.cg, options.max_iterations, options.dtype
        )
        made.directiveList.dList[-1].log = console.log
        return made

    out, inversion = run(make, problem)
    n_cg = sum(count for _, count in out.searches)
    in_cg = sum(seconds for seconds, _ in out.searches)
    engines = {one.simulation.sensitivities.name for one in inversion.invProb.dmisfit.objfcts}
    kernels = sum(one.simulation.sensitivities.n_bytes for one in inversion.invProb.dmisfit.objfcts)
    table = results.Table(
        f"million, {options.device}" + ", small" * options.small,
        f"Joint inversion of {problem.mesh.n_cells} cells, {problem.n_data} + {problem.n_data} data, {options.device}",
        {"measured": "", "target": ""},
        heading="quantity",
    )
    to = "both targets" if out.fitted else "the last allowed iteration, χ not reached"
    table.add_row(f"seconds to {to}", f"{out.seconds:.1f}", f"< {SECONDS_TARGET:g} s on one H200")
    table.add_row("seconds before the first step", f"{out.setup:.1f}", "")
    table.add_row("seconds in conjugate gradients", f"{in_cg:.1f}", "")
    table.add_row("ms per CG iteration", f"{1e3 * in_cg / n_cg:.1f}", "")
    table.add_row("steps, CG iterations", f"{len(out.searches)}, {n_cg}", "")
    table.add_row("χ", ", ".join(f"{one:.3f}" for one in out.chi), "1")
    table.add_row("rms, g/cc, SI", ", ".join(f"{one:.5f}" for one in out.rms), "")
    table.add_row(f"engine ({', '.join(engines)}), MiB", f"{kernels / 2**20:.0f}", "")
    for kind in dict.fromkeys(("cpu", torch.device(options.device).type)):
        table.add_row(f"peak memory, {kind}, GiB", f"{peak_bytes(kind) / 2**30:.2f}", "")
    console.print(table.rich())
    results.store(options, table)


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--only", nargs="*", choices=("joint", "million"), default=("joint", "million"))
    parser.add_argument("--small", action="store_true", help="4000 and 8000 cells, to see that it runs")
    parser.add_argument("--rounds", type=int, default=3, help="of joint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float64", help="of the conjugate gradients and the coupling of million")
    parser.add_argument("--cg", type=int, default=60, help="CG iterations per Gauss-Newton iteration, at most")
    parser.add_argument("--max-iterations", type=int, default=60)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    console = Console(width=200)
    if "joint" in options.only:
        compare(options, console)
    if "million" in options.only:
        million(options, console)


if __name__ == "__main__":
    main()
