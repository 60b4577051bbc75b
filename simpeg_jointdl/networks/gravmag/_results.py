"""What GravMagUNet returns: models on its own grid, and models on a mesh under the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from discretize import TensorMesh


class GravMagModels(NamedTuple):
    """Models of n samples on the grid of the network, top slice first.

    Parameters
    ----------
    density : (n, nz, ny, nx) torch.Tensor
        Density contrast in g/cc.
    susceptibility : (n, nz, ny, nx) torch.Tensor
        Susceptibility in SI, not below 0.
    boundary : (n, nz, ny, nx) torch.Tensor
        Log odds that a property changes at a face of the cell.
    """

    density: torch.Tensor
    susceptibility: torch.Tensor
    boundary: torch.Tensor


@dataclass(frozen=True, eq=False)
class GravMagPrediction:
    """Models under a survey, predicted by :meth:`GravMagUNet.predict`.

    Parameters
    ----------
    mesh : discretize.TensorMesh
        Cubic cells under the data, in the coordinates of the data, from the ground down.
    density : (n_cells,) numpy.ndarray
        Density contrast in g/cc, in the order of SimPEG's models.
    susceptibility : (n_cells,) numpy.ndarray
        Susceptibility in SI, not below 0.
    boundary : (n_cells,) numpy.ndarray
        Probability that density or susceptibility changes at a face of the cell.
    n_masked : dict of str to int
        Number of NaN values of the given ``"gravity"`` and ``"magnetic"`` data.

    Notes
    -----
    A property without data of its own kind is predicted from the structure in the other data, and is hardly
    constrained.
    """

    mesh: TensorMesh
    density: np.ndarray
    susceptibility: np.ndarray
    boundary: np.ndarray
    n_masked: dict[str, int]
