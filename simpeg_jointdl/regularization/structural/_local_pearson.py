"""Coupling by the local correlation of the properties."""

from __future__ import annotations

from collections.abc import Sequence

from .._base import BaseCoupling
from ._gramian import GramOptions, check_floor, gram_residual, identity_operator, linearize_gram, make_windows


class LocalPearson(BaseCoupling):
    r"""Local Pearson correlation coupling: in every window the properties are linearly related.

    .. math::
        \phi = \sum_{a < b} \sum_W V_W \, (1 - r_W^2), \qquad
        1 - r_W^2 = \frac{\sigma_{aa} \sigma_{bb} - \sigma_{ab}^2}
                         {(\sigma_{aa} + \epsilon_a^2)(\sigma_{bb} + \epsilon_b^2)}

    with the (co)variances of window :math:`W` taken with the measure :math:`w_i V_i`, and
    :math:`V_W = \sum_{i \in W} w_i V_i`. Slope and sign of the relation may change from window to window.
    It is the centred, normalised, windowed Gramian of the properties themselves, and does not change when
    a property is scaled or shifted.

    Parameters
    ----------
    mesh, wire_map
        See :class:`BaseCoupling`.
    window : sequence of int, optional
        Cells per axis of each window; (8, 8, 6) in 3-D and (8, 6) in 2-D when not given. Too small and two
        properties are always related; too large and one line no longer does. On a TreeMesh a window spans
        that many of the finest cells and holds every cell centred in it.
    overlap : float
        Part of the width that neighbouring windows share, in [0, 1). A cell counts in every window it
        lies in. Windows at the border of the active cells hold what cells there are.
    floor : float
        :math:`\epsilon_a` as a part of the root mean variance of all windows,
        :math:`\epsilon_a^2 = \text{floor}^2 \sum_W V_W \sigma_{aa} / \sum_W V_W`: windows where a property varies
        less fade out. With 0 it is :math:`1 - r^2` to the letter. A window in which a property is constant
        costs nothing, and that property has no gradient in it.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per cell of the mesh, or the indices of the active ones; all cells when not given.
    weights : dict, optional
        ``{name: array}``, each ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells, not negative;
        none when not given. They multiply each other and the cell volumes; a pair of properties takes the geometric
        mean of theirs.
    device : str or torch.device, optional
        Where it computes; torch's default device when not given.
    dtype : torch.dtype, numpy dtype or str, optional
        What it computes in, float64 (default) or float32; SimPEG sees float64 all the same.
    random_seed : int
        Of the diagonal's estimate, where it is one; 0 when not given.

    Raises
    ------
    TypeError, ValueError
        For what :class:`BaseCoupling` refuses; a window that has not one positive whole number per axis, or is larger
        than the mesh, as the default one may be; an overlap outside [0, 1); a floor that is not a finite number of at
        least 0. Later, for a model that is complex or of another length, or of which a property is NaN or infinite.
    MemoryError
        At a model, where the device has no memory left; says what helps.

    Notes
    -----
    The diagonal of the Hessian is exact where each model parameter moves one property in one cell, as with Wires;
    otherwise it is an estimate, as ``diagonal_is_exact_at`` tells. Cost and memory do not grow with the window's size.

    References
    ----------
    Yin, C. et al. (2018). Joint inversion of three-dimensional magnetotelluric and gravity data based on local
    correlation constraints (in Chinese). Chinese Journal of Geophysics, 61(1), 358-367.
    https://html.rhhz.net/dqwlxb/2018-1-358.htm

    They, and Liu, S. et al. (2022), maximise the correlation in windows of 8 x 8 x 6 and 8 x 8 x 10 cells. The form as
    a residual, :math:`1 - r^2 = \| \hat a - (\hat a \cdot \hat b) \hat b \|^2` with centred unit vectors, follows
    from the definition of r.

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
        mesh,
        wire_map,
        *,
        window: Sequence[int] | None = None,
        overlap: float = 0.5,
        floor: float = 0.05,
        **kwargs,
    ):
        super().__init__(mesh, wire_map, **kwargs)
        self._options = GramOptions(
            normalized=True, centered=True, pairwise=True, floor=check_floor(floor, type(self).__name__)
        )
        self._operator = identity_operator()
        if window is None:
            window = (8, 8, 6) if self.regularization_mesh.dim == 3 else (8, 6)
        self._windows = make_windows(self, window, overlap)

    def _residual(self, p):
        return gram_residual(self, self._operator.apply(p), self._options, self._windows)

    def _linearize(self, p):
        return linearize_gram(self, p, self._operator, self._options, self._windows)
