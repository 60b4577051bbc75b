"""Coupling by the Gram determinant of the properties or of what an operator makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch

from ..._problem.mesh import gradient_matrix, laplacian_matrix
from ...kernels import SparseMatrix, matvec, pair_coefficients, volume_coefficients
from .._base import BaseCoupling
from .._linearization import Linearization
from ._gram import GramTerm, LinearizedTerm
from ._windows import Windows, check_window


class Gramian(BaseCoupling):
    r"""Gramian coupling: what an operator makes of the properties is linearly dependent.

    .. math::
        \phi = \sum_W V_W \, s_W, \qquad
        s_W = \det \left[ \langle T p_a, T p_b \rangle_W \right]
        \quad \text{or, normalised,} \quad
        s_W = \frac{\det [ \langle T p_a, T p_b \rangle_W ]}{\prod_a (\| T p_a \|_W^2 + \epsilon_a^2)} \in [0, 1]

    with :math:`V_W = \sum_{i \in W} w_i V_i` and inner products averaged with that measure,
    :math:`\langle u, v \rangle_W = \frac{1}{V_W} \sum_{i \in W} w_i V_i \, u_i \cdot v_i`: the value depends
    neither on the cell size nor on how many cells a window holds. For two properties
    :math:`\det = |u|^2 |v|^2 - (u \cdot v)^2`.

    ================  ==============  =========================================================
    `operator`        T               asks for
    ================  ==============  =========================================================
    ``"identity"``    p               a linear relation
    ``"log"``         log p           a power law
    ``"gradient"``    ∇p              common structure; pointwise it is the squared cross-gradient
    ``"laplacian"``   ∇²p             common edges and corners
    ================  ==============  =========================================================

    Parameters
    ----------
    mesh, wire_map
        See :class:`BaseCoupling`.
    operator : {"gradient", "identity", "log", "laplacian"}
        What is compared. ``"log"`` needs positive properties.
    normalized : bool
        Divide by the squared norms, so that neither unit nor size of a property counts.
    window : sequence of int, optional
        Cells per axis of each window, so that the relation may change from place to place. The whole mesh
        when not given; ``(1, 1, 1)`` is the pointwise Gramian. On a TreeMesh a window spans that many of
        the finest cells and holds every cell centred in it.
    overlap : float
        Part of the width that neighbouring windows share, in [0, 1). A cell counts in every window it
        lies in. Windows at the border of the active cells hold what cells there are.
    pairwise : bool
        For three and more properties: the sum over all pairs (default), or with ``False`` the one
        determinant of all of them (Zhdanov et al., 2012), which vanishes as soon as any one property
        depends on the others, and is zero always where a window holds fewer values than properties.
    centered : bool
        Take window means off first: a linear relation with an offset. Not for ``"gradient"``.
    floor : float
        With ``normalized=True`` and windows, :math:`\epsilon_a` as a part of the rms of
        :math:`\| T p_a \|_W` over all windows, :math:`\epsilon_a^2 = \text{floor}^2 \sum_W V_W \| T p_a \|_W^2 /
        \sum_W V_W`: windows where little happens fade out. A window in which a property does not vary costs
        nothing, and that property has no gradient in it.
    active_cells : (mesh.n_cells,) array_like of bool, or array_like of int, optional
        One boolean per cell of the mesh, or the indices of the active ones; all cells when not given.
    weights : dict, optional
        ``{name: array}``, each ``(n_cells,)`` or ``(n_cells, n_properties)`` over the active cells, not negative;
        none when not given. They multiply each other and the cell volumes; a term takes the geometric mean over
        the properties it compares.
    device : str or torch.device, optional
        Where it computes; torch's default device when not given.
    dtype : torch.dtype, numpy dtype or str, optional
        What it computes in, float64 (default) or float32; SimPEG sees float64 all the same.
    random_seed : int
        Of the diagonal's estimate, where it is one; 0 when not given.

    Raises
    ------
    TypeError, ValueError
        For what :class:`BaseCoupling` refuses; an unknown operator, or ``centered`` with ``"gradient"``; a floor that
        is not a finite number of at least 0; a window that has not one positive whole number per axis, or is larger
        than the mesh; an overlap outside [0, 1); and where every window is one cell of fewer values than properties
        are compared, as the coupling is zero then. Later, for a model that is complex or of another length, or of
        which a property is NaN or infinite, or with ``"log"`` not positive.
    MemoryError
        At a model, where the device has no memory left; says what helps.

    Notes
    -----
    The diagonal of the Hessian is exact for ``"identity"`` and ``"log"``, and for ``window=None``, where each model
    parameter moves one property in one cell; otherwise it is an estimate. ``diagonal_is_exact_at`` tells.

    References
    ----------
    Zhdanov, M. S., Gribenko, A. and Wilson, G. (2012). Generalized joint inversion of multimodal geophysical data using
    Gramian constraints. Geophysical Research Letters, 39, L09301. https://doi.org/10.1029/2012GL051233
    """

    def __init__(
        self,
        mesh,
        wire_map,
        *,
        operator: str = "gradient",
        normalized: bool = True,
        window: Sequence[int] | None = None,
        overlap: float = 0.0,
        pairwise: bool = True,
        centered: bool = False,
        floor: float = 0.05,
        **kwargs,
    ):
        super().__init__(mesh, wire_map, **kwargs)
        name = type(self).__name__
        if operator not in _OPERATORS:
            msg = f"{name}.operator: got {operator!r}, wanted one of {', '.join(map(repr, _OPERATORS))}."
            raise ValueError(msg)
        if centered and operator == "gradient":
            msg = f"{name}.centered: window means are taken off scalars; operator='gradient' makes vectors."
            raise ValueError(msg)
        self._options = GramOptions(normalized, centered, pairwise, check_floor(floor, name))
        self._operator_name = operator
        self._ignores_offsets = operator in ("gradient", "laplacian") or (centered and operator == "identity")
        self._operator = _OPERATORS[operator](self)
        self._windows = make_windows(self, window, overlap)
        if self._windows.is_pointwise:
            values = self.regularization_mesh.dim if operator == "gradient" else 1
            together = 2 if pairwise else self.n_properties
            if values < together:
                msg = (
                    f"{name}.window: with operator='{operator}', {values} value(s) per window of {together} properties "
                    "always depend on each other, and the coupling is zero. Take a larger window"
                    + ("." if pairwise else ", or pairwise=True.")
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


@dataclass(frozen=True)
class GramOptions:
    """How Gram matrices are compared; see :class:`Gramian`."""

    normalized: bool
    centered: bool
    pairwise: bool
    floor: float


@dataclass(frozen=True)
class FieldOperator:
    """T with its derivative and the derivative's adjoint; (n_properties, n_cells) <-> (n_properties, k, n_cells)."""

    apply: Callable[[torch.Tensor], torch.Tensor]
    tangent: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # at p, of v
    adjoint: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # at p, of y
    is_local: bool  # whether a cell's value moves that cell's field alone
    squared: Callable[[torch.Tensor], torch.Tensor] | None = None  # (T∘T)ᵀ y, of one that is not local


