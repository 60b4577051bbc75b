"""Change of properties from a reference model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from ..._problem.mesh import laplacian_matrix
from ...kernels import SparseMatrix, matvec
from .._base import BaseCoupling
from .._linearization import Linearization, random_signs

_ROUGHNESS = 0.3  # factor of the Laplacian in units of cells; that of a checkerboard pattern is 12


class ModelChange(BaseCoupling):
    r"""Change of properties from a reference model, with a penalty on rough changes.

    .. math::
        \phi(\mathbf m) = \sum_p \sum_j \frac{V_j}{\sum_k V_k}
        \left( \delta_{pj}^2 + \left( \tfrac{3}{10} V_j^{2/d} (\nabla^2 \delta_p)_j \right)^2 \right), \qquad
        \delta_p = \frac{\mathbf p_p(\mathbf m) - \mathbf p_p^0}{s_p}

    where :math:`s_p` is the rms of property :math:`p` of the reference model and :math:`d` the number of dimensions.
    The factor :math:`V_j^{2/d}` makes the Laplacian independent of the size of square or cubic cells. Variation from
    cell to cell, which the data do not resolve and which the last layers of a network produce easily, costs more than a
    smooth change of the same size: 14 times as much for a checkerboard pattern of cubic cells.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties, as for :class:`BaseCoupling`.
    reference : (n_properties, n_cells) array_like
        Reference model on the active cells.
    which : int, optional
        Index of the one property whose change counts; by default all properties count.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per mesh cell, or the indices of the active cells; by default all cells are active.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32; SimPEG always receives float64.
    random_seed : int
        Seed of the estimated diagonal of the Hessian, where it is an estimate.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, such as a reference model of another shape.

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.regularization import ModelChange
    >>> mesh = discretize.TensorMesh([4, 4])
    >>> wires = maps.Wires(("density", 16), ("velocity", 16))
    >>> change = ModelChange(mesh, wires, reference=np.ones((2, 16)))
    >>> f"{change(np.ones(32)):.1f} {change(1.1 * np.ones(32)):.2f}"
    '0.0 0.02'
    """

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        reference: ArrayLike,
        which: int | None = None,
        active_cells: ArrayLike | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        random_seed: int = 0,
    ):
        super().__init__(mesh, wire_map, active_cells=active_cells, device=device, dtype=dtype, random_seed=random_seed)
        reference = check.finite_array("ModelChange.reference", reference, (self.n_properties, self.n_cells))
        which = None if which is None else check.whole("ModelChange.which", which, 0, self.n_properties - 1)
        size = np.sqrt(np.mean(reference**2, axis=1, keepdims=True))
        volumes = self.regularization_mesh.vol
        self._reference = self.tensor(reference)
        counts = np.isin(np.arange(len(reference)), np.arange(len(reference)) if which is None else which)
        scale = counts[:, None] * np.sqrt(volumes / volumes.sum()) / np.where(size > 0, size, 1.0)
        self._scale = self.tensor(scale)
        squared_width = volumes ** (2 / self.regularization_mesh.dim)
        roughness = sp.diags(_ROUGHNESS * squared_width) @ laplacian_matrix(self.regularization_mesh)
        self._roughness = SparseMatrix.from_scipy(sp.csr_matrix(roughness), self.device, self.dtype)
        self._roughness_adjoint = SparseMatrix.from_scipy(sp.csr_matrix(roughness.T), self.device, self.dtype)

    def _residual(self, p: torch.Tensor) -> torch.Tensor:
        return self._tangent(p - self._reference)

    def _tangent(self, change: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._scale * change, self._scale * matvec(self._roughness, change)])

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        plain, rough = y.chunk(2)
        return self._scale * plain + matvec(self._roughness_adjoint, self._scale * rough)

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
