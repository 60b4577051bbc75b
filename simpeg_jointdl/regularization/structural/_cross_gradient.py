"""Cross-gradient coupling: the gradients of the properties are parallel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import scipy.sparse as sp
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from ..._problem.mesh import gradient_matrix
from ...kernels import SparseMatrix, matvec
from .._base import BaseCoupling
from .._linearization import Linearization, random_signs


class CrossGradient(BaseCoupling):
    r"""Cross-gradient coupling: the gradients of all properties are parallel, or zero.

    .. math::
        \phi = \sum_{a < b} \int w \, | \nabla p_a \times \nabla p_b |^2 \, dv
             \approx \sum_{a < b} \sum_i w_i V_i \, | (\nabla p_a)_i \times (\nabla p_b)_i |^2

    Cell gradients are least-squares fits to the face neighbours. They are exact for linear models on tensor and tree
    meshes, also at the border of the active cells, so that proportional models give exactly zero.

    With ``normalized=True`` each gradient is divided by :math:`\sqrt{|\nabla p|^2 + \epsilon^2}`, where
    :math:`\epsilon` is `floor` times the root-mean-square gradient of that property. The value then depends neither on
    the unit nor on the size of a property, and weak edges count as much as strong ones, down to the floor.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties, as for :class:`BaseCoupling`.
    normalized : bool
        Whether to compare directions instead of gradients.
    floor : float
        Fraction of the rms gradient below which a gradient loses weight; used only with ``normalized=True``.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per mesh cell, or the indices of the active cells; by default all cells are active.
    weights : dict of str to array_like, optional
        Weights by name, each of shape ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells and not
        negative; none by default. They are multiplied with each other and with the cell volumes. A
        pair of properties uses the geometric mean of their weights.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32; SimPEG always receives float64.
    random_seed : int
        Seed of the estimated diagonal of the Hessian, where it is an estimate.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or the floor is negative or not finite. Also raised at a model that is complex,
        has another length, or gives a property that is NaN or infinite.
    MemoryError
        If the device runs out of memory; the message says what helps.

    Notes
    -----
    The diagonal of the Hessian is exact where each model parameter changes one property in one cell, as with Wires.
    Otherwise it is a stochastic estimate; ``diagonal_is_exact_at`` says which.

    References
    ----------
    Gallardo, L. A. and Meju, M. A. (2003). Characterization of heterogeneous near-surface materials by joint 2D
    inversion of dc resistivity and seismic data. Geophysical Research Letters, 30(13), 1658.
    https://doi.org/10.1029/2003GL017370

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.regularization import CrossGradient
    >>> mesh = discretize.TensorMesh([4, 4])
    >>> coupling = CrossGradient(mesh, maps.Wires(("density", 16), ("velocity", 16)))
    >>> x, y = mesh.cell_centers.T
    >>> f"{coupling(np.r_[x, 3 * x]):.3f} {coupling(np.r_[x, 3 * y]):.3f}"
    '0.000 9.000'
    """

    _ignores_offsets = True

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        normalized: bool = False,
        floor: float = 0.1,
        active_cells: ArrayLike | None = None,
        weights: dict[str, ArrayLike] | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
        random_seed: int = 0,
    ):
        super().__init__(
            mesh,
            wire_map,
            active_cells=active_cells,
            weights=weights,
            device=device,
            dtype=dtype,
            random_seed=random_seed,
        )
        self._normalized, self._floor = bool(normalized), check.non_negative("CrossGradient.floor", floor)
        self._matrix = gradient_matrix(self.regularization_mesh)
        self._gradient = SparseMatrix.from_scipy(self._matrix, self.device, self.dtype)
        self._volumes = self.tensor(self.regularization_mesh.vol)

    @property
    def normalized(self) -> bool:
        """Whether directions are compared instead of gradients."""
        return self._normalized

    @property
    def floor(self) -> float:
        """Fraction of the rms gradient below which a normalized gradient loses weight."""
        return self._floor

    def _gradients(self, p):
        return matvec(self._gradient, p).reshape(len(p), -1, p.shape[1])  # (n_properties, dim, n_cells)

    def _unit(self, gradient):
        return _UnitVectors(gradient, self._volumes, self._floor)

    def _residual(self, p):
        vectors = self._gradients(p)
        if self._normalized:
            vectors = [self._unit(g).vector for g in vectors]
        pairs = combinations(range(len(p)), 2)
        return torch.cat([self.cell_weights(ab).sqrt() * cross(vectors[ab[0]], vectors[ab[1]]) for ab in pairs])

    def _linearize(self, p):
        gradients = self._gradients(p)
        units = [self._unit(g) for g in gradients] if self._normalized else None
        vectors = gradients if units is None else [unit.vector for unit in units]
        pairs = list(combinations(range(len(p)), 2))
        weights = [self.cell_weights(pair) for pair in pairs]
        crosses = [cross(vectors[a], vectors[b]) for a, b in pairs]

        def tangent(v):
            change = self._gradients(v)
            if units is not None:
                change = [unit.tangent(d) for unit, d in zip(units, change, strict=True)]
            return [cross(change[a], vectors[b]).add_(cross(vectors[a], change[b])) for a, b in pairs]

        def adjoint(residuals):
            pull = torch.zeros_like(gradients)
            for (a, b), w, y in zip(pairs, weights, residuals, strict=True):
                y = w * y
                pull[a].add_(cross(vectors[b], y))
                pull[b].add_(cross(y, vectors[a]))
            if units is not None:
                pull = torch.stack([unit.adjoint(d) for unit, d in zip(units, pull, strict=True)])
            return matvec(self._gradient.T, pull.flatten(1))

        def probe(generator):
            # residuals here lack their root weights, which cannot be divided out again in a cell of zero weight
            return [
                random_signs(c.shape, generator, c) * torch.where(w > 0, w.rsqrt(), 0.0)
                for c, w in zip(crosses, weights, strict=True)
            ]

        cell_values = sum(w * c.square().sum(0) for w, c in zip(weights, crosses, strict=True))
        return Linearization(
            value=cell_values.sum(),
            gradient=lambda: adjoint(crosses),
            tangent=tangent,
            adjoint=adjoint,
            cell_values=lambda: cell_values,
            probe=probe,
            diagonal=lambda: self._diagonal(vectors, units, pairs, weights, crosses),
        )

    def _diagonal(self, vectors, units, pairs, weights, crosses):
        """Return diag(Jᵀ J): the gradient of each property enters through a symmetric 3 x 3 matrix per cell."""
        metrics = [torch.zeros(1, dtype=self.dtype, device=self.device)] * len(vectors)
        for (a, b), w in zip(pairs, weights, strict=True):
            for one, other in ((a, b), (b, a)):
                t = vectors[other]
                metrics[one] = metrics[one] + (_cross_metric(t, w) if units is None else units[one].cross_metric(t, w))
        diagonal = matvec(self._squared_gradient.T, torch.stack([metric.ravel() for metric in metrics]))
        return diagonal if units is None else diagonal + self._floor_diagonal(vectors, units, pairs, weights, crosses)

    def _floor_diagonal(self, vectors, units, pairs, weights, crosses):
        """Return the floor's rank-one contribution to the diagonal: the rms gradient depends on every cell."""
        lean = torch.zeros_like(torch.stack(vectors))
        spread = torch.zeros(len(vectors), 1, dtype=self.dtype, device=self.device)
        for (a, b), w, c in zip(pairs, weights, crosses, strict=True):
            for one, other, sign in ((a, b, 1.0), (b, a, -1.0)):
                y = sign * c * units[one].inverse_length.square()
                lean[one] -= cross(vectors[other], w * y)
                spread[one] += (w * y.square()).sum()
        lean = torch.stack([unit.local(y) for unit, y in zip(units, lean, strict=True)])
        pull = torch.stack([unit.mean_pull for unit in units])
        lean, pull = (matvec(self._gradient.T, y.flatten(1)) for y in (lean, pull))
        return 2.0 * pull * lean + pull.square() * spread

    @cached_property
    def _squared_gradient(self) -> SparseMatrix:
        """Products of the gradient's components; the rows are ordered as in :func:`_upper`."""
        n = self.n_cells
        parts = [self._matrix[i * n : (i + 1) * n] for i in range(self.regularization_mesh.dim)]
        products = [parts[i].multiply(parts[j]) * (1.0 if i == j else 2.0) for i, j in _upper(len(parts))]
        return SparseMatrix.from_scipy(sp.vstack(products, format="csr"), self.device, self.dtype)