def identity_operator(coupling: BaseCoupling | None = None) -> FieldOperator:
    """T p = p."""
    return FieldOperator(lambda p: p[:, None], lambda p, v: v[:, None], lambda p, y: y[:, 0], is_local=True)


def _log_operator(coupling: BaseCoupling) -> FieldOperator:
    def apply(p):
        if not bool((p > 0).all()):
            msg = (
                f"{type(coupling).__name__}: operator='log' met a property that is not positive. "
                "Bound the model from below, or map it with simpeg.maps.ExpMap and use operator='identity'."
            )
            raise ValueError(msg)
        return p.log()[:, None]

    return FieldOperator(apply, lambda p, v: (v / p)[:, None], lambda p, y: y[:, 0] / p, is_local=True)


def _linear_operator(coupling: BaseCoupling, matrix) -> FieldOperator:
    product = SparseMatrix.from_scipy(matrix, coupling.device, coupling.dtype)
    squared = SparseMatrix.from_scipy(matrix.multiply(matrix).tocsr(), coupling.device, coupling.dtype)

    def apply(p):
        return matvec(product, p).reshape(len(p), -1, p.shape[1])

    return FieldOperator(
        apply,
        lambda p, v: apply(v),
        lambda p, y: matvec(product.T, y.flatten(1)),
        is_local=False,
        squared=lambda y: matvec(squared.T, y.flatten(1)),
    )


