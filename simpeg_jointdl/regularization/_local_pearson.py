"""Coupling by the local correlation of the properties."""

from __future__ import annotations

from collections.abc import Sequence

from ._base import BaseCoupling
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
    mesh, wire_map, active_cells, weights, device, dtype, random_seed
        See :class:`BaseCoupling`.
    window : sequence of int
        Cells per axis of each window. Too small and two properties are always related; too large and one
        line no longer does. On a TreeMesh a window spans that many of the finest cells and holds every
        cell centred in it.
    overlap : float
        Part of the width that neighbouring windows share, in [0, 1). A cell counts in every window it
        lies in. Windows at the border of the active cells hold what cells there are.
    floor : float
        :math:`\epsilon` as a part of the standard deviation over all cells: windows where a property
        varies less fade out. With 0 it is :math:`1 - r^2` to the letter. A window in which a property is
        constant costs nothing and has no gradient.

    Notes
    -----
    The diagonal of the Hessian is exact. Cost and memory do not depend on the window's size.

    References
    ----------
    Yin, C., Sun, S., Gao, X., Liu, Y. and Chen, H. (2018). Chinese Journal of Geophysics, 61(11), 4637-4646.
    https://doi.org/10.6038/cjg2018M0041

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

    def __init__(
        self,
        mesh,
        wire_map,
        *,
        window: Sequence[int] = (8, 8, 6),
        overlap: float = 0.5,
        floor: float = 0.05,
        **kwargs,
    ):
        super().__init__(mesh, wire_map, **kwargs)
        self._options = GramOptions(
            normalized=True, centered=True, pairwise=True, floor=check_floor(floor, type(self).__name__)
        )
        self._operator = identity_operator()
        self._windows = make_windows(self, window, overlap)

    def _residual(self, p):
        return gram_residual(self, self._operator.apply(p), self._options, self._windows)

    def _linearize(self, p):
        return linearize_gram(self, p, self._operator, self._options, self._windows)
