"""A state read from a file goes into a module of the same names and shapes, or is refused."""

from __future__ import annotations

from pathlib import Path

import torch

_SHOWN = 4  # tensors named in a message


def fill(path: Path, module: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy a state into a module of the same names and shapes."""
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
        lists = "; ".join(f"{what}: {_some(names)}" for what, names in parts if names)
        reason = (
            f"these are not weights of this {type(module).__name__} ({lists}). Make the module as the card's config"
        )
        raise ValueError(refusal(path, reason))
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def refusal(path: Path, reason: str) -> str:
    """Say that weights cannot be used, and why."""
    return f"weights {str(path)!r} cannot be used: {reason}. The file has been left as it is."
