"""Steps of a torch optimizer for one vector of parameters, between numpy and a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..._core.tensors import as_numpy, as_numpy_view, as_tensor


class TorchSteps:
    """A vector of parameters on a device, with its gradient, its optimizer and its scheduler.

    Parameters
    ----------
    start : (nP,) numpy.ndarray
        First values of the parameters.
    groups : list of (list of slice, dict)
        Parts of the vector and options of each group.
    make_optimizer : callable
        Function from groups of tensors to an optimizer.
    make_scheduler : callable
        Function from the optimizer to a scheduler or None.
    device : torch.device
        Device of the vector.
    dtype : torch.dtype
        Type of the vector.
    max_norm : float, optional
        Length to which longer gradients are shortened.

    Attributes
    ----------
    optimizer : torch.optim.Optimizer
        Optimizer of the vector.
    scheduler : torch.optim.lr_scheduler.LRScheduler or None
        Scheduler of its learning rate.
    """

    def __init__(
        self,
        start: np.ndarray,
        groups: Sequence[tuple[list[slice], dict]],
        make_optimizer: Callable,
        make_scheduler: Callable,
        device: torch.device,
        dtype: torch.dtype,
        max_norm: float | None = None,
    ):
        self._vector = as_tensor(start, device, dtype).clone()
        self._gradient = torch.zeros_like(self._vector)
        # parts are views of the vector, so a step of the parts is a step of the vector
        parts = [
            {"params": [self._part(one) for one in slices], **options} for slices, options in groups if len(slices)
        ]
        self.optimizer = make_optimizer(parts)
        self.scheduler = make_scheduler(self.optimizer)
        self._max_norm = max_norm

    def _part(self, where: slice) -> torch.Tensor:
        part = self._vector[where]
        part.grad = self._gradient[where]
        return part

    @property
    def values(self) -> np.ndarray:
        """Copy of the vector, (nP,)."""
        return np.array(as_numpy(self._vector))

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Learning rate of each group."""
        return tuple(float(group["lr"]) for group in self.optimizer.param_groups)

    def move(self, gradient: np.ndarray) -> np.ndarray:
        """Take a step with the gradient at the vector, and return the vector after it, (nP,)."""
        self._set_gradient(gradient)
        self.optimizer.step()
        return self.values

    def move_by_closure(self, evaluate: Callable) -> np.ndarray:
        """Take a step of an optimizer that calls ``evaluate(x) -> value, gradient`` itself; return the vector."""

        def closure():
            value, gradient = evaluate(self.values)
            self._set_gradient(gradient)
            return value

        self.optimizer.step(closure)
        return self.values

    def put(self, values: np.ndarray) -> None:
        """Set the vector, (nP,)."""
        self._vector.copy_(as_tensor(values, self._vector.device))

    def advance(self, value: float) -> None:
        """Set the next learning rate, after a step to this value of the function."""
        scheduler = self.scheduler
        if scheduler is None:
            return
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(value)
        elif scheduler.last_epoch < getattr(scheduler, "total_steps", np.inf):  # OneCycleLR ends there
            scheduler.step()

    def _set_gradient(self, gradient: np.ndarray) -> None:
        """Set the gradient, shortened if it is too long."""
        self._gradient.copy_(as_tensor(gradient, self._vector.device))
        if self._max_norm is not None:
            norm = float(np.linalg.norm(gradient))
            if norm > self._max_norm:
                self._gradient.mul_(self._max_norm / norm)

    # checkpoints --------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Return the state of optimizer and scheduler as plain values."""
        scheduler = None if self.scheduler is None else _plain(self.scheduler.state_dict())
        return {"optimizer": _plain(self.optimizer.state_dict()), "scheduler": scheduler}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        device = self._vector.device
        self.optimizer.load_state_dict(_with_tensors(state["optimizer"], device))
        if self.scheduler is not None and state["scheduler"] is not None:
            self.scheduler.load_state_dict(_with_tensors(state["scheduler"], device))


def _plain(value: Any) -> Any:
    """Return a state with copies as arrays in the place of tensors; a state of torch contains no other arrays."""
    if isinstance(value, torch.Tensor):
        return as_numpy_view(value).copy()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value


def _with_tensors(value: Any, device: torch.device) -> Any:
    """Return a state with tensors in the place of arrays."""
    if isinstance(value, np.ndarray):
        # torch keeps numbers of steps on the CPU
        return as_tensor(value, device if value.ndim else torch.device("cpu")).clone()
    if isinstance(value, dict):
        return {key: _with_tensors(one, device) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_with_tensors(one, device) for one in value)
    return value
