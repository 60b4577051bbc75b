"""What a training run needs: a task and a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

Tensor = torch.Tensor


class Task(Protocol):
    """Training task: a network, the training samples, and the validation.

    Attributes
    ----------
    network : torch.nn.Module
        Network to train.
    generator : torch.Generator
        Source of every random number of the training.
    """

    network: torch.nn.Module
    generator: torch.Generator

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a new batch and its terms for the log.

        Parameters
        ----------
        progress : float
            Fraction of the planned steps that have been taken, 0 to 1.

        Returns
        -------
        loss : torch.Tensor
            Scalar to minimize.
        terms : dict of str to float
            Values for the log.
        """

    def validate(self) -> dict[str, float]:
        """Return metrics on the validation set, which is always the same.

        Returns
        -------
        dict of str to float
            Metrics, among them ``"score"``, which is smaller for a better network.
        """


@dataclass(frozen=True)
class Plan:
    """Number of steps, learning rate and early stopping of a training run.

    Parameters
    ----------
    n_steps : int
        Largest number of Adam steps.
    learning_rate : float
        Largest learning rate. It grows linearly over the first 100 steps and decreases as a cosine.
    validate_every : int
        Number of steps between two validations, each of which ends with a checkpoint.
    patience : int
        Number of validations without a better score after which training stops.
    """

    n_steps: int
    learning_rate: float
    validate_every: int
    patience: int
