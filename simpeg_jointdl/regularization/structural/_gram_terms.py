"""Sums of Gram terms over groups of properties: what the Gramian and the local Pearson correlation share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch

from ...kernels import pair_coefficients, volume_coefficients
from .._base import BaseCoupling
from .._linearization import Linearization
from ._field_operators import FieldOperator
from ._gram import GramTerm, LinearizedTerm
from ._windows import Windows, check_window


@dataclass(frozen=True)
class GramOptions:
    """How Gram matrices are compared; see :class:`Gramian`."""

    normalized: bool
    centered: bool
    pairwise: bool
    floor: float


def make_windows(coupling: BaseCoupling, window: Sequence[int] | None, overlap: float) -> Windows:
    """Return the windows of a coupling; one window of all active cells if `window` is None."""
    if window is None:
        return Windows.whole(coupling.n_cells, coupling.device, coupling.dtype)
    mesh = coupling.regularization_mesh
    window, overlap = check_window(window, overlap, mesh, type(coupling).__name__)
    return Windows.boxes(mesh, window, overlap, coupling.device, coupling.dtype)


def _terms(coupling: BaseCoupling, options: GramOptions, windows: Windows) -> list[GramTerm]:
    # the floor compares windows with each other, so it has no meaning for a single window
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
    """Return all entries of the residual, one per window and cell."""
    return torch.cat([term.residual(fields) for term in _terms(coupling, options, windows)])


def linearize_gram(coupling, p, operator: FieldOperator, options, windows) -> Linearization:
    """Return the linearization of a sum of Gram terms of the operator's fields."""
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
                total[term.members] += term.diagonal_of_whole(
                    lambda y: operator.adjoint(p, y), operator.squared_adjoint
                )
        # the derivative of a local operator is diagonal and acts from both sides
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
