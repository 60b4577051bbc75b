"""Build a network from its weights file, as the card in the file describes it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch

from .._core.tensors import resolve_device
from ._weights import load_weights

Network = TypeVar("Network", bound=torch.nn.Module)

#: Folder of the weights that are installed with the package.
FOLDER = Path(__file__).parent / "weights"


def pretrained(kind: type[Network], path: Path, device: torch.device | str | None = None) -> Network:
    """Return a network of a class with the weights of a file.

    The network is in evaluation mode, its parameters require no gradients, and its attribute ``card`` is the card of
    the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If `load_weights` refuses the file, or if its card holds arguments that the class does not have.
    """
    resolved = resolve_device(device, f"{kind.__name__}.from_pretrained")
    _, card = load_weights(path, architecture=kind.__name__, device="cpu")
    try:
        network = kind(**card["config"])
    except TypeError as error:
        msg = (
            f"{kind.__name__}.from_pretrained: the weights {str(path)!r} are of another version of this network, "
            f"{card.get('version')}, with config {card['config']}. Train them again, or install that version."
        )
        raise ValueError(msg) from error
    load_weights(path, network, device="cpu")
    network.card = card
    return network.to(resolved).eval().requires_grad_(False)