def _upper(dim: int) -> list[tuple[int, int]]:
    """Return the indices of the upper triangle of a symmetric matrix."""
    return [(i, j) for i in range(dim) for j in range(i, dim)]


def cross(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return cross products, (3, n) in 3-D; in 2-D the only component, which is along the third axis, (1, n)."""
    if len(a) == 1:
        return torch.stack([-a[0] * b[1], a[0] * b[0]])
    if len(b) == 1:
        return torch.stack([a[1] * b[0], -a[0] * b[0]])
    if len(a) == 2:
        return (a[0] * b[1] - a[1] * b[0])[None]
    return torch.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _cross_metric(b, w):
    """Return the upper entries of w M with aᵀ M a = |a x b|², (dim (dim + 1) / 2, n_cells)."""
    square = w * b.square().sum(0)
    weighted = w * b
    return torch.stack([(square if i == j else 0.0) - weighted[i] * b[j] for i, j in _upper(len(b))])


class _UnitVectors:
    """Gradients divided by their length, with a floor at a fraction of the rms length over the mesh."""

    def __init__(self, gradient, volumes, floor):
        share = volumes / volumes.sum()
        square = gradient.square().sum(0)
        length = (square + floor**2 * (share @ square)).sqrt()
        self.inverse_length = torch.where(length > 0, 1.0 / torch.where(length > 0, length, 1.0), 0.0)
        self.vector = gradient * self.inverse_length
        self.mean_pull = floor**2 * share * gradient  # derivative of half the squared floor

    def local(self, d):
        """Return the derivative for a fixed floor, which is symmetric."""
        return (d - self.vector * (self.vector * d).sum(0)) * self.inverse_length

    def cross_metric(self, t, w):
        """Return the upper entries of w K M K with aᵀ M a = |a x t|² and K the derivative for a fixed floor.

        With P = I - u uᵀ and K = P / s this is w / s² (|t|² P² - (P t)(P t)ᵀ), where P² = I - (2 - |u|²) u uᵀ because
        the floor makes u shorter than one.
        """
        scale = w * self.inverse_length.square()
        square = scale * t.square().sum(0)
        u, q = self.vector, t - self.vector * (self.vector * t).sum(0)
        scaled, bent = scale * q, (2.0 - u.square().sum(0)) * u
        return torch.stack([square * (float(i == j) - bent[i] * u[j]) - scaled[i] * q[j] for i, j in _upper(len(t))])

    def tangent(self, d):
        """Return the derivative times a change d of the gradients."""
        return self.local(d) - self.vector * self.inverse_length.square() * (self.mean_pull * d).sum()

    def adjoint(self, y):
        """Return the transposed derivative times y."""
        lean = ((self.vector * y).sum(0) * self.inverse_length.square()).sum()
        return self.local(y) - self.mean_pull * lean
