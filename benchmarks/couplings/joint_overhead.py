"""What a coupling adds to a joint inversion: time per CG iteration, and Gauss-Newton iterations.

    python -m benchmarks.couplings.joint_overhead --small

32 000 cells, 1600 + 1600 data of `datasets.make_two_blocks`, sensitivities computed once. Separate inversions and those
with a coupling (ratio 1) run in turns in one process, the separate one first and last. Time per CG iteration is the
median over all Gauss-Newton iterations of what one took, from start to start with directives, line search and all,
divided by its CG iterations; the same by processor time, for machines that others use, and of the CG iterations
alone. Targets: at most 1.10 of the separate inversion's time, and 1.3 of its Gauss-Newton
iterations to χ = 1 for all data.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg.directives import InversionDirective

from benchmarks.published.two_bodies import couplings, make_misfits, true_centers
from simpeg_jointdl import datasets, directives, recipes, regularization

TIME_TARGET, ITERATIONS_TARGET = 1.10, 1.3


class Stopwatch(InversionDirective):
    """Time of every Gauss-Newton iteration and of its search direction; stops when all data are fitted."""

    def initialize(self):
        self.rows, self._last = [], None
        self._solve, self.opt.findSearchDirection = self.opt.findSearchDirection, self._timed_solve

    def _timed_solve(self, *args, **kwargs):
        began = time.process_time()
        direction = self._solve(*args, **kwargs)
        self._in_cg = time.process_time() - began
        return direction

    def endIter(self):
        now = np.array([time.perf_counter(), time.process_time()])
        if self._last is not None and self.opt.cg_count:  # the first iteration prepares
            count = self.opt.cg_count
            self.rows.append([*(now - self._last) / count, self._in_cg / count, count])
        self._last = now
        (betas,) = (one for one in self.inversion.directiveList if isinstance(one, directives.JointBetaSchedule))
        if betas.fitted.all():
            self.opt.stopNextIteration = True


@dataclass
class Record:
    """What the runs of one coupling took."""

    rows: list = field(default_factory=list)
    to_target: list = field(default_factory=list)

    @property
    def medians(self) -> np.ndarray:
        """Seconds by the wall, by the processor and in CG alone of a CG iteration, and CG iterations per step."""
        return np.median(self.rows, axis=0)


def run(survey, prepared, coupling, record: Record, max_iterations: int, cg_iterations: int = 60):
    """One inversion, added to the record of its coupling."""
    misfits, wires = prepared
    lower = {"susceptibility": (0.0, np.inf)}
    recipe = recipes.create_joint_inversion(
        survey.mesh,
        misfits,
        wires,
        couplings=coupling,
        strategy="simultaneous" if coupling else "separate",
        bounds=lower,
        couple_when="structure",
        max_iterations=max_iterations,
        cg_iterations=cg_iterations,
        progress=False,
    )
    watch = Stopwatch()
    watch.inversion = recipe.inversion
    recipe.inversion.directiveList.dList.append(watch)
    with contextlib.redirect_stdout(io.StringIO()):
        recipe.run()
    chi = np.array(list(recipe.log.history["chi"].values()))  # (n_misfits, n_iterations)
    fitted = np.flatnonzero((chi <= 1.0).all(axis=0))
    record.rows += watch.rows
    record.to_target.append(int(fitted[0]) + 1 if fitted.size else np.inf)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="4000 cells and 400 + 400 data")
    parser.add_argument("--rounds", type=int, default=1, help="how often each coupling runs")
    parser.add_argument("--max-iterations", type=int, default=15)
    parser.add_argument("--cg-iterations", type=int, default=60)
    parser.add_argument("--only", default="", help="couplings whose name holds this")
    options = parser.parse_args()
    shape, n_stations = ((20, 20, 10), (20, 20)) if options.small else ((40, 40, 20), (40, 40))
    survey = datasets.make_two_blocks(shape=shape, n_stations=n_stations)
    prepared, console = make_misfits(survey), Console(width=120)
    for misfit in prepared[0]:
        misfit.simulation.G  # noqa: B018, computed here, so that no run pays for it
    made = couplings(true_centers(survey))
    made["cross-gradient, normalised"] = partial(regularization.CrossGradient, normalized=True)
    made = {name: one for name, one in made.items() if name != "clusters, guided" and options.only in name}
    records = {name: Record() for name in ("separate", *made)}
    order = ["separate", *list(made) * options.rounds, "separate"]
    for i, name in enumerate(order):
        began = time.perf_counter()
        run(survey, prepared, made.get(name), records[name], options.max_iterations, options.cg_iterations)
        console.log(f"{i + 1}/{len(order)} {name}: {time.perf_counter() - began:.0f} s")
    plain = records["separate"]
    table = Table(title=f"{survey.mesh.n_cells} cells, {n_stations[0] * n_stations[1]} + as many data")
    for head in (
        "",
        "ms per CG",
        "of separate",
        "(processor)",
        "(CG alone)",
        "CG per GN",
        "GN to χ ≤ 1",
        "of separate",
    ):
        table.add_column(head, justify="right" if head else "left")
    for name, record in records.items():
        ratio, steps = record.medians / plain.medians, np.mean(record.to_target)
        more = steps / np.mean(plain.to_target)
        marks = ["[red]" if bad else "" for bad in (ratio[0] > TIME_TARGET, more > ITERATIONS_TARGET)]
        table.add_row(
            name,
            f"{1e3 * record.medians[0]:.1f}",
            f"{marks[0]}{ratio[0]:.2f}",
            f"{ratio[1]:.2f}",
            f"{ratio[2]:.2f}",
            f"{record.medians[3]:.0f}",
            f"{steps:g}",
            f"{marks[1]}{more:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
