"""Parameters drawn afresh from a seed, with torch's global generator left where it was."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from .._core.tensors import seeded


def drawn_afresh(module: nn.Module, random_seed: int, names: Sequence[str], who: str) -> nn.Module:
    """A copy of the module whose layers have drawn their parameters from the seed.

    A module that has ``reset_parameters`` does it for all within it; others leave it to their children.
    """
    module = copy.deepcopy(module)
    done: set[str] = set()
    with seeded(random_seed, {parameter.device for parameter in module.parameters()}), torch.no_grad():
        _reset(module, "", done)
    left = [name for name in names if not any(name == one or name.startswith(f"{one}.") or not one for one in done)]
    if left:
        msg = (
            f"{who}.initial_model: {left} cannot be drawn from a seed, since no module around them has "
            "reset_parameters(). Write that method, or call initial_model() for the parameters as they were given."
        )
        raise ValueError(msg)
    return module


def _reset(module, name, done):
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
        done.add(name)
        return
    for key, child in module.named_children():
        _reset(child, f"{name}.{key}" if name else key, done)
