"""Initial weights, the same for every device and floating-point type."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def uniform(shape: Sequence[int], limit: float, generator: torch.Generator | None) -> torch.Tensor:
    """Return random numbers between -limit and limit, in float64 on the CPU.

    They are drawn from torch's global generator if `generator` is None.
    """
    values = torch.rand(shape, generator=generator, dtype=torch.float64, device="cpu")
    return limit * (2.0 * values - 1.0)
