"""Random initialization of a module from a seed that leaves torch's global generator unchanged."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from .._core.protocols import HasResetParameters
from .._core.tensors import seeded


def drawn_afresh(module: nn.Module, random_seed: int, names: Sequence[str], who: str) -> nn.Module:
    """Return a copy of the module whose layers are initialized from the seed.

    A module with ``reset_parameters`` initializes everything within it; in other modules each child is initialized by
    itself.
    """
    module = copy.deepcopy(module)
    done: set[str] = set()
    with seeded(random_seed, {parameter.device for parameter in module.parameters()}), torch.no_grad():
        _reset(module, "", done)
    left = [name for name in names if not any(name == one or name.startswith(f"{one}.") or not one for one in done)]
    if left:
        msg = (
            f"{who}.initial_model: {left} cannot be initialized from a seed, since no module that contains "
            "them has reset_parameters(). Define it, or call initial_model() for the given parameters."
        )
        raise ValueError(msg)
    return module


def _reset(module, name, done):
    if isinstance(module, HasResetParameters):
        module.reset_parameters()
        done.add(name)
        return
    for key, child in module.named_children():
        _reset(child, f"{name}.{key}" if name else key, done)
