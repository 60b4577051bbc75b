"""What a module must be to stand for a model, and what to say where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def check_module(who: str, module) -> None:
    """A module with floating-point parameters, none of its layers at random or learning from its inputs."""
    if not isinstance(module, nn.Module):
        msg = f"{who}.module: got {type(module).__name__}, wanted a torch.nn.Module."
        raise TypeError(msg)
    parameters = dict(module.named_parameters())
    if not parameters:
        buffers = [name for name, _ in module.named_buffers()]
        found = f"only the buffers {buffers}, which no inversion changes" if buffers else "none"
        msg = (
            f"{who}.module: {type(module).__name__} has no parameters ({found}); the parameters are the model. "
            "Register what is to be inverted for as torch.nn.Parameter."
        )
        raise ValueError(msg)
    for name, parameter in parameters.items():
        if not parameter.is_floating_point():
            msg = f"{who}.module: parameter {name!r} is {parameter.dtype}; a model is real. Use floating-point ones."
            raise TypeError(msg)
    for name, layer in module.named_modules():
        if layer.training and isinstance(layer, (_DropoutNd, _BatchNorm)):
            msg = (
                f"{who}.module: layer {name or type(layer).__name__!r} ({type(layer).__name__}) is in training mode, "
                "in which the same parameters give other outputs every time. Call module.eval() first."
            )
            raise ValueError(msg)


def trainable_names(who: str, module: nn.Module, frozen: Sequence[str]) -> list[str]:
    """Names of the parameters that make up the model: those that require gradients and match no frozen pattern."""
    names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    everything = [name for name, _ in module.named_parameters()]
    patterns = [frozen] if isinstance(frozen, str) else list(frozen)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in everything):
            msg = f"{who}.frozen: {pattern!r} matches no parameter; there are {everything}."
            raise ValueError(msg)
    kept = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not kept:
        msg = f"{who}: every parameter is frozen, so there is nothing to invert for. Free some of {everything}."
        raise ValueError(msg)
    return kept


def check_behaviour(who: str, evaluate, inputs: Sequence[torch.Tensor], module: nn.Module) -> torch.Tensor:
    """Evaluate twice: a tensor of finite numbers, the same both times, and nothing written to on the way.

    Parameters
    ----------
    who : str
        For messages.
    evaluate : callable
        Without arguments, the outputs with a graph to differentiate.
    inputs : sequence of torch.Tensor
    module : torch.nn.Module

    Returns
    -------
    torch.Tensor
        The outputs.
    """
    states = [*inputs, *(buffer for _, buffer in module.named_buffers())]
    before = [state.clone() for state in states]
    try:
        outputs = evaluate()
        if isinstance(outputs, torch.Tensor) and outputs.requires_grad:
            outputs.sum().backward()
        again = evaluate()
    except RuntimeError as error:
        if "in-place" in str(error) or "inplace" in str(error):
            msg = (
                f"{who}.module: {type(module).__name__} overwrites tensors that its derivative needs "
                f"({str(error).splitlines()[0]}). Replace in-place operations (x += y, inplace=True) by plain ones."
            )
            raise ValueError(msg) from error
        raise
    if not isinstance(outputs, torch.Tensor) or not outputs.is_floating_point():
        kind = outputs.dtype if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        msg = f"{who}.module: its output is {kind}; wanted one real tensor."
        raise TypeError(msg)
    if any(not torch.equal(state, kept) for state, kept in zip(states, before, strict=True)):
        msg = (
            f"{who}.module: {type(module).__name__} writes to its inputs or buffers. Replace in-place operations "
            "by plain ones and keep running statistics out of it (module.eval())."
        )
        raise ValueError(msg)
    if not torch.isfinite(outputs).all():
        msg = f"{who}.module: {int((~torch.isfinite(outputs)).sum())} of {outputs.numel()} outputs are NaN or infinite."
        raise ValueError(msg)
    if not torch.equal(outputs, again):
        msg = (
            f"{who}.module: {type(module).__name__} gives other outputs the second time. A map is a function: take "
            "randomness out of forward, or fix it when the module is made."
        )
        raise ValueError(msg)
    return outputs.detach()


def checked_model(who: str, model, n: int) -> np.ndarray:
    """A model of that length, as float64."""
    model = np.asarray(model, dtype=float)
    if model.shape != (n,):
        msg = f"{who}: got a model of shape {model.shape}, wanted ({n},), the parameters of the module."
        raise ValueError(msg)
    return model


def check_size(who: str, outputs: torch.Tensor, n: int, wanted: int | None) -> int:
    """Number of values that a module gives, if it is the one that is wanted."""
    if wanted is not None and n != wanted:
        msg = (
            f"{who}.module: its output of shape {tuple(outputs.shape)} holds {n} values, wanted {wanted} "
            "(n_values), one per property and active cell."
        )
        raise ValueError(msg)
    return n


def as_tuple(inputs: object) -> tuple:
    """Inputs of a module, several or one."""
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
