"""What a coupling adds to a joint inversion: time per CG iteration, and the number of Gauss-Newton iterations.

    python -m benchmarks.couplings.joint_overhead --cg-iterations 150 --max-iterations 30
    python -m benchmarks.couplings.joint_overhead --small

32 000 cells and 1600 + 1600 data of `datasets.make_two_blocks`, whose sensitivities are computed once. The separate
inversion and those with a coupling (ratio 1) run one after the other in one process, the separate one first and last.
The time per CG iteration is a median over the Gauss-Newton iterations: the time from the start of one to the start of
the next, with directives and line search, divided by its number of CG iterations. It is given by the clock, by
processor time (for machines that others use too), and for the conjugate gradients alone. The targets are at most 1.10
times the separate inversion's time, and at most 1.3 times its Gauss-Newton iterations until χ ≤ 1 for all data.
"""

from __future__ import annotations

import contextlib
import io
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from rich.console import Console
from simpeg.directives import InversionDirective

from benchmarks._common import results
from benchmarks.published.two_bodies import couplings, make_misfits, true_centers
from simpeg_jointdl import datasets, directives, recipes, regularization

TIME_TARGET, ITERATIONS_TARGET = 1.10, 1.3


class Stopwatch(InversionDirective):
    """Time every Gauss-Newton iteration and its search direction; stop when all data are fitted."""

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
        if self._last is not None and self.opt.cg_count:  # the first iteration includes the set-up
            count = self.opt.cg_count
            self.rows.append([*(now - self._last) / count, self._in_cg / count, count])
        self._last = now
        (betas,) = (one for one in self.inversion.directiveList if isinstance(one, directives.JointBetaSchedule))
        if betas.fitted.all():
            self.opt.stopNextIteration = True


@dataclass
class Record:
    """Times and iterations of the runs of one coupling."""

    rows: list = field(default_factory=list)
    to_target: list = field(default_factory=list)

    @property
    def medians(self) -> np.ndarray:
        """Seconds per CG iteration (clock, processor, CG alone), and CG iterations per Gauss-Newton iteration."""
        return np.median(self.rows, axis=0)


def run(survey, prepared, coupling, record: Record, max_iterations: int, cg_iterations: int = 60):
    """Run one inversion, and add it to the record of its coupling."""
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
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--small", action="store_true", help="4000 cells and 400 + 400 data")
    parser.add_argument("--rounds", type=int, default=1, help="how often each coupling runs")
    parser.add_argument("--max-iterations", type=int, default=15)
    parser.add_argument("--cg-iterations", type=int, default=60)
    parser.add_argument("--only", default="", help="couplings whose name contains this text")
    options = parser.parse_args()
    shape, n_stations = ((20, 20, 10), (20, 20)) if options.small else ((40, 40, 20), (40, 40))
    survey = datasets.make_two_blocks(shape=shape, n_stations=n_stations)
    prepared, console = make_misfits(survey), Console(width=120)
    for misfit in prepared[0]:
        misfit.simulation.G  # noqa: B018, computed here, so that it is not part of a run's time
    made = couplings(true_centers(survey))
    made["cross-gradient, normalized"] = partial(regularization.CrossGradient, normalized=True)
    made = {name: one for name, one in made.items() if name != "clusters, guided centers" and options.only in name}
    records = {name: Record() for name in ("separate", *made)}
    order = ["separate", *list(made) * options.rounds, "separate"]
    for i, name in enumerate(order):
        began = time.perf_counter()
        run(survey, prepared, made.get(name), records[name], options.max_iterations, options.cg_iterations)
        console.log(f"{i + 1}/{len(order)} {name}: {time.perf_counter() - began:.0f} s")
    plain = records["separate"]
    table = results.Table(
        "overhead, small" if options.small else "overhead",
        f"Joint inversions of {survey.mesh.n_cells} cells, {n_stations[0] * n_stations[1]} + as many data",
        {
            "ms per CG iteration": "{:.1f}",
            "of separate": results.Column("{:.2f}", TIME_TARGET),
            "processor time, of separate": "{:.2f}",
            "CG alone, of separate": "{:.2f}",
            "CG iterations per step": "{:.0f}",
            "steps to χ ≤ 1": "{:g}",
            "steps, of separate": results.Column("{:.2f}", ITERATIONS_TARGET),
        },
        note=f"Targets: {TIME_TARGET:g} for the time per CG iteration, {ITERATIONS_TARGET:g} for the number of steps.",
        heading="coupling",
    )
    for name, record in records.items():
        ratio, steps = record.medians / plain.medians, np.mean(record.to_target)
        table.add_row(
            name, 1e3 * record.medians[0], *ratio[:3], record.medians[3], steps, steps / np.mean(plain.to_target)
        )
    console.print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
