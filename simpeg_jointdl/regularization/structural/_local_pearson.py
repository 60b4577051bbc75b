"""Local Pearson coupling: the properties are correlated in every window."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from .._base import BaseCoupling
from .._linearization import Linearization
from ._field_operators import IdentityOperator
from ._gram_terms import GramOptions, gram_residual, linearize_gram, make_windows


class LocalPearson(BaseCoupling):
    r"""Local Pearson correlation coupling: in every window the properties are linearly related.

    .. math::
        \phi = \sum_{a < b} \sum_W V_W \, (1 - r_W^2), \qquad
        1 - r_W^2 = \frac{\sigma_{aa} \sigma_{bb} - \sigma_{ab}^2}
                         {(\sigma_{aa} + \epsilon_a^2)(\sigma_{bb} + \epsilon_b^2)}

    with the (co)variances of window :math:`W` taken with the measure :math:`w_i V_i`, and
    :math:`V_W = \sum_{i \in W} w_i V_i`. Slope and sign of the relation may change from window to window.
    It is the centred, normalized Gramian of the properties themselves in windows, and does not change when a property
    is scaled or shifted.

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties, as for :class:`BaseCoupling`.
    window : sequence of int, optional
        Number of cells along each axis of a window; by default (8, 8, 6) in 3-D and (8, 6) in 2-D. In a very small
        window two properties are always related; in a very large one a single line may not describe their relation.
        On a TreeMesh a window is that many of the finest cells wide and contains every cell whose centre lies in it.
    overlap : float
        Fraction of the width that neighbouring windows share, in [0, 1). A cell counts in every window that contains
        it. Windows at the border of the active cells contain fewer cells.
    floor : float
        :math:`\epsilon_a` as a fraction of the square root of the mean variance over all windows,
        :math:`\epsilon_a^2 = \text{floor}^2 \sum_W V_W \sigma_{aa} / \sum_W V_W`: windows with less variation lose
        weight. With 0 the value is exactly :math:`1 - r^2`. A window in which a property is constant contributes
        nothing, and that property has no gradient in it.
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
        If an argument does not fit: a window that does not have one positive whole number per axis, or is larger than
        the mesh, as the default window may be; an overlap outside [0, 1); a floor that is negative or not finite. Also
        raised at a model that is complex, has another length, or gives a property that is NaN or infinite.
    MemoryError
        If the device runs out of memory; the message says what helps.

    Notes
    -----
    The diagonal of the Hessian is exact where each model parameter changes one property in one cell, as with Wires.
    Otherwise it is a stochastic estimate; ``diagonal_is_exact_at`` says which. Cost and memory
    do not grow with the window's size.

    References
    ----------
    Yin, C. et al. (2018). Joint inversion of three-dimensional magnetotelluric and gravity data based on local
    correlation constraints (in Chinese). Chinese Journal of Geophysics, 61(1), 358-367.
    https://html.rhhz.net/dqwlxb/2018-1-358.htm

    Yin et al. (2018) maximise the correlation in windows of 8 x 8 x 6 cells.
    The form as a residual, :math:`1 - r^2 = \| \hat a - (\hat a \cdot \hat b) \hat b \|^2` with centred unit
    vectors, follows from the definition of r.

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.regularization import LocalPearson
    >>> mesh = discretize.TensorMesh([8, 8])
    >>> coupling = LocalPearson(mesh, maps.Wires(("density", 64), ("velocity", 64)), window=(4, 4))
    >>> density = np.random.default_rng(0).normal(size=64)
    >>> f"{coupling(np.r_[density, 1500 + 200 * density]):.3f}"
    '0.000'
    """

    _ignores_offsets = True

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        window: Sequence[int] | None = None,
        overlap: float = 0.5,
        floor: float = 0.05,
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
        floor = check.non_negative("LocalPearson.floor", floor)
        self._options = GramOptions(normalized=True, centered=True, pairwise=True, floor=floor)
        self._operator = IdentityOperator()
        if window is None:
            window = (8, 8, 6) if self.regularization_mesh.dim == 3 else (8, 6)
        self._windows = make_windows(self, window, overlap)

    def _residual(self, p):
        return gram_residual(self, self._operator.apply(p), self._options, self._windows)

    def _linearize(self, p) -> Linearization:
        return linearize_gram(self, p, self._operator, self._options, self._windows)
