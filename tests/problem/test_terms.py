"""Terms of a regularization: couplings and others, groups that share parameters, and what maps depend on."""

import numpy as np
import pytest
from simpeg import maps
from simpeg.regularization import CrossGradient as SimpegCrossGradient
from simpeg.regularization import Smallness, WeightedLeastSquares

from simpeg_jointdl._problem.terms import (
    at_cells_of,
    couplings,
    group_terms,
    has_structure,
    map_support,
    parameters_of_cells,
    property_maps,
    smoothness_terms,
    structured_cells,
)
from simpeg_jointdl.regularization import CrossGradient
from tests.core.operator_problem import wrap
from tests.registry import tensor_mesh

MESH = tensor_mesh(2)
N = MESH.n_cells
WIRES = maps.Wires(("a", N), ("b", N))
MODEL = np.random.default_rng(0).uniform(1.0, 2.0, 2 * N)
FIRST = np.arange(2 * N) < N


def of(mapping):
    """A regularization of what a map gives, kept whole in a sum."""
    term = WeightedLeastSquares(MESH, mapping=mapping)
    term._unpack_on_add = False
    return term


class Products(maps.IdentityMap):
    """A map whose derivative is known by its products only."""

    def __init__(self):
        super().__init__(nP=2 * N)

    @property
    def shape(self):
        return (N, 2 * N)

    def _transform(self, m):
        return m[:N]

    def deriv(self, m, v=None):
        jacobian = wrap(np.eye(N, 2 * N))
        return jacobian if v is None else jacobian @ v


def test_couplings_and_other_terms_are_found_in_any_order():
    reg = CrossGradient(MESH, WIRES) + of(WIRES.a) + SimpegCrossGradient(MESH, WIRES) + of(WIRES.b)
    assert couplings(reg) == [0, 2]
    assert smoothness_terms(reg) == [1, 3]


@pytest.mark.parametrize("kind", [CrossGradient, SimpegCrossGradient])
def test_maps_of_a_coupling(kind):
    found = property_maps(kind(MESH, WIRES))
    assert all(np.array_equal(one * MODEL, other * MODEL) for one, other in zip(found, (WIRES.a, WIRES.b), strict=True))


def test_terms_of_the_same_parameters_are_one_group():
    reg = of(WIRES.a) + of(WIRES.b) + Smallness(MESH, mapping=maps.ExpMap(nP=N) * WIRES.a)
    groups, supports = group_terms(reg, [0, 1, 2], MODEL)
    assert sorted(map(sorted, groups)) == [[0, 2], [1]]
    by_group = {tuple(sorted(group)): support for group, support in zip(groups, supports, strict=True)}
    np.testing.assert_array_equal(by_group[0, 2], FIRST)
    np.testing.assert_array_equal(by_group[1,], ~FIRST)


def test_a_term_of_all_parameters_joins_the_groups():
    reg = of(WIRES.a) + of(WIRES.b) + Smallness(MESH, mapping=maps.SumMap([WIRES.a, WIRES.b]))
    groups, supports = group_terms(reg, [0, 1, 2], MODEL)
    assert [sorted(group) for group in groups] == [[0, 1, 2]]
    assert supports[0].all()


def test_parameters_that_a_map_depends_on():
    np.testing.assert_array_equal(map_support(WIRES.a, MODEL), FIRST)
    np.testing.assert_array_equal(map_support(maps.ExpMap(nP=N) * WIRES.b, MODEL), ~FIRST)
    assert map_support(Products(), MODEL).all()  # not known


def test_parameters_of_some_cells():
    cells = np.arange(N) < 3
    np.testing.assert_array_equal(np.flatnonzero(parameters_of_cells(WIRES.b, MODEL, cells)), N + np.arange(3))
    assert parameters_of_cells(Products(), MODEL, cells).all()


def test_cells_where_a_property_differs_from_its_median():
    model = np.zeros(2 * N)
    model[3], model[4], model[N + 5] = 10.0, 0.5, -2.0
    assert np.flatnonzero(structured_cells([WIRES.a, WIRES.b], model)).tolist() == [3, 5]


def test_values_move_to_the_cells_with_the_same_parameters():
    order = np.random.default_rng(1).permutation(N)[: N - 2]
    other, values = maps.Projection(2 * N, order), np.arange(1.0, N - 1.0)
    moved = at_cells_of(WIRES.a, other, values, MODEL)
    np.testing.assert_allclose(moved[order], values)
    np.testing.assert_array_equal(np.delete(moved, order), 1.0)
    assert at_cells_of(WIRES.a, Products(), values, MODEL) is None
    same = np.ones(N)
    assert at_cells_of(WIRES.a, other, same, MODEL) is same


def test_round_off_is_no_structure():
    assert has_structure(MODEL)
    assert not has_structure(np.full(5, 3.0) + 1e-12 * np.arange(5))
    assert not has_structure(np.zeros(5))
