"""Weights files: safetensors with a card that describes them, read whole or refused."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save as format_tensors

from .._core import validation as check
from .._core.files import check_writable, write_whole
from .._core.tensors import resolve_device
from ._reading import check_side_card, checked_card, checksum, fill, parse, refusal

_SUFFIX = ".safetensors"
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"}
_STORAGE = {None: None, "float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


def save_weights(
    path: str | os.PathLike[str],
    module_or_state: torch.nn.Module | Mapping[str, torch.Tensor],
    card: dict[str, Any] | None = None,
    *,
    storage_dtype: Literal["float16", "float32", "float64"] | None = None,
) -> dict[str, Any]:
    """Write weights as safetensors, with a card that describes them inside the file and beside it.

    The metadata of the file hold the card as JSON, and a checksum over card and tensors. The same card, with the sha256
    of the file, is written to a file of the same name with the suffix ``.json``, for people and for ``sha256sum``. A
    process that is killed at any moment leaves weights that can be loaded, either the old or the new ones, and beside
    them their own card or none.

    Parameters
    ----------
    path : str or os.PathLike
        File to write, with the suffix ``.safetensors``.
    module_or_state : torch.nn.Module or dict of str to torch.Tensor
        Module whose parameters and buffers are written, or these tensors by name.
    card : dict, optional
        Plain values that JSON can hold. Required are ``"architecture"`` (str, the class of the module) and ``"config"``
        (dict, the arguments that it was built with), which ``from_pretrained`` needs. For a network of this package
        they are added if they are missing. Useful are ``"data"``, ``"random_seed"``, ``"command"`` and ``"metrics"``.
        ``"version"`` of the package, ``"date"`` (UTC) and ``"n_parameters"`` are added if they are missing.
    storage_dtype : {None, "float16", "float32", "float64"}
        Type in which floating-point tensors are stored; None keeps their own.

    Returns
    -------
    dict
        Card as written beside the weights, with ``"sha256"``.

    Raises
    ------
    TypeError
        If `module_or_state` has no state, or JSON cannot hold the card.
    ValueError
        If the path has another suffix, the card does not name the architecture, or the state is empty.
    OSError
        If a file cannot be written; an existing one is then kept.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from simpeg_jointdl.networks import load_weights, save_weights
    >>> path = Path(tempfile.mkdtemp()) / "layer.safetensors"
    >>> card = save_weights(path, torch.nn.Linear(2, 1), {"architecture": "Linear", "config": {}})
    >>> state, card = load_weights(path, device="cpu")
    >>> sorted(state), card["n_parameters"]
    (['bias', 'weight'], 3)
    """
    path = _weights_path("save_weights.path", path)
    dtype = _STORAGE[check.one_of("save_weights.storage_dtype", storage_dtype, _STORAGE)]
    # copies, since safetensors refuses tensors that share memory
    state = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else None, copy=True).contiguous()
        for name, value in _state_of(module_or_state).items()
    }
    card = _complete({} if card is None else card, module_or_state, state)
    metadata = {"card": json.dumps(card), "checksum": checksum(card, state)}
    content = format_tensors(state, metadata=metadata)
    card["sha256"] = hashlib.sha256(content).hexdigest()
    check_writable(path, "save_weights")
    side = path.with_suffix(".json")
    side.unlink(missing_ok=True)  # it describes the old weights
    write_whole(path, content)
    write_whole(side, (json.dumps(card, indent=2) + "\n").encode())
    return card


def load_weights(
    path: str | os.PathLike[str],
    module: torch.nn.Module | None = None,
    *,
    architecture: str | None = None,
    device: torch.device | str | None = None,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read weights that `save_weights` wrote, and copy them into a module.

    Parameters
    ----------
    path : str or os.PathLike
        A safetensors file with a card inside. If its ``.json`` file is beside it, the sha256 in there must match.
    module : torch.nn.Module, optional
        Module that receives the weights, in its own types and on its own device. It is not changed if there is an
        error.
    architecture : str, optional
        Architecture that the card must name.
    device : str or torch.device, optional
        Device of the returned tensors; by default torch's default device.

    Returns
    -------
    state : dict of str to torch.Tensor
        Tensors in the type in which they were stored.
    card : dict
        Card without ``"sha256"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is a pickle under any name, is not a safetensors file, has no card, is damaged or is not the file
        that the ``.json`` file describes, or if the weights are of another architecture; the message lists the
        differences.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from simpeg_jointdl.networks import load_weights, save_weights
    >>> path, layer = Path(tempfile.mkdtemp()) / "layer.safetensors", torch.nn.Linear(2, 1)
    >>> card = save_weights(path, layer, {"architecture": "Linear", "config": {}})
    >>> state, card = load_weights(path, layer, architecture="Linear", device="cpu")
    """
    path = _weights_path("load_weights.path", path)
    resolved = resolve_device(device, "load_weights")
    if not path.is_file():
        msg = f"load_weights.path: there is no file {str(path)!r}. Pass the path of weights written by save_weights."
        raise FileNotFoundError(msg)
    content = path.read_bytes()
    state, metadata = parse(path, content)
    check_side_card(path, content)
    card = checked_card(path, state, metadata)
    if architecture is not None and card["architecture"] != architecture:
        reason = f"they are weights of {card['architecture']!r}, wanted {architecture!r}"
        raise ValueError(refusal(path, reason))
    if module is not None:
        fill(path, module, state)
    return {name: value.to(resolved) for name, value in state.items()}, card


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the card of a weights file, after all checks of `load_weights`.

    Parameters
    ----------
    path : str or os.PathLike
        A safetensors file with a card inside.

    Returns
    -------
    dict
        Card without ``"sha256"``.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load_weights`.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from simpeg_jointdl.networks import read_card, save_weights
    >>> path = Path(tempfile.mkdtemp()) / "layer.safetensors"
    >>> card = save_weights(path, torch.nn.Linear(2, 1), {"architecture": "Linear", "config": {}})
    >>> read_card(path)["architecture"]
    'Linear'
    """
    return load_weights(path, device="cpu")[1]


def _weights_path(who: str, path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.suffix in _PICKLES:
        msg = (
            f"{who}: got {str(path)!r}, wanted a path that ends with '{_SUFFIX}'. Files with the suffix "
            f"'{path.suffix}' are pickles, which run code when they are read; they are neither read nor written here."
        )
        raise ValueError(msg)
    if path.suffix != _SUFFIX:
        msg = f"{who}: got {str(path)!r}, wanted a path that ends with '{_SUFFIX}'. Rename the file."
        raise ValueError(msg)
    return path


def _state_of(module_or_state: torch.nn.Module | Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    who = "save_weights.module_or_state"
    state = module_or_state.state_dict() if isinstance(module_or_state, torch.nn.Module) else module_or_state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        msg = (
            f"{who}: got {type(module_or_state).__name__}, wanted a torch.nn.Module or a dict of names to tensors. "
            f"Pass the module itself."
        )
        raise TypeError(msg)
    if not state:
        msg = f"{who}: got no tensors, wanted a module with parameters or buffers."
        raise ValueError(msg)
    return state


def _complete(card: dict[str, Any], module: Any, state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return the card as JSON will return it, with the entries that every card has."""
    if isinstance(card, dict) and isinstance(getattr(module, "config", None), dict):
        card = {"architecture": type(module).__name__, "config": module.config} | card
    if not isinstance(card, dict) or not isinstance(card.get("architecture"), str):
        msg = (
            f"save_weights.card: got {card!r}, wanted a dict that names an 'architecture' (str). Add the name of the "
            f"class of the module, and a 'config' with the arguments that it was built with."
        )
        raise ValueError(msg)
    added = {
        "config": {},
        "version": version("simpeg_jointdl"),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "n_parameters": sum(value.numel() for value in state.values()),
    }
    card = {key: value for key, value in card.items() if key != "sha256"}
    try:
        return json.loads(json.dumps(card | {key: value for key, value in added.items() if key not in card}))
    except TypeError as error:
        msg = f"save_weights.card: {error}; wanted plain numbers, strings, lists and dicts. Convert arrays and paths."
        raise TypeError(msg) from error