_OPERATORS = {
    "identity": identity_operator,
    "log": _log_operator,
    "gradient": lambda coupling: _linear_operator(coupling, gradient_matrix(coupling.regularization_mesh)),
    "laplacian": lambda coupling: _linear_operator(coupling, laplacian_matrix(coupling.regularization_mesh)),
}


def make_windows(coupling: BaseCoupling, window, overlap) -> Windows:
    """Windows of a coupling; the whole of its active cells when `window` is None."""
    if window is None:
        return Windows.whole(coupling.n_cells, coupling.device, coupling.dtype)
    mesh = coupling.regularization_mesh
    window, overlap = check_window(window, overlap, mesh, type(coupling).__name__)
    return Windows.boxes(mesh, window, overlap, coupling.device, coupling.dtype)


def check_floor(floor: float, name: str) -> float:
    """A finite number of at least zero; ValueError otherwise."""
    if not 0.0 <= float(floor) < float("inf"):
        msg = f"{name}.floor: got {floor!r}, wanted a finite number of at least 0."
        raise ValueError(msg)
    return float(floor)


def _terms(coupling: BaseCoupling, options: GramOptions, windows: Windows) -> list[GramTerm]:
    # one window that is everything cannot be quiet beside the rest
    floor = 0.0 if windows.n_windows == 1 else options.floor
    n = coupling.n_properties
    make, groups = pair_coefficients, list(combinations(range(n), 2))
    if not options.pairwise and n > 2:
        make, groups = volume_coefficients, [tuple(range(n))]
    return [
        GramTerm(group, coupling.cell_weights(group), windows, make(floor, options.normalized), options.centered)
        for group in groups
    ]


def gram_residual(coupling, fields, options, windows) -> torch.Tensor:
    """All entries of the residual, over pairs of window and cell."""
    return torch.cat([term.residual(fields) for term in _terms(coupling, options, windows)])


def linearize_gram(coupling, p, operator: FieldOperator, options, windows) -> Linearization:
    """Linearization of a sum of Gram terms of the operator's fields."""
    fields = operator.apply(p)
    terms = [LinearizedTerm(term, fields) for term in _terms(coupling, options, windows)]

    def collect(parts):
        total = torch.zeros_like(fields)
        for term, part in zip(terms, parts, strict=True):
            total[term.members] += part
        return operator.adjoint(p, total)

    def tangent(v):
        change = operator.tangent(p, v)
        return [term.tangent(change) for term in terms]

    def diagonal():
        total = torch.zeros_like(p)
        for term in terms:
            if operator.is_local:
                total[term.members] += term.diagonal()
            else:
                total[term.members] += term.diagonal_of_whole(lambda y: operator.adjoint(p, y), operator.squared)
        # a local T' is diagonal, and acts from both sides
        return operator.adjoint(p, operator.adjoint(p, total[:, None])[:, None]) if operator.is_local else total

    return Linearization(
        value=sum(term.value for term in terms),
        gradient=lambda: collect([term.gradient() for term in terms]),
        tangent=tangent,
        adjoint=lambda y: collect([term.adjoint(part) for term, part in zip(terms, y, strict=True)]),
        cell_values=lambda: sum(term.cell_values() for term in terms),
        probe=lambda generator: [term.probe(generator) for term in terms],
        diagonal=diagonal if operator.is_local or windows.n_windows == 1 else None,
    )
