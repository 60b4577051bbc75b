"""Steps of a torch optimizer on one vector, between numpy and a device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..._core.tensors import as_numpy, as_numpy_view, as_tensor


class TorchSteps:
    """A vector of parameters on a device, its gradient, and the optimizer and scheduler that move it.

    Parameters
    ----------
    start : (nP,) numpy.ndarray
    groups : list of (list of slice, dict)
        Parts of the vector and options of each group.
    make_optimizer : callable
        Of groups as torch has them.
    make_scheduler : callable
        Of the optimizer; gives None where there is none.
    device, dtype : torch.device, torch.dtype
    max_norm : float, optional
        Longer gradients are cut to this length.
    """

    def __init__(self, start, groups, make_optimizer, make_scheduler, device, dtype, max_norm=None):
        self._vector = as_tensor(start, device, dtype).clone()
        self._gradient = torch.zeros_like(self._vector)
        # parts are views, so that what moves them moves the vector
        parts = [
            {"params": [self._part(one) for one in slices], **options} for slices, options in groups if len(slices)
        ]
        self.optimizer = make_optimizer(parts)
        self.scheduler = make_scheduler(self.optimizer)
        self._max_norm = max_norm

    def _part(self, where):
        part = self._vector[where]
        part.grad = self._gradient[where]
        return part

    @property
    def values(self) -> np.ndarray:
        """The vector as an array of its own, (nP,)."""
        return np.array(as_numpy(self._vector))

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """One of each group."""
        return tuple(float(group["lr"]) for group in self.optimizer.param_groups)

    def move(self, gradient: np.ndarray) -> np.ndarray:
        """The vector after a step along this gradient of where it is, (nP,)."""
        self._set_gradient(gradient)
        self.optimizer.step()
        return self.values

    def move_by_closure(self, evaluate: Callable) -> np.ndarray:
        """The same of an optimizer that asks ``evaluate(x) -> value, gradient`` where it likes."""

        def closure():
            value, gradient = evaluate(self.values)
            self._set_gradient(gradient)
            return value

        self.optimizer.step(closure)
        return self.values

    def put(self, values: np.ndarray):
        """Other values of the vector, (nP,)."""
        self._vector.copy_(as_tensor(values, self._vector.device))

    def advance(self, value: float):
        """Next learning rate, after a step to this value of the function."""
        scheduler = self.scheduler
        if scheduler is None:
            return
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(value)
        elif scheduler.last_epoch < getattr(scheduler, "total_steps", np.inf):  # of OneCycleLR, which ends there
            scheduler.step()

    def _set_gradient(self, gradient):
        self._gradient.copy_(as_tensor(gradient, self._vector.device))
        if self._max_norm is not None:
            norm = float(np.linalg.norm(gradient))
            if norm > self._max_norm:
                self._gradient.mul_(self._max_norm / norm)

    # checkpoints --------------------------------------------------------------------------------------
    def state(self) -> dict:
        """State of optimizer and scheduler as plain values."""
        scheduler = None if self.scheduler is None else _plain(self.scheduler.state_dict())
        return {"optimizer": _plain(self.optimizer.state_dict()), "scheduler": scheduler}

    def restore(self, state: dict):
        """Go back to what :meth:`state` gave."""
        device = self._vector.device
        self.optimizer.load_state_dict(_with_tensors(state["optimizer"], device))
        if self.scheduler is not None and state["scheduler"] is not None:
            self.scheduler.load_state_dict(_with_tensors(state["scheduler"], device))


def _plain(value):
    """Tensors as copied arrays: arrays stand for nothing else in it."""
    if isinstance(value, torch.Tensor):
        return as_numpy_view(value).copy()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value


def _with_tensors(value, device):
    if isinstance(value, np.ndarray):
        # counts of steps stay on the host, where torch keeps them
        return as_tensor(value, device if value.ndim else torch.device("cpu")).clone()
    if isinstance(value, dict):
        return {key: _with_tensors(one, device) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_with_tensors(one, device) for one in value)
    return value
