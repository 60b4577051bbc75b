"""A training loop that can be killed: samples on the fly, a log, whole checkpoints, the best state kept.

Devices, processes and precision are Lightning Fabric's. Gradients are averaged over processes here, so that a task's
loss may call any part of its network, and all processes stay at the same bits.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from ..._core.files import check_writable, write_whole
from .._weights import load_weights, save_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Tensor = torch.Tensor

_LOGGER = logging.getLogger("simpeg_jointdl")
_WARM_UP = 100  # steps
_LAST_RATE = 0.02  # of the learning rate, at the end of the cosine
_RANK_SEED = 1_000_003  # between the seeds of two processes; of a seed torch sees the last 32 bits alone
_CLIP = 50.0  # norm of the gradient


class Task(Protocol):
    """What is trained: a network, the samples it sees, and how good it is."""

    network: torch.nn.Module
    generator: torch.Generator  # every random number of the training comes from it

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Loss of a fresh batch, and terms for the log; `progress` goes from 0 to 1."""

    def validate(self) -> dict[str, float]:
        """Metrics on unseen samples, always the same; the smaller ``"score"``, the better."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Attributes
    ----------
    n_steps : int
        Steps of Adam, at most.
    learning_rate : float
        Its largest; it warms up, and goes down by a cosine.
    validate_every : int
        Steps between two validations; each ends with a checkpoint.
    patience : int
        Validations without a better score after which training stops.
    """

    n_steps: int
    learning_rate: float
    validate_every: int
    patience: int


class Training:
    """One run of a task, and the files that keep it: ``<stem>.checkpoint.safetensors`` and ``<stem>.csv``.

    All randomness is the task's generator's, and it is kept with the network, Adam's moments, the best state and
    the place in the plan. So a run that was killed and goes on ends as one that was not. With several processes each
    draws samples of its own: a step then sees that many batches.

    Parameters
    ----------
    task : Task
    plan : Plan
    output : pathlib.Path
        Where the weights will go, which names the other two files.
    identity : dict
        Plain values that a checkpoint must share to be resumed: the task's name, its size, the seed.
    fabric : lightning_fabric.Fabric
        Of `make_fabric`, launched.
    """

    best_metrics: dict[str, float]
    best_score: float
    fabric: Any
    n_stale: int
    plan: Plan
    seconds: float
    step: int
    task: Task

    def __init__(self, task: Task, plan: Plan, output: Path, identity: dict[str, Any], fabric: Any):
        self.task, self.plan, self.fabric = task, plan, fabric
        self.identity: dict[str, Any] = identity | vars(plan) | {"n_processes": fabric.world_size}
        if fabric.global_rank:
            task.generator.manual_seed(task.generator.initial_seed() + _RANK_SEED * fabric.global_rank)
        self.checkpoint: Path = output.with_suffix(".checkpoint.safetensors")
        self.log: Path = output.with_suffix(".csv")
        if fabric.is_global_zero:  # who alone writes: two that try one file at a time trip over each other
            for path in (output, self.checkpoint, self.log):
                check_writable(path, "Training")
        self.optimizer: Any = torch.optim.Adam(task.network.parameters(), lr=plan.learning_rate, betas=(0.9, 0.99))
        self.step, self.n_stale, self.seconds = 0, 0, 0.0
        self.best_score, self.best_metrics = math.inf, {}
        self.best_state: dict[str, Tensor] = self._copied_state()
        self.rows: list[dict[str, Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether all steps are taken, or patience is at an end."""
        return self.step >= self.plan.n_steps or self.n_stale >= self.plan.patience

    def run(self, report: Callable[..., None]) -> dict[str, float]:
        """Train to the end; the network then holds its best state.

        Parameters
        ----------
        report : callable
            Called after every validation with this training and the row of the log.

        Returns
        -------
        dict of str to float
            Metrics of the best state.

        Raises
        ------
        FloatingPointError
            If the loss is no longer finite, with the step; the last checkpoint stays.
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
                f"Training: the loss is {mean_loss} at step {self.step}. The last checkpoint, "
                f"{self.checkpoint.name!r}, is whole; train from the start with a lower learning rate."
            )
            raise FloatingPointError(msg)
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:  # in bfloat16 a product may overflow; one step less is better than no network
            _LOGGER.warning("Training: the gradient at step %d is not finite; that step was not taken.", self.step)
        self.step += 1
        return {"loss": mean_loss, **terms}

    def _averaged(self, network, loss: Tensor) -> float:
        """The loss, after it and all gradients have been averaged over the processes."""
        if self.fabric.world_size == 1:
            return float(loss)
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        flat = torch.cat([loss.reshape(1), *(gradient.reshape(-1) for gradient in gradients)])
        flat = self.fabric.all_reduce(flat, reduce_op="mean")
        parts = flat[1:].split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return float(flat[0])

    def _validate(self, terms):
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
        """Write the checkpoint, in place of the one before at once."""
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
        """States of every process's generator, (n_processes, n_bytes): a sum of rows that only one of them fills."""
        own = self.task.generator.get_state()
        rows = torch.zeros((self.fabric.world_size, own.numel()), dtype=torch.int32, device=self.fabric.device)
        rows[self.fabric.global_rank] = own.to(rows)
        return self.fabric.all_reduce(rows, reduce_op="sum").to("cpu", torch.uint8)

    def resume(self) -> None:
        """Go on from the checkpoint.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it is damaged, or of another task, size, seed or plan; the message says which.
        """
        state, card = load_weights(self.checkpoint, architecture="checkpoint", device="cpu")
        if card["config"] != self.identity:
            other = {key: value for key, value in card["config"].items() if self.identity.get(key) != value}
            mine = {key: self.identity.get(key) for key in other}
            msg = (
                f"Training.resume: {str(self.checkpoint)!r} is of a run with {other}, this one has {mine}. Give the "
                f"same options, or train from the start without --resume."
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
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    return min(1.0, (step + 1) / _WARM_UP) * (_LAST_RATE + (1.0 - _LAST_RATE) * cosine)


def _part(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def _as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[-1]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
