"""Train a network of this package from scratch, in one command.

``python -m simpeg_jointdl.networks.train geology --output geology.safetensors``, ``... train gravmag``

Training samples are generated on the fly and never stored. Beside the weights the command writes their card
(``.json``), a log (``.csv``) and a checkpoint. ``--resume`` continues a run that was killed and gives the same result
as an uninterrupted run. Devices, processes and precision are handled by Lightning Fabric:
``pip install "simpeg_jointdl[train]"``.

==========================  =====================================================================
`main`                      run the command, with its arguments as a list
`TASKS`                     networks that can be trained, by name
==========================  =====================================================================
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .._core import validation as check
from ._weights import load_weights, save_weights
from .geology import GeologyTask
from .gravmag import GravMagTask
from .mt1d import MT1DTask
from .training import Plan, Training, make_fabric

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["main", "TASKS"]

#: Training task of each network, by the name of the network in the command.
TASKS: dict[str, Callable[..., Any]] = {
    "geology": GeologyTask,
    "gravmag": GravMagTask,
    "mt1d": MT1DTask,
    "mt1d_published": partial(MT1DTask, design="published"),
}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train a network and write its weights.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line; by default those of the process.

    Returns
    -------
    dict
        Card of the weights.

    Raises
    ------
    ModuleNotFoundError
        If Lightning Fabric is not installed: ``pip install "simpeg_jointdl[train]"``.
    ValueError
        If ``--resume`` finds a checkpoint of another run.
    """
    options = _parser().parse_args(arguments)
    options.output = options.output or Path(f"{options.network}.safetensors")
    n_processes = check.whole("--processes", options.processes)
    fabric = make_fabric(options.device, n_processes, options.precision)
    return fabric.launch(_train, options)


def _train(fabric: Fabric, options: argparse.Namespace) -> dict[str, Any]:
    """Train in one process; only the first process writes files."""
    task = TASKS[options.network](options.size, options.seed, fabric.device)
    identity = {"network": options.network, "size": options.size, "random_seed": options.seed}
    identity |= {"precision": options.precision}
    initial = None
    if options.initial is not None:
        _, initial = load_weights(options.initial, task.network, device="cpu")
        identity["initial"] = initial.get("command", str(options.initial))
    plan = task.plan(options.size, options.steps)
    if options.learning_rate is not None:
        plan = replace(plan, learning_rate=check.positive("--learning-rate", options.learning_rate))
    training = Training(task, plan, options.output, identity, fabric)
    if options.resume:
        training.resume()
    console = Console(file=sys.stderr, quiet=not fabric.is_global_zero)
    with _Progress(console, training) as progress:
        metrics = training.run(progress.report)
    card = {
        "architecture": type(task.network).__name__,
        "config": task.network.config,
        "data": task.data,
        "random_seed": options.seed,
        "precision": options.precision,
        "trained_on": f"{fabric.world_size} x {fabric.device.type}, torch {torch.__version__}",
        "command": _command(options, plan),
        "n_steps": training.step,
        "seconds": round(training.seconds),
        "metrics": metrics,
    }
    if initial is not None:
        card["initial"] = initial
    if fabric.is_global_zero:
        card = save_weights(options.output, task.network, card, storage_dtype=options.storage)
    return card


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simpeg_jointdl.networks.train", description=__doc__.split("\n")[0])
    parser.add_argument("network", choices=sorted(TASKS))
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small takes seconds, as a test")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and samples (default 0)")
    parser.add_argument("--steps", type=int, help="largest number of Adam steps (default: that of the size)")
    parser.add_argument("--learning-rate", type=float, help="largest learning rate (default: that of the size)")
    parser.add_argument("--output", type=Path, help="weights file to write (default <network>.safetensors)")
    parser.add_argument("--initial", type=Path, help="initial weights; the new card holds their card")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint beside the output")
    parser.add_argument("--device", help="torch device (default: torch's default device)")
    parser.add_argument("--processes", type=int, default=1, help="devices, or processes on the CPU (default 1)")
    parser.add_argument("--precision", choices=["32-true", "bf16-mixed"], default="32-true", help="of matrix products")
    parser.add_argument("--storage", choices=["float16", "float32"], default="float16", help="type in the file")
    return parser


def _command(options: argparse.Namespace, plan: Plan) -> str:
    """Return the command that reproduces these weights."""
    return (
        f"python -m simpeg_jointdl.networks.train {options.network} --size {options.size} --seed {options.seed} "
        f"--steps {plan.n_steps} --learning-rate {plan.learning_rate:g} --storage {options.storage} "
        f"--precision {options.precision} --processes {options.processes}"
        + (f" --initial {options.initial.name}" if options.initial else "")
    )


class _Progress:
    """Progress bar with the remaining time in a terminal, and one line per validation everywhere."""

    def __init__(self, console: Console, training: Training):
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._console, self._training = console, training

    def __enter__(self) -> _Progress:
        self._bar.start()
        self._row = self._bar.add_task("steps", total=self._training.plan.n_steps, completed=self._training.step)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, training: Training, row: dict[str, Any]) -> None:
        self._bar.update(self._row, completed=training.step)
        best = " best" if training.n_stale == 0 else ""
        text = "  ".join(f"{name} {value:.5g}" for name, value in row.items())
        self._console.print(text + best, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
