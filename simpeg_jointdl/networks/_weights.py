"""Weights as files: safetensors with a card, whole or refused."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import nn

from .._core.files import check_writable, write_whole
from .._core.tensors import as_numpy_view, resolve_device
from ._filling import fill, refusal

_SUFFIX = ".safetensors"
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"}
_STORAGE = {None: None, "float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


def save_weights(
    path: str | PathLike[str],
    module_or_state: nn.Module | Mapping[str, torch.Tensor],
    card: dict[str, Any] | None = None,
    *,
    storage_dtype: str | None = None,
) -> dict[str, Any]:
    """Write weights as safetensors, with their card inside and beside the file.

    The file holds the card as JSON in its metadata, with a checksum over card and tensors. The same card, with the
    sha256 of the file, goes to a file of the same name that ends on ``.json``, to be read by people and by
    ``sha256sum``. A process killed at any moment leaves weights that load, old or new, with their own card or none
    beside them.

    Parameters
    ----------
    path : str or pathlib.Path
        Must end on ``.safetensors``.
    module_or_state : torch.nn.Module or dict of str to torch.Tensor
        Whose state is written: parameters and buffers.
    card : dict, optional
        Plain values that JSON can hold. Wanted are ``"architecture"`` (str, the class of the module) and ``"config"``
        (dict, the arguments it was made with), which need not be given for a network of this package: it knows them,
        and its ``from_pretrained`` asks for them. Useful are ``"data"``, ``"random_seed"``, ``"command"`` and
        ``"metrics"``. ``"version"`` of the package, ``"date"`` (UTC) and ``"n_parameters"`` are added where they are
        missing.
    storage_dtype : {None, "float16", "float32", "float64"}
        Type that floating-point tensors are stored in; their own if None.

    Returns
    -------
    dict
        The card as written beside the weights, with ``"sha256"``.

    Raises
    ------
    TypeError
        If there is no state to be had from `module_or_state`, or JSON cannot hold the card.
    ValueError
        For another ending, a card without its architecture, or an empty state.
    OSError
        When a file cannot be written; an old one stays.
    """
    path = _weights_path("save_weights", path)
    if storage_dtype not in _STORAGE:
        msg = f"save_weights.storage_dtype: got {storage_dtype!r}, wanted one of {list(_STORAGE)}."
        raise ValueError(msg)
    state = _state_of("save_weights", module_or_state)
    dtype = _STORAGE[storage_dtype]
    # clones: safetensors takes no tensors that share memory
    state = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else None, copy=True).contiguous()
        for name, value in state.items()
    }
    card = _complete({} if card is None else card, module_or_state, state)
    metadata = {"card": json.dumps(card), "checksum": _checksum(card, state)}
    content = format_tensors(state, metadata=metadata)
    card["sha256"] = hashlib.sha256(content).hexdigest()
    check_writable(path, "save_weights")
    side = path.with_suffix(".json")
    side.unlink(missing_ok=True)  # it describes the old weights
    write_whole(path, content)
    write_whole(side, (json.dumps(card, indent=2) + "\n").encode())
    return card


def load_weights(
    path: str | PathLike[str],
    module: torch.nn.Module | None = None,
    *,
    architecture: str | None = None,
    device: str | torch.device | None = None,
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read weights that `save_weights` has written, and put them into a module.

    Parameters
    ----------
    path : str or pathlib.Path
        A safetensors file with a card inside. If its ``.json`` stands beside it, the sha256 there must be the file's.
    module : torch.nn.Module, optional
        Filled in place, in its own types and on its own device; untouched if anything is wrong.
    architecture : str, optional
        What the card must name.
    device : None, str or torch.device
        Where the returned tensors go; torch's current default device if None.

    Returns
    -------
    state : dict of str to torch.Tensor
        Tensors in the type they were stored in.
    card : dict
        Without ``"sha256"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        For a pickle under any name, a file that is no safetensors, has no card, is damaged or not the one its side
        card describes, and for weights of another architecture; the message lists what differs.
    """
    path = _weights_path("load_weights", path)
    device = resolve_device(device)
    if not path.is_file():
        msg = f"load_weights: there is no file {str(path)!r}. Give the path of weights written by save_weights."
        raise FileNotFoundError(msg)
    content = path.read_bytes()
    state, metadata = _parse(path, content)
    _check_side_card(path, content)
    card = _checked_card(path, state, metadata)
    if architecture is not None and card["architecture"] != architecture:
        reason = f"they are weights of {card['architecture']!r}, wanted {architecture!r}"
        raise ValueError(refusal(path, reason))
    if module is not None:
        fill(path, module, state)
    return {name: value.to(device) for name, value in state.items()}, card


