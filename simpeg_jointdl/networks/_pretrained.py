"""Networks as their weights' cards describe them."""

from __future__ import annotations

from pathlib import Path

from .._core.tensors import resolve_device
from ._weights import load_weights

#: Of weights that come with the package.
FOLDER = Path(__file__).parent / "weights"


def pretrained(kind: type, path: Path, device=None):
    """A network of a class, with the weights of a file.

    In evaluation mode, without gradients of its parameters. Raises FileNotFoundError and ValueError as `load_weights`
    does, and ValueError for weights whose card asks for arguments that the class does not have.
    """
    _, card = load_weights(path, architecture=kind.__name__, device="cpu")
    try:
        network = kind(**card["config"])
    except TypeError as error:
        msg = (
            f"{kind.__name__}.from_pretrained: weights {str(path)!r} are of another version of this network, "
            f"{card.get('version')}: their config is {card['config']}. Train them again, or install that version."
        )
        raise ValueError(msg) from error
    load_weights(path, network, device="cpu")
    network.card = card
    return network.to(resolve_device(device)).eval().requires_grad_(False)
