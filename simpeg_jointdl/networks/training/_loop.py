"""Training loop that can be killed and resumed, with a log, checkpoints and the best state.

Lightning Fabric sets devices, processes and precision. Gradients are averaged over the processes here, so that the loss
of a task may call any part of its network, and so that the weights stay identical in all processes.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..._core.files import check_writable, write_whole
from .._weights import load_weights, save_weights
from ._task import Plan, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Tensor = torch.Tensor

_LOGGER = logging.getLogger("simpeg_jointdl")
_WARM_UP = 100  # number of steps over which the learning rate grows linearly
_LAST_RATE = 0.02  # learning rate at the end of the cosine over the largest one
_RANK_SEED = 1_000_003  # difference of the seeds of two processes; torch uses only the last 32 bits of a seed
_CLIP = 50.0  # largest norm of the gradient


class Training:
    """Training run of a task, with the files ``<stem>.checkpoint.safetensors`` and ``<stem>.csv``.

    All random numbers come from the generator of the task. A checkpoint holds its state with the network, the moments
    of Adam, the best state and the number of steps taken, so that a resumed run gives the same result as an
    uninterrupted one. Each of several processes draws its own samples, so that a step uses one batch per process.

    Parameters
    ----------
    task : Task
        Network, training samples and validation.
    plan : Plan
        Number of steps, learning rate and early stopping.
    output : pathlib.Path
        Path of the final weights, from which the names of the other two files are derived.
    identity : dict
        Plain values that must be the same in a checkpoint to resume it: the name and size of the task, and the seed.
    fabric : lightning_fabric.Fabric
        Launched Fabric from `make_fabric`.

    Attributes
    ----------
    checkpoint : pathlib.Path
        Path of the checkpoint.
    log : pathlib.Path
        Path of the log.
    optimizer : torch.optim.Adam
        Optimizer of the network.
    step : int
        Number of steps taken.
    n_stale : int
        Number of validations since the best score.
    seconds : float
        Time spent in training steps, in s.
    best_score : float
        Smallest score so far.
    best_metrics : dict of str to float
        Metrics at the best score.
    best_state : dict of str to torch.Tensor
        State of the network at the best score.
    rows : list of dict
        Rows of the log, one per validation.

    Raises
    ------
    OSError
        If one of the files cannot be written.
    """

    task: Task
    plan: Plan
    fabric: Fabric

    def __init__(self, task: Task, plan: Plan, output: Path, identity: dict[str, Any], fabric: Fabric):
        self.task, self.plan, self.fabric = task, plan, fabric
        self.identity: dict[str, Any] = identity | vars(plan) | {"n_processes": fabric.world_size}
        if fabric.global_rank:
            task.generator.manual_seed(task.generator.initial_seed() + _RANK_SEED * fabric.global_rank)
        self.checkpoint: Path = output.with_suffix(".checkpoint.safetensors")
        self.log: Path = output.with_suffix(".csv")
        if fabric.is_global_zero:  # the only process that writes files
            for path in (output, self.checkpoint, self.log):
                check_writable(path, "Training.output")
        self.optimizer: torch.optim.Adam = torch.optim.Adam(
            task.network.parameters(), lr=plan.learning_rate, betas=(0.9, 0.99)
        )
        self.step: int = 0
        self.n_stale: int = 0
        self.seconds: float = 0.0
        self.best_score: float = math.inf
        self.best_metrics: dict[str, float] = {}
        self.best_state: dict[str, Tensor] = self._copied_state()
        self.rows: list[dict[str, Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether all steps have been taken, or the score has not improved for `patience` validations."""
        return self.step >= self.plan.n_steps or self.n_stale >= self.plan.patience

    def run(self, report: Callable[[Training, dict[str, Any]], None]) -> dict[str, float]:
        """Train until the run is done, and give the network its best state.

        Parameters
        ----------
        report : callable
            Function that is called after every validation, with this object and the new row of the log.

        Returns
        -------
        dict of str to float
            Metrics of the best state.

        Raises
        ------
        FloatingPointError
            If the loss is not finite; the message gives the step, and the last checkpoint is kept.
        """
        while not self.is_done:
            began, terms = time.perf_counter(), {}
            for _ in range(min(self.plan.validate_every, self.plan.n_steps - self.step)):
                terms = self._step()
            self.seconds += time.perf_counter() - began
            self._validate(terms)
            report(self, self.rows[-1])
        self.task.network.load_state_dict(self.best_state)
        return self.best_metrics

    def _step(self) -> dict[str, float]:
        network, progress = self.task.network, self.step / self.plan.n_steps
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * _rate(self.step, progress)
        network.train()
        self.optimizer.zero_grad()
        with self.fabric.autocast():
            loss, terms = self.task.loss(progress)
        self.fabric.backward(loss)
        mean_loss = self._averaged(network, loss.detach())
        if not math.isfinite(mean_loss):
            msg = (
                f"Training.run: the loss is {mean_loss} at step {self.step}. The last checkpoint, "
                f"{self.checkpoint.name!r}, is intact; train from the start with a lower learning rate."
            )
            raise FloatingPointError(msg)
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:  # a product may overflow in bfloat16, which should not end the run
            _LOGGER.warning("Training.run: the gradient at step %d is not finite; that step was skipped.", self.step)
        self.step += 1
        return {"loss": mean_loss, **terms}

    def _averaged(self, network: torch.nn.Module, loss: Tensor) -> float:
        """Average the gradients over the processes in place, and return the average loss."""
        if self.fabric.world_size == 1:
            return float(loss)
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        flat = torch.cat([loss.reshape(1), *(gradient.reshape(-1) for gradient in gradients)])
        flat = self.fabric.all_reduce(flat, reduce_op="mean")
        parts = flat[1:].split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return float(flat[0])

    def _validate(self, terms: dict[str, float]) -> None:
        self.task.network.eval()
        with torch.no_grad():
            metrics = self.task.validate() if self.fabric.is_global_zero else None
        metrics = self.fabric.broadcast(metrics)
        if metrics["score"] < self.best_score:
            self.best_score, self.best_metrics, self.n_stale = metrics["score"], metrics, 0
            self.best_state = self._copied_state()
        else:
            self.n_stale += 1
        self.rows.append({"step": self.step, "seconds": round(self.seconds, 1), **terms, **metrics})
        if self.fabric.is_global_zero:
            write_whole(self.log, _as_csv(self.rows))
        self.save()

    # files ----------------------------------------------------------------------------------------------
    def save(self) -> None:
        """Write the checkpoint, which replaces the previous one atomically."""
        generators = self._all_generators()
        if not self.fabric.is_global_zero:
            return
        moments = self.optimizer.state_dict()["state"]
        state = {f"network.{name}": value for name, value in self.task.network.state_dict().items()}
        state |= {f"best.{name}": value for name, value in self.best_state.items()}
        state |= {f"adam.{i}.{key}": value for i, kept in moments.items() for key, value in kept.items()}
        state["generators"] = generators
        place = {
            name: getattr(self, name) for name in ("step", "n_stale", "seconds", "best_score", "best_metrics", "rows")
        }
        card = {"architecture": "checkpoint", "config": self.identity, "place": place}
        save_weights(self.checkpoint, state, card)

    def _all_generators(self) -> Tensor:
        """Return the generator states of all processes, (n_processes, n_bytes)."""
        # a sum over the processes, each of which fills only its own row
        own = self.task.generator.get_state()
        rows = torch.zeros((self.fabric.world_size, own.numel()), dtype=torch.int32, device=self.fabric.device)
        rows[self.fabric.global_rank] = own.to(rows)
        return self.fabric.all_reduce(rows, reduce_op="sum").to("cpu", torch.uint8)

    def resume(self) -> None:
        """Restore the state of the run from its checkpoint.

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.
        ValueError
            If the checkpoint is damaged, or is of another task, size, seed or plan; the message says which.
        """
        state, card = load_weights(self.checkpoint, architecture="checkpoint", device="cpu")
        if card["config"] != self.identity:
            other = {key: value for key, value in card["config"].items() if self.identity.get(key) != value}
            mine = {key: self.identity.get(key) for key in other}
            msg = (
                f"Training.resume: {str(self.checkpoint)!r} is of a run with {other}, but this run has {mine}. Pass "
                f"the same options, or train from the start without --resume."
            )
            raise ValueError(msg)
        self.task.network.load_state_dict(_part(state, "network"))
        self.best_state = _part(state, "best")
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(state, "adam").items():
            i, key = name.split(".")
            moments.setdefault(int(i), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.task.generator.set_state(state["generators"][self.fabric.global_rank])
        for name, value in card["place"].items():
            setattr(self, name, value)

    def _copied_state(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.task.network.state_dict().items()}


def _rate(step: int, progress: float) -> float:
    """Return the learning rate of a step over the largest one."""
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    return min(1.0, (step + 1) / _WARM_UP) * (_LAST_RATE + (1.0 - _LAST_RATE) * cosine)


def _part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, by their names without it."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def _as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[-1]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
