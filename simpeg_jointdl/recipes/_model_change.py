"""What a fine-tuned network's models have changed by."""

from __future__ import annotations

import numpy as np
import torch

from ..regularization._base import BaseCoupling


class ModelChange(BaseCoupling):
    r"""Change of properties from a reference, dearer where it is shallow.

    .. math::
        \phi(\mathbf m) = \sum_p \sum_j \frac{V_j}{\sum_k V_k} \frac{z_0}{z_j}
        \left( \frac{p_j(\mathbf m) - p_j^0}{s_p} \right)^2

    with :math:`z_j` the distance of a cell below the data, :math:`z_0` the least of them, and :math:`s_p` the rms of
    the reference.

    Of all models that fit data, the one nearest to a prediction in such a norm is nearer to the truth, in that norm,
    than the prediction is: Pythagoras. With no weight for depth that norm is the rms itself, and the least is gained;
    with the weight of sensitivities, :math:`z^{-2}` or :math:`z^{-3}`, changes are put too deep. In between, gains are
    larger than those of no weight, and more often gains than those of a steeper one.

    Parameters
    ----------
    mesh, wire_map, active_cells, device, dtype
        As of every coupling.
    reference : (n_properties, n_cells) numpy.ndarray
    elevation : float
        Of the data, in m.
    """

    def __init__(self, mesh, wire_map, *, reference: np.ndarray, elevation: float, **options):
        super().__init__(mesh, wire_map, **options)
        reference = np.asarray(reference, dtype=float)
        size = np.sqrt(np.mean(reference**2, axis=1, keepdims=True))
        centres = mesh.cell_centers[:, -1]
        active = options.get("active_cells")
        below = distances(elevation, centres if active is None else centres[active], mesh.h[-1].min())
        volumes = self.regularization_mesh.vol
        measure = np.sqrt(volumes / volumes.sum() * below.min() / below)
        self._reference = self.tensor(reference)
        self._scale = self.tensor(measure / np.where(size > 0, size, 1.0))

    def _residual(self, p: torch.Tensor) -> torch.Tensor:
        return self._scale * (p - self._reference)


def distances(elevation: float, centres: np.ndarray, thickness: float) -> np.ndarray:
    """Of cells below the data, (n_cells,), half a cell's thickness at least, which is also that of cells above them."""
    return np.maximum(elevation - centres, 0.5 * thickness)
