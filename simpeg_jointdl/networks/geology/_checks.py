"""Checks of the geology autoencoder, and the amplitudes of its properties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..._core import validation as check

Tensor = torch.Tensor

#: Median of the largest contrast of a sample, and standard deviation of its natural logarithm, as in the training set.
AMPLITUDES = {"density": (0.2, 0.7), "susceptibility": (0.025, 0.9)}
_MULTIPLE = 8  # product of the strides of the encoder


def check_architecture(properties: Sequence[str], shape: tuple[int, ...]) -> None:
    """Raise an error for unknown properties, or a shape that the encoder cannot divide."""
    names = check.distinct_names("GeologyVAE.properties", properties)
    check.known_names("GeologyVAE.properties", names, AMPLITUDES)
    if np.shape(shape) != (3,) or any(n < _MULTIPLE or n % _MULTIPLE for n in shape):
        msg = f"GeologyVAE.shape: got {shape!r}, wanted (nz, ny, nx), each a multiple of {_MULTIPLE}."
        raise ValueError(msg)


def check_points(points: Tensor) -> None:
    """Raise ValueError for points of another shape than (n, 3)."""
    if points.ndim != 2 or points.shape[1] != 3:
        msg = f"GeologyVAE.decode.points: got shape {tuple(points.shape)}, wanted (n, 3)."
        raise ValueError(msg)
