"""Checks of a weights file when it is read; each refusal says what is wrong and leaves the file unchanged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors

from .._core.tensors import as_numpy_view

_SHOWN = 4  # number of tensors that a message names


def checksum(card: dict[str, Any], state: dict[str, torch.Tensor]) -> str:
    """Return the sha256 over the card and the name, type, shape and bytes of every tensor."""
    digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode())
    for name in sorted(state):
        value = state[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(as_numpy_view(value.reshape(-1).view(torch.uint8)).tobytes())
    return digest.hexdigest()


def parse(path: Path, content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors and the metadata of a safetensors file; ValueError for a pickle or a damaged file."""
    # a safetensors file begins with the length of its header, which may start with the byte 0x80 as pickles do; the
    # header itself begins with a brace
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
        reason = f"it is not a safetensors file, or it is damaged ({error})"
        raise ValueError(refusal(path, reason)) from error
    return state, metadata


def check_side_card(path: Path, content: bytes) -> None:
    """Raise ValueError if the ``.json`` file beside the weights holds another sha256 or none."""
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
            f"its sha256 is {found[:16]}..., but the card beside it, {side.name!r}, says {str(wanted)[:16]}...: the "
            f"file is damaged, or weights and card are not of the same run. Get both again"
        )
        raise ValueError(refusal(path, reason))


def checked_card(path: Path, state: dict[str, torch.Tensor], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the card in the metadata; ValueError if there is none or its checksum is wrong."""
    try:
        card, expected = json.loads(metadata["card"]), metadata["checksum"]
    except (KeyError, ValueError) as error:
        reason = "it holds no card, so save_weights did not write it. Read it with safetensors, and save it here"
        raise ValueError(refusal(path, reason)) from error
    if checksum(card, state) != expected:
        reason = "its checksum does not match its card and tensors: it is damaged. Get it again"
        raise ValueError(refusal(path, reason))
    return card


def fill(path: Path, module: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy a state into a module, after checking that names and shapes agree."""
    own = module.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    parts = (
        ("missing in the file", [name for name in own if name not in shapes]),
        ("unknown to the module", [name for name in sorted(shapes) if name not in own]),
        (
            "of another shape",
            [
                f"{name} {shapes[name]} in the file, {tuple(value.shape)} in the module"
                for name, value in own.items()
                if name in shapes and shapes[name] != tuple(value.shape)
            ],
        ),
    )
    if any(names for _, names in parts):
        lists = "; ".join(f"{what}: {_first(names)}" for what, names in parts if names)
        reason = (
            f"these are not weights of this {type(module).__name__} ({lists}). Build the module with the arguments in "
            f"the 'config' of the card"
        )
        raise ValueError(refusal(path, reason))
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])


def refusal(path: Path, reason: str) -> str:
    """Return the message of an error."""
    return f"load_weights.path: the weights {str(path)!r} cannot be used: {reason}. The file was not changed."


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
