"""Joint gravity and magnetic inversions from nothing to both targets: against SimPEG's classes, and of a million cells.

    python -m benchmarks.engines.joint_speed [--only joint million] [--rounds 3] [--device cpu] [--profile]

``joint``: 40 x 40 x 20 cells, 1600 + 1600 data over two prisms, a cross-gradient. Once with SimPEG's classes throughout
(its faster engine of the two, sensitivities stored in float32; its paired betas, cross-gradient, preconditioner and
minimizer), once with ours, over SimPEG's algorithm and over our own. Data, noise, bounds, starting model, smallness,
first betas, CG settings and the end, which is the first iteration that finds both data sets at their targets, are the
same. Runs take turns in one process, and each begins without sensitivities: end to end is from the first class made to
the model. SimPEG's cross-gradient gets the weight under which it counts as much in our model as ours does there, found
in a run that is not timed. What numba compiles is compiled before.

``million``: 1e6 cells, 1e4 + 1e4 data, ours alone, once.
"""

from __future__ import annotations

import argparse
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
from rich.table import Table

from benchmarks._common.joint_problem import NAMES, Problem, make_ours, make_simpegs, simpeg_engines

SPEED_TARGET, SECONDS_TARGET = 8.0, 120.0
MINIMIZERS = {"ours, ProjectedGNCG": "ProjectedGNCG", "ours, BoundedGaussNewton": "BoundedGaussNewton"}


@dataclass
class Outcome:
    """What a run came to."""

    seconds: float
    setup: float  # until the first step is searched for: sensitivities, weights, first betas
    searches: list = field(default_factory=list)  # seconds in conjugate gradients, and their number
    chi: np.ndarray = None
    rms: np.ndarray = None

    @property
    def fitted(self) -> bool:
        """Whether both data sets are at their target."""
        return bool((self.chi <= 1.0).all())


def run(make, problem: Problem, profile=None) -> tuple[Outcome, object]:
    """Make an inversion and run it; what it came to, and the inversion."""
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
    """Weight of SimPEG's cross-gradient that counts as much as ours did in the last model of a run of ours."""
    multiplier, ours = inversion.invProb.reg[-1]
    model = inversion.invProb.model
    return float(multiplier * ours(model) / problem.simpeg_coupling()(model))


def compare(options, console):
    """SimPEG's classes against ours."""
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
    console.print(_table(problem, found, ", ".join(sorted(set(engines)))))
    if options.profile:
        for name in MINIMIZERS:
            show_profile(makers[name], problem, name)


def _table(problem, found, engines) -> Table:
    title = (
        f"{problem.mesh.n_cells} cells, {problem.n_data} + {problem.n_data} data, to χ ≤ 1 of both; SimPEG: {engines}"
    )
    table = Table(title=f"{title}; {torch.get_num_threads()} thread(s)")
    heads = "seconds|setup|in CG|ms per CG|GN|CG|χ gravity|χ magn.|rms g/cc|rms SI|SimPEG / this|target|(setup, one CG)"
    for head in ("", *heads.split("|")):
        table.add_column(head, justify="right" if head else "left")
    medians = {}
    for name, outs in found.items():
        in_cg = [sum(seconds for seconds, _ in out.searches) for out in outs]
        counts = [sum(count for _, count in out.searches) for out in outs]
        per_cg = np.divide(in_cg, counts)
        medians[name] = [*np.median([[out.seconds, out.setup] for out in outs], axis=0), np.median(per_cg)]
        ratios = np.divide(medians["SimPEG"], medians[name])
        out = outs[0]
        table.add_row(
            name,
            *(f"{one:.2f}" for one in (*medians[name][:2], np.median(in_cg))),
            f"{1e3 * medians[name][2]:.1f}",
            str(len(out.searches)),
            str(counts[0]),
            *(f"{'' if one <= 1.0 else '[red]'}{one:.3f}" for one in out.chi),
            f"{out.rms[0]:.4f}",
            f"{out.rms[1]:.5f}",
            f"{ratios[0]:.1f}",
            "" if name == "SimPEG" else f"{SPEED_TARGET:g}",
            f"{ratios[1]:.0f}, {ratios[2]:.1f}",
        )
    return table


def show_profile(make, problem, name):
    """Where the time of a run goes, by what was called from where."""
    profile = cProfile.Profile()
    run(make, problem, profile)
    print(f"--- {name}")
    for order, n in (("cumulative", 60), ("tottime", 30)):
        pstats.Stats(profile, stream=sys.stdout).strip_dirs().sort_stats(order).print_stats(n)


def peak_bytes(device) -> float:
    """Largest memory so far: an accelerator's, or this process's."""
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
    table = Table(title=f"{problem.mesh.n_cells} cells, {problem.n_data} + {problem.n_data} data, {options.device}")
    for head in ("", "measured", "target"):
        table.add_column(head)
    to = "both targets" if out.fitted else "the last iteration allowed, χ not reached"
    target = f"< {SECONDS_TARGET:g} s on one H200"
    table.add_row(f"seconds to {to}", f"{out.seconds:.1f}", target)
    table.add_row("of these before the first step", f"{out.setup:.1f}", "")
    table.add_row("of these in conjugate gradients", f"{in_cg:.1f}", "")
    table.add_row("ms per CG iteration", f"{1e3 * in_cg / n_cg:.1f}", "")
    table.add_row("iterations, CG iterations", f"{len(out.searches)}, {n_cg}", "")
    table.add_row("χ", ", ".join(f"{one:.3f}" for one in out.chi), "1")
    table.add_row("rms", ", ".join(f"{one:.5f} {name}" for one, name in zip(out.rms, NAMES, strict=True)), "")
    table.add_row(f"engine ({', '.join(engines)}), MiB", f"{kernels / 2**20:.0f}", "")
    for kind in dict.fromkeys(("cpu", torch.device(options.device).type)):
        table.add_row(f"peak memory, {kind}, GiB", f"{peak_bytes(kind) / 2**30:.2f}", "stated")
    console.print(table)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
