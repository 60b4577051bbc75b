"""Kill a joint inversion at random moments, resume it, and compare with a run that was never interrupted.

    python -m tests.directives.checkpoint.killed_runs --kills 20

A small inversion of gravity and magnetics with sparse norms and clusters runs in a process of its own. After a random
iteration, and a random part of the next one, the process gets SIGKILL: always after its first checkpoint and before its
end. Another process resumes the run. The exit status is 1 if any final model differs by more than 1e-8 of the largest
property, or if a run was not resumed from an iteration between the first and the last. The tests use the functions of
this file with two processes.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from simpeg.directives import UpdateIRLS

from simpeg_jointdl import directives, regularization
from simpeg_jointdl.directives.checkpoint._file import read_checkpoint
from tests.directives.problem import make_joint_problem

ROOT = Path(__file__).parents[3]  # root of the repository, where processes are started
MODULE = "tests.directives.checkpoint.killed_runs"
TOLERANCE, ITERATIONS = 1e-8, 14
PATIENCE = 300.0  # seconds for one process


def build(folder: Path, max_iterations: int = ITERATIONS):
    """The inversion and its starting model; its files go to `folder`."""
    problem = make_joint_problem(sparse=True)
    clusters = regularization.GuidedFuzzyCMeans(
        problem.mesh, problem.wires, centers=[[0.0, 0.0], [0.8, 0.04]], guidance=0.5
    )
    steps = [
        directives.SaveLog(folder / "log.csv"),
        directives.UpdateJointSensitivityWeights(),
        UpdateIRLS(chifact_start=5.0, max_irls_iterations=30, f_min_change=1e-6, verbose=False),
        directives.JointBetaSchedule(),
        directives.EstimateCouplingWeights(0.1),
        directives.UpdateFuzzyClusters(),
        directives.UpdateJointPreconditioner(),
        directives.SaveCheckpoint(folder / "run.npz"),
    ]
    inversion = problem.inversion(
        [*problem.terms, clusters], steps, max_iterations=max_iterations, beta=10.0, bounded=True
    )
    return inversion, problem.start


def work(folder: Path, max_iterations: int):
    """Run to the end from the checkpoint in `folder`, if there is one: what the killed and the resuming process do."""
    inversion, start = build(folder, max_iterations)
    (folder / "begun").touch()
    try:
        model = directives.resume(inversion, folder / "run.npz")
    except FileNotFoundError:
        (folder / "log.csv").unlink(missing_ok=True)  # the log of an iteration that was not saved
        model = inversion.run(start)
    np.save(folder / "model.npy", model)


def spawn(folder: Path, max_iterations: int = ITERATIONS) -> subprocess.Popen:
    """Start `work` in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", MODULE, "--work", str(folder), "--iterations", str(max_iterations)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


def wait_until(true, process: subprocess.Popen):
    """Wait until a condition is true, while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{process.args} ended with {process.wait()} too early")
        time.sleep(0.01)


def start_process(folder: Path) -> subprocess.Popen:
    """Start `work` in a process of its own, and wait until the inversion has been built."""
    (folder / "begun").unlink(missing_ok=True)
    process = spawn(folder)
    wait_until((folder / "begun").exists, process)
    return process


def kill(folder: Path, iteration: int, wait: float) -> int:
    """Kill a process some seconds after an iteration was saved, or when the next is saved; return the last one."""
    folder.mkdir()
    process = start_process(folder)
    wait_until(lambda: last_iteration(folder) >= iteration, process)
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline and last_iteration(folder) == iteration:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    if process.wait(PATIENCE) != -signal.SIGKILL:
        raise RuntimeError(f"the process in {folder} ended before it was killed after iteration {iteration}")
    return last_iteration(folder)


def finish(folder: Path) -> np.ndarray:
    """Run to the end in a process of its own, and return the model."""
    if start_process(folder).wait(PATIENCE) != 0:
        raise RuntimeError(f"the process in {folder} failed")
    return np.load(folder / "model.npy")


def last_iteration(folder: Path) -> int:
    """Iteration of the checkpoint; 0 without one."""
    if not (folder / "run.npz").exists():
        return 0
    return read_checkpoint(folder / "run.npz")["state"]["minimizer"]["iter"]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.work, options.iterations)
        return 0
    rng = np.random.default_rng(options.random_seed)
    table = Table("#", "killed", "resumed from iteration", "lines of the log", "relative difference")
    table.title = f"{options.kills} runs killed by SIGKILL and resumed, against one that was not"
    worst = 0.0
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary, "whole")
        whole.mkdir()
        process = start_process(whole)
        began = time.monotonic()
        process.wait(PATIENCE)
        duration = time.monotonic() - began
        reference, n_lines = np.load(whole / "model.npy"), len(directives.read_log(whole / "log.csv")["iteration"])
        pause = duration / n_lines
        # after the last iteration but one there would be too little time to kill the process
        chosen = rng.integers(1, n_lines - 1, options.kills)
        for i, (iteration, part) in enumerate(zip(chosen, rng.uniform(0.0, 0.9, options.kills), strict=True), start=1):
            folder = Path(temporary, str(i))
            reached = kill(folder, iteration, part * pause)
            difference = float(np.abs(finish(folder) - reference).max() / np.abs(reference).max())
            worst = max(worst, difference)
            lines = directives.read_log(folder / "log.csv")["iteration"]
            if lines.tolist() != list(range(1, n_lines + 1)) or not 1 <= reached < n_lines:
                worst = np.inf
            moment = f"iteration {iteration} + {part * pause:.2f} s"
            table.add_row(str(i), moment, f"{reached} of {n_lines}", f"{len(lines)}", f"{difference:.1e}")
    table.caption = f"uninterrupted: {n_lines} iterations in {duration:.2f} s; largest difference {worst:.1e}"
    Console(width=100).print(table)
    return int(not worst <= TOLERANCE)


if __name__ == "__main__":
    raise SystemExit(main())
