"""Gramian coupling: fields of the properties are linearly dependent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap, Wires
from simpeg.regularization import RegularizationMesh

from ..._core import validation as check
from .._base import BaseCoupling
from ._field_operators import OPERATORS, make_operator
from ._gram_terms import GramOptions, gram_residual, linearize_gram, make_windows


class Gramian(BaseCoupling):
    r"""Gramian coupling: fields of the properties, such as gradients, are linearly dependent.

    .. math::
        \phi = \sum_W V_W \, s_W, \qquad
        s_W = \det \left[ \langle T p_a, T p_b \rangle_W \right]
        \quad \text{or, normalized,} \quad
        s_W = \frac{\det [ \langle T p_a, T p_b \rangle_W ]}{\prod_a (\| T p_a \|_W^2 + \epsilon_a^2)}

    with :math:`V_W = \sum_{i \in W} w_i V_i` and inner products averaged with that measure,
    :math:`\langle u, v \rangle_W = \frac{1}{V_W} \sum_{i \in W} w_i V_i \, u_i \cdot v_i`: the value depends
    neither on the cell size nor on the number of cells in a window. Normalized, :math:`s_W` lies between 0 and 1. For
    two properties :math:`\det = |u|^2 |v|^2 - (u \cdot v)^2`.

    ================  ==============  =========================================================
    `operator`        T               favours
    ================  ==============  =========================================================
    ``"identity"``    p               a linear relation
    ``"log"``         log p           a power law
    ``"gradient"``    ∇p              common structure; pointwise, the squared cross-gradient
    ``"laplacian"``   ∇²p             common edges and corners
    ================  ==============  =========================================================

    Parameters
    ----------
    mesh : discretize.TensorMesh, discretize.TreeMesh or simpeg.regularization.RegularizationMesh
        Mesh in 2-D or 3-D.
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        Two or more properties, as for :class:`BaseCoupling`.
    operator : {"gradient", "identity", "log", "laplacian"}
        Operator T, whose fields are compared. ``"log"`` needs positive properties.
    normalized : bool
        Whether to divide by the squared norms, so that the value depends neither on the unit nor on the size of a
        property.
    window : sequence of int, optional
        Number of cells along each axis of a window. The relation may differ from window to window. By default the
        whole mesh is one window; ``(1, 1, 1)`` is the pointwise Gramian. On a TreeMesh a window is that many of the
        finest cells wide and contains every cell whose centre lies in it.
    overlap : float
        Fraction of the width that neighbouring windows share, in [0, 1). A cell counts in every window that contains
        it. Windows at the border of the active cells contain fewer cells.
    pairwise : bool
        For three or more properties: whether to sum over all pairs (default) or to take the one determinant of all
        properties (Zhdanov et al., 2012). The latter vanishes as soon as one property depends on the others, and is
        always zero where a window contains fewer values than properties.
    centered : bool
        Whether to subtract window means first, which allows a linear relation with an offset. Not possible with
        ``"gradient"``.
    floor : float
        With ``normalized=True`` and windows, :math:`\epsilon_a` as a fraction of the rms of
        :math:`\| T p_a \|_W` over all windows, :math:`\epsilon_a^2 = \text{floor}^2 \sum_W V_W \| T p_a \|_W^2 /
        \sum_W V_W`: windows with little variation lose weight. A window in which a property does not vary contributes
        nothing, and that property has no gradient in it.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per mesh cell, or the indices of the active cells; by default all cells are active.
    weights : dict of str to array_like, optional
        Weights by name, each of shape ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells and not
        negative; none by default. They are multiplied with each other and with the cell volumes. A
        term uses the geometric mean of the weights of its properties.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the computation, float64 (default) or float32; SimPEG always receives float64.
    random_seed : int
        Seed of the estimated diagonal of the Hessian, where it is an estimate.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit: an unknown operator; ``centered`` with ``"gradient"``; a floor that is negative or
        not finite; a window that does not have one positive whole number per axis or is larger than the mesh; an
        overlap outside [0, 1); windows of one cell with fewer values than properties, where the coupling is always
        zero. Also raised at a model that is complex, has another length, or gives a property that is NaN, infinite
        or, with ``"log"``, not positive.
    MemoryError
        If the device runs out of memory; the message says what helps.

    Notes
    -----
    The diagonal of the Hessian is exact for ``"identity"``, ``"log"`` and ``window=None`` if each model parameter
    changes one property in one cell. Otherwise it is a stochastic estimate; ``diagonal_is_exact_at`` says which.

    References
    ----------
    Zhdanov, M. S., Gribenko, A. and Wilson, G. (2012). Generalized joint inversion of multimodal geophysical data using
    Gramian constraints. Geophysical Research Letters, 39, L09301. https://doi.org/10.1029/2012GL051233

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg import maps
    >>> from simpeg_jointdl.regularization import Gramian
    >>> mesh = discretize.TensorMesh([4, 4])
    >>> coupling = Gramian(mesh, maps.Wires(("density", 16), ("velocity", 16)), operator="identity", centered=True)
    >>> density = np.random.default_rng(0).normal(size=16)
    >>> f"{coupling(np.r_[density, 1500 + 200 * density]):.3f}"
    '0.000'
    """

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh | RegularizationMesh,
        wire_map: Wires | Sequence[IdentityMap],
        *,
        operator: Literal["gradient", "identity", "log", "laplacian"] = "gradient",
        normalized: bool = True,
        window: Sequence[int] | None = None,
        overlap: float = 0.0,
        pairwise: bool = True,
        centered: bool = False,
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
        self._operator_name = check.one_of("Gramian.operator", operator, OPERATORS)
        if centered and operator == "gradient":
            msg = "Gramian.centered: got True with operator='gradient'. Window means are subtracted from scalars only."
            raise ValueError(msg)
        floor = check.non_negative("Gramian.floor", floor)
        self._options = GramOptions(bool(normalized), bool(centered), bool(pairwise), floor)
        self._ignores_offsets = operator in ("gradient", "laplacian") or (centered and operator == "identity")
        self._operator = make_operator(operator, "Gramian", self.regularization_mesh, self.device, self.dtype)
        self._windows = make_windows(self, window, overlap)
        self._check_that_it_couples()

    def _check_that_it_couples(self):
        """Raise ValueError if every window has so few values that the determinant is always zero."""
        if not self._windows.is_pointwise:
            return
        n_values = self.regularization_mesh.dim if self._operator_name == "gradient" else 1
        n_compared = 2 if self._options.pairwise else self.n_properties
        if n_values < n_compared:
            msg = (
                f"Gramian.window: {n_values} value(s) of each of {n_compared} properties per window, as operator="
                f"'{self._operator_name}' gives here, are always linearly dependent, and the coupling is zero. Use a "
                f"larger window{'' if self._options.pairwise else ', or pairwise=True'}."
            )
            raise ValueError(msg)

    @property
    def operator(self) -> str:
        """Name of the operator T."""
        return self._operator_name

    def _residual(self, p):
        return gram_residual(self, self._operator.apply(p), self._options, self._windows)

    def _linearize(self, p):
        return linearize_gram(self, p, self._operator, self._options, self._windows)
