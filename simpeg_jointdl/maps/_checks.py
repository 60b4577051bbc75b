"""Checks of torch modules that are to be used as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def check_module(who: str, module) -> None:
    """Raise an error unless a module has floating-point parameters and no layer in training mode."""
    if not isinstance(module, nn.Module):
        msg = f"{who}.module: got {type(module).__name__}, wanted a torch.nn.Module."
        raise TypeError(msg)
    parameters = dict(module.named_parameters())
    if not parameters:
        buffers = [name for name, _ in module.named_buffers()]
        found = f"only the buffers {buffers}, which an inversion does not change" if buffers else "none"
        msg = (
            f"{who}.module: {type(module).__name__} has no parameters ({found}), but the parameters are the model. "
            "Register the values to invert for as torch.nn.Parameter."
        )
        raise ValueError(msg)
    for name, parameter in parameters.items():
        if not parameter.is_floating_point():
            msg = f"{who}.module: parameter {name!r} is {parameter.dtype}, wanted a floating-point type."
            raise TypeError(msg)
    for name, layer in module.named_modules():
        if layer.training and isinstance(layer, (_DropoutNd, _BatchNorm)):
            msg = (
                f"{who}.module: layer {name or type(layer).__name__!r} ({type(layer).__name__}) is in training mode, "
                "so that its outputs change from call to call. Call module.eval() first."
            )
            raise ValueError(msg)


def trainable_names(who: str, module: nn.Module, frozen: Sequence[str]) -> list[str]:
    """Return the names of the parameters in the model: they require gradients and match no frozen pattern."""
    names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    everything = [name for name, _ in module.named_parameters()]
    patterns = [frozen] if isinstance(frozen, str) else list(frozen)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in everything):
            msg = f"{who}.frozen: {pattern!r} matches no parameter, wanted some of {everything}."
            raise ValueError(msg)
    kept = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not kept:
        msg = f"{who}: every parameter is frozen, so there is nothing to invert for. Unfreeze some of {everything}."
        raise ValueError(msg)
    return kept


def check_behaviour(who: str, evaluate: Callable, inputs: Sequence[torch.Tensor], module: nn.Module) -> torch.Tensor:
    """Evaluate a module twice and raise an error unless it behaves like a function of its parameters.

    It must return one finite tensor, the same both times, and must not write to its inputs or buffers.

    Parameters
    ----------
    who : str
        Name of the map, for messages.
    evaluate : callable
        Function without arguments that returns the outputs with their graph.
    inputs : sequence of torch.Tensor
        Inputs of the module.
    module : torch.nn.Module
        The module.

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
                f"({str(error).splitlines()[0]}). Replace in-place operations such as x += y or inplace=True."
            )
            raise ValueError(msg) from error
        raise
    if not isinstance(outputs, torch.Tensor) or not outputs.is_floating_point():
        kind = outputs.dtype if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        msg = f"{who}.module: its output is {kind}; wanted one real tensor."
        raise TypeError(msg)
    if any(not torch.equal(state, kept) for state, kept in zip(states, before, strict=True)):
        msg = (
            f"{who}.module: {type(module).__name__} writes to its inputs or buffers. Replace in-place operations, "
            "and switch off running statistics by module.eval()."
        )
        raise ValueError(msg)
    if not torch.isfinite(outputs).all():
        msg = f"{who}.module: {int((~torch.isfinite(outputs)).sum())} of {outputs.numel()} outputs are NaN or infinite."
        raise ValueError(msg)
    if not torch.equal(outputs, again):
        msg = (
            f"{who}.module: {type(module).__name__} returns other outputs the second time. Remove randomness from "
            "forward, or fix it when the module is made."
        )
        raise ValueError(msg)
    return outputs.detach()


def check_size(who: str, evaluate: Callable, pieces: Sequence[Sequence], module: nn.Module, wanted: int | None) -> int:
    """Return the number of values of a module over all pieces of its inputs; ValueError unless it is as wanted."""
    first = pieces[0]
    outputs = check_behaviour(who, evaluate, first, module)
    # pieces are rows of the inputs, and each row gives the same number of values
    rows = sum(len(piece[0]) for piece in pieces) / len(first[0]) if len(pieces) > 1 else 1
    n = round(outputs.numel() * rows)
    if wanted is not None and n != wanted:
        msg = (
            f"{who}.module: got an output of shape {tuple(outputs.shape)} with {n} values, wanted {wanted} "
            "(n_values), one per property and active cell."
        )
        raise ValueError(msg)
    return n


def checked_model(who: str, model, n: int) -> np.ndarray:
    """Return a model of a given length as float64; ValueError for another shape."""
    model = np.asarray(model, dtype=float)
    if model.shape != (n,):
        msg = f"{who}: got a model of shape {model.shape}, wanted ({n},), the parameters of the module."
        raise ValueError(msg)
    return model


def as_tuple(inputs: object) -> tuple:
    """Return the inputs of a module as a tuple."""
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