def read_card(path: str | PathLike[str]) -> dict[str, Any]:
    """Card of a weights file, after all checks of `load_weights`.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict
        Without ``"sha256"``.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_weights` does.
    """
    return load_weights(path, device="cpu")[1]


# writing ------------------------------------------------------------------------------------------------
def _weights_path(owner: str, path) -> Path:
    path = Path(path)
    if path.suffix in _PICKLES:
        msg = (
            f"{owner}: got {str(path)!r}, wanted a path that ends on '{_SUFFIX}'. Files of kind '{path.suffix}' are "
            f"pickles, which run code when they are read: they are neither read nor written here."
        )
        raise ValueError(msg)
    if path.suffix != _SUFFIX:
        msg = f"{owner}: got {str(path)!r}, wanted a path that ends on '{_SUFFIX}'. Rename it."
        raise ValueError(msg)
    return path


def _state_of(owner: str, module_or_state) -> dict[str, torch.Tensor]:
    state = module_or_state.state_dict() if isinstance(module_or_state, torch.nn.Module) else module_or_state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        msg = (
            f"{owner}.module_or_state: got {type(module_or_state).__name__}, wanted a torch.nn.Module or a dict of "
            f"names to tensors. Pass the module itself."
        )
        raise TypeError(msg)
    if not state:
        msg = f"{owner}.module_or_state: got no tensors, wanted a module with parameters or buffers."
        raise ValueError(msg)
    return state


def _complete(card: dict[str, Any], module, state: dict[str, Any]) -> dict[str, Any]:
    """The card as JSON will give it back, with what every card holds."""
    if isinstance(card, dict) and isinstance(getattr(module, "config", None), dict):
        card = {"architecture": type(module).__name__, "config": module.config} | card
    if not isinstance(card, dict) or not isinstance(card.get("architecture"), str):
        msg = (
            f"save_weights.card: got {card!r}, wanted a dict that names an 'architecture' (str). Add the name of the "
            f"module's class and a 'config' with the arguments it was made with."
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


def _checksum(card: dict[str, Any], state: dict[str, Any]) -> str:
    """sha256 over the card and every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode())
    for name in sorted(state):
        value = state[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(as_numpy_view(value.reshape(-1).view(torch.uint8)).tobytes())
    return digest.hexdigest()


# reading ------------------------------------------------------------------------------------------------
def _parse(path: Path, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    # any length of a header may stand first, 0x80 among its bytes; the header itself begins with a brace
    if content.startswith((b"PK\x03\x04", b"\x80")) and content[8:9] != b"{":
        reason = (
            "it is a pickle (or torch's archive of one) under another name, and pickles run code when they are read. "
            "Load it where you trust it, and write it again with save_weights"
        )
        raise ValueError(refusal(path, reason))
    try:
        state = parse_tensors(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
    except (SafetensorError, ValueError, KeyError) as error:
        reason = f"it is no safetensors file, or a damaged one ({error})"
        raise ValueError(refusal(path, reason)) from error
    return state, metadata


def _check_side_card(path: Path, content: bytes):
    side = path.with_suffix(".json")
    if not side.is_file():
        return
    try:
        wanted = json.loads(side.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        reason = f"the card beside it, {side.name!r}, cannot be read or holds no 'sha256'; restore it or remove it"
        raise ValueError(refusal(path, reason)) from error
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        reason = (
            f"its sha256 is {found[:16]}..., and the card beside it, {side.name!r}, says {str(wanted)[:16]}...: it is "
            f"damaged, or weights and card are not of one run. Get both again"
        )
        raise ValueError(refusal(path, reason))


def _checked_card(path: Path, state: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        card, checksum = json.loads(metadata["card"]), metadata["checksum"]
    except (KeyError, ValueError) as error:
        reason = "it holds no card; it was not written by save_weights. Read it with safetensors, and save it here"
        raise ValueError(refusal(path, reason)) from error
    if _checksum(card, state) != checksum:
        reason = "its checksum is not that of its card and tensors: it is damaged. Get it again"
        raise ValueError(refusal(path, reason))
    return card
