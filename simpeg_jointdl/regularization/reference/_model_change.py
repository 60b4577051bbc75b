"""What a fine-tuned network's models have changed by."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from ..._problem.mesh import laplacian_matrix
from ...kernels import SparseMatrix, matvec
from .._base import BaseCoupling
from .._linearization import Linearization, random_signs

_ROUGHNESS = 0.3  # of a Laplacian in units of cells, which is 12 of a chequerboard


class ModelChange(BaseCoupling):
    r"""Change of properties from a reference, dearer where it is rough.

    .. math::
        \phi(\mathbf m) = \sum_p \sum_j \frac{V_j}{\sum_k V_k}
        \left( \delta_{pj}^2 + \left( \tfrac{3}{10} V_j^{2/3} (\nabla^2 \delta_p)_j \right)^2 \right), \qquad
        \delta_p = \frac{\mathbf p_p(\mathbf m) - \mathbf p_p^0}{s_p}

    with :math:`s_p` the rms of the reference. Texture of single cells, which data do not see and the last layers of a
    network make easily, costs about ten times as much as a change without it.

    Parameters
    ----------
    mesh, wire_map, active_cells, device, dtype
        As of every coupling.
    reference : (n_properties, n_cells) numpy.ndarray
    which : int, optional
        The one property that counts; all if not given.
    """

    def __init__(self, mesh, wire_map, *, reference: np.ndarray, which: int | None = None, **options):
        super().__init__(mesh, wire_map, **options)
        reference = np.asarray(reference, dtype=float)
        size = np.sqrt(np.mean(reference**2, axis=1, keepdims=True))
        volumes = self.regularization_mesh.vol
        self._reference = self.tensor(reference)
        counts = np.isin(np.arange(len(reference)), np.arange(len(reference)) if which is None else which)
        scale = counts[:, None] * np.sqrt(volumes / volumes.sum()) / np.where(size > 0, size, 1.0)
        self._scale = self.tensor(scale)
        bends = sp.diags(_ROUGHNESS * volumes ** (2 / 3)) @ laplacian_matrix(self.regularization_mesh)
        self._bends = SparseMatrix.from_scipy(sp.csr_matrix(bends), self.device, self.dtype)
        self._bends_back = SparseMatrix.from_scipy(sp.csr_matrix(bends.T), self.device, self.dtype)

    def _residual(self, p: torch.Tensor) -> torch.Tensor:
        return self._tangent(p - self._reference)

    def _tangent(self, change: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._scale * change, self._scale * matvec(self._bends, change)])

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        plain, rough = y.chunk(2)
        return self._scale * plain + matvec(self._bends_back, self._scale * rough)

    def _linearize(self, p: torch.Tensor) -> Linearization:
        residual = self._residual(p)
        return Linearization(
            value=residual.square().sum(),
            gradient=lambda: self._adjoint(residual),
            tangent=self._tangent,
            adjoint=self._adjoint,
            cell_values=lambda: residual.square().sum(0),
            probe=lambda generator: random_signs(residual.shape, generator, residual),
        )
